#pragma once

#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>

#include "loop/loop.h"

namespace atolld::loop {

/// A one-shot timer. Loop thread only; destroying it cancels it.
class Timer {
 public:
  using Callback = std::function<void()>;

  /// `loop` must outlive the timer.
  explicit Timer(Loop& loop);

  /// Rearms the timer; a callback not yet fired is dropped. Never fires early: the delay counts
  /// from this call. The callback may rearm or destroy the timer.
  void start(std::chrono::milliseconds delay, Callback onFire);
  void stop();
  bool active() const noexcept;

 private:
  struct State;
  struct Close {
    void operator()(State* state) const noexcept;
  };
  std::unique_ptr<State, Close> state_;  // Movable: libuv points at the State, not at us.
};

}  // namespace atolld::loop
