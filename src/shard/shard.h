#pragma once

#include <functional>
#include <memory>

#include "loop/loop.h"
#include "loop/mailbox.h"
#include "shard/runner_threads.h"
#include "shard/scheduler.h"

namespace atolld::shard {

/// What a shard drives: the scheduler and whatever feeds it. Made, used and destroyed by the seat's
/// holder.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Scheduler& scheduler() = 0;
  /// After the loop's callbacks, before the slices of the round.
  virtual void beforeSlices() {}
};

/// A loop with its mailbox and engine, driven in rounds: the loop's callbacks, slices, what was
/// deferred. One thread at a time holds the seat; a slice that takes long loses it to another
/// (runner_threads.h). The holder waits in the loop only while no slice is ready.
class Shard {
 public:
  using MakeEngine =
      std::move_only_function<std::unique_ptr<Engine>(loop::Loop& loop, loop::Mailbox& mailbox)>;

  /// Has a thread take the seat; returns when the engine is made.
  explicit Shard(MakeEngine makeEngine, const RunnerLimits& limits = {});
  /// stop(), and waits until everything is gone.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// `task` runs in the seat, from a loop callback, in order. Dropped after stop(). Any
  /// thread.
  void post(std::move_only_function<void(Engine&)> task);
  /// Ends the rounds after what was posted before: ends slices that run without the seat, destroys
  /// the engine, which must close its handles, and lets the loop run out. Any thread; does not
  /// wait.
  void stop();

 private:
  class State;
  const std::shared_ptr<RunnerThreads> threads_;
  const std::unique_ptr<State> state_;
};

}  // namespace atolld::shard
