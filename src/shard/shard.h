#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loop/loop.h"
#include "loop/mailbox.h"
#include "shard/scheduler.h"
#include "shard/script_thread.h"

namespace atolld::shard {

/// What a shard drives: the scheduler and whatever feeds it. Made, used and destroyed on the
/// shard's thread.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Scheduler& scheduler() = 0;
  /// After the loop's callbacks, before the slices of the round.
  virtual void beforeSlices() {}
};

/// One thread with its loop, mailbox and engine, running rounds: the loop's callbacks, slices, what
/// was deferred. It waits in the loop only while no slice is ready.
class Shard {
 public:
  using MakeEngine =
      std::move_only_function<std::unique_ptr<Engine>(loop::Loop& loop, loop::Mailbox& mailbox)>;

  /// Starts the thread; returns when the engine is made. `name` shows in thread lists.
  Shard(std::string name, MakeEngine makeEngine);
  /// stop(), and waits for the thread.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// `task` runs on the shard's thread, from a loop callback, in order. Dropped after stop(). Any
  /// thread.
  void post(std::move_only_function<void(Engine&)> task);
  /// Ends the rounds after what was posted before: destroys the engine, which must close its
  /// handles, and lets the loop run out. Any thread; does not wait.
  void stop();

 private:
  struct State;
  void work(MakeEngine makeEngine);

  const std::shared_ptr<State> state_;
  std::optional<ScriptThread> thread_;
};

}  // namespace atolld::shard
