#include "loop/signal_watcher.h"

#include <csignal>
#include <utility>

#include "base/check.h"

namespace atolld::loop {

struct SignalWatcher::State {
  uv_signal_t handle;
  Loop& loop;
  std::function<void()> onSignal;

  State(Loop& owner, std::function<void()> callback) : loop(owner), onSignal(std::move(callback)) {}
  static void caught(uv_signal_t* handle, int) noexcept {
    static_cast<State*>(handle->data)->onSignal();
  }
  static void closed(uv_handle_t* handle) noexcept { delete static_cast<State*>(handle->data); }
};

void SignalWatcher::Close::operator()(State* state) const noexcept {
  state->loop.checkThread();
  uv_close(reinterpret_cast<uv_handle_t*>(&state->handle), &State::closed);
}

SignalWatcher::SignalWatcher(Loop& loop, int signal, std::function<void()> onSignal) {
  loop.checkThread();
  auto state = std::make_unique<State>(loop, std::move(onSignal));
  ATOLL_CHECK(uv_signal_init(loop.raw(), &state->handle) == 0);
  state->handle.data = state.get();
  state_.reset(state.release());
  ATOLL_CHECK(uv_signal_start(&state_->handle, &State::caught, signal) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(&state_->handle));
}

void ignoreBrokenPipes() noexcept { ATOLL_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR); }

}  // namespace atolld::loop
