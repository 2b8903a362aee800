#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"

namespace atolld::loop {

/// One uv loop and the thread that holds its seat. Everything attached to a loop (timers, sockets,
/// connections) is touched by that thread only; checkThread() proves it in every build.
///
/// A round is: run() once, then whatever the owner runs outside uv callbacks (slices), then
/// runDeferred(). JavaScript never runs inside a uv callback.
class Loop {
 public:
  Loop();
  ~Loop();  // Every handle must be closed: checked.
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Polls and runs callbacks once; waits for something to happen if `mayBlock`.
  void run(bool mayBlock);
  /// Runs rounds until no handle is left (for tests and teardown).
  void runUntilClosed();
  /// Makes a run() that waits, or is about to, return. Loop thread only; other threads post to a
  /// Mailbox.
  void stop() noexcept;

  /// `task` runs in this round's runDeferred(); from inside one, in the same pass. For work that is
  /// worth more once all of a round's answers are known, as flushing a connection's replies. What
  /// the task refers to must outlive it: it cannot be taken back. run() does not wait while there
  /// are tasks.
  void defer(std::function<void()> task);
  void runDeferred();
  bool hasDeferred() const noexcept;

  /// Milliseconds of the loop's own monotonic clock, read once per round and when a Timer starts.
  std::uint64_t nowMillis() const noexcept;

  /// Makes the calling thread the seat holder. The former holder must have let go of the loop.
  void takeSeat() noexcept;
  void checkThread() const noexcept;

  uv_loop_t* raw() noexcept;

 private:
  friend class Deferred;
  struct State;
  std::unique_ptr<State> state_;
};

/// A task that an object defers again and again: scheduling it allocates nothing, and destroying it
/// takes it back. Loop thread only.
class Deferred {
 public:
  /// `loop` must outlive it. The task may destroy the Deferred.
  Deferred(Loop& loop, std::function<void()> task);
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  /// As Loop::defer; nothing if it is scheduled already.
  void schedule();

 private:
  friend class Loop;
  static constexpr std::size_t kUnscheduled = SIZE_MAX;
  Loop& loop_;
  std::shared_ptr<const std::function<void()>> task_;
  std::size_t position_ = kUnscheduled;
};

}  // namespace atolld::loop
