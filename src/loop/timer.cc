#include "loop/timer.h"

#include <utility>

#include "base/check.h"

namespace atolld::loop {

struct Timer::State {
  uv_timer_t handle;
  Callback onFire;
  Loop& loop;

  explicit State(Loop& owner) : loop(owner) {}
  static void fired(uv_timer_t* handle) noexcept {
    // Moved out first: the callback may rearm the timer, which overwrites `onFire`, or destroy it.
    const Callback callback = std::exchange(static_cast<State*>(handle->data)->onFire, nullptr);
    callback();
  }
  static void closed(uv_handle_t* handle) noexcept { delete static_cast<State*>(handle->data); }
};

void Timer::Close::operator()(State* state) const noexcept {
  state->loop.checkThread();
  state->onFire = nullptr;  // What it captured goes now, not a round later.
  uv_close(reinterpret_cast<uv_handle_t*>(&state->handle), &State::closed);
}

Timer::Timer(Loop& loop) {
  loop.checkThread();
  auto state = std::make_unique<State>(loop);
  ATOLL_CHECK(uv_timer_init(loop.raw(), &state->handle) == 0);
  state->handle.data = state.get();
  state_.reset(state.release());
}

void Timer::start(std::chrono::milliseconds delay, Callback onFire) {
  state_->loop.checkThread();
  ATOLL_CHECK(delay.count() >= 0 && onFire != nullptr);
  // The loop's time is from the start of the round; slices may have run since.
  uv_update_time(state_->loop.raw());
  state_->onFire = std::move(onFire);
  const auto millis = static_cast<std::uint64_t>(delay.count());
  ATOLL_CHECK(uv_timer_start(&state_->handle, &State::fired, millis, 0) == 0);
}

void Timer::stop() {
  state_->loop.checkThread();
  uv_timer_stop(&state_->handle);
  state_->onFire = nullptr;
}

bool Timer::active() const noexcept {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&state_->handle)) != 0;
}

}  // namespace atolld::loop
