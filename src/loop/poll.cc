#include "loop/poll.h"

#include <string>
#include <utility>

#include "base/check.h"

namespace atolld::loop {

struct Poll::State {
  State(Loop& owner, Callback callback) : loop(owner), onReady(std::move(callback)) {}

  uv_poll_t handle;
  Loop& loop;
  Callback onReady;
  int events = 0;
  bool inCallback = false;
  bool closing = false;

  static void ready(uv_poll_t* handle, int status, int events) noexcept {
    auto& state = *static_cast<State*>(handle->data);
    if (status < 0) state.events = 0;  // libuv stops a poll it reports an error on.
    state.inCallback = true;
    state.onReady(Ready{.readable = (events & UV_READABLE) != 0,
                        .writable = (events & UV_WRITABLE) != 0,
                        .failed = status < 0});
    state.inCallback = false;
    // Kept while it ran: the callback may have destroyed the Poll.
    if (state.closing) state.onReady = nullptr;
  }
  static void closed(uv_handle_t* handle) noexcept { delete static_cast<State*>(handle->data); }
};

void Poll::Close::operator()(State* state) const noexcept {
  state->loop.checkThread();
  state->closing = true;
  if (!state->inCallback) state->onReady = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&state->handle), &State::closed);
}

Result<Poll> Poll::open(Loop& loop, int fd, Callback onReady) {
  loop.checkThread();
  auto state = std::make_unique<State>(loop, std::move(onReady));
  if (const int status = uv_poll_init(loop.raw(), &state->handle, fd); status != 0) {
    return fail(ErrorCode::Io, std::string("cannot poll the socket: ") + uv_strerror(status));
  }
  state->handle.data = state.get();
  return Poll(state.release());
}

void Poll::watch(bool readable, bool writable) {
  state_->loop.checkThread();
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == state_->events) return;
  state_->events = events;
  if (events == 0) {
    ATOLL_CHECK(uv_poll_stop(&state_->handle) == 0);
  } else {
    ATOLL_CHECK(uv_poll_start(&state_->handle, events, &State::ready) == 0);
  }
}

}  // namespace atolld::loop
