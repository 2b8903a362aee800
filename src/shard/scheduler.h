#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "deploy/deployment.h"
#include "isolate/host.h"
#include "isolate/isolate.h"
#include "loop/loop.h"

namespace atolld::shard {

class Worker;

/// Carries out what slices produced; implemented by dispatch/. Seat holder only.
class WorkerOwner {
 public:
  /// `worker`'s slice ended. Effects in order; the outbox is emptied by the callee.
  virtual void onEffects(Worker& worker, isolate::host::Outbox& outbox) = 0;
  /// The isolate is lost (limit broken, load failed): every invocation in it has ended with
  /// `error`. The Worker is gone on return.
  virtual void onWorkerLost(Worker& worker, const Error& error) = 0;
 protected:
  ~WorkerOwner() = default;
};

/// One isolate with a loaded version on this shard, and the events waiting for it. Seat holder only.
/// Lives in the shard's LRU: idle ones (no invocation open) may be evicted between rounds.
class Worker {
 public:
  /// Queues an event for the next slice.
  void post(isolate::host::Event event);
  const std::shared_ptr<const deploy::Version>& version() const noexcept;
  /// Open invocations keep a worker from eviction: dispatch counts them here.
  void invocationOpened() noexcept;
  void invocationClosed() noexcept;
  /// Whatever dispatch keeps per worker (its invocations, bodies, ops).
  struct Attachment {
    virtual ~Attachment() = default;
  };
  std::unique_ptr<Attachment> attachment;
};

struct SchedulerLimits {
  std::size_t workersMax = 500;        ///< Isolates on this shard, loaded or in the pool.
  std::size_t poolCount = 4;           ///< Pre-made isolates.
  std::size_t slicesPerRound = 64;
};

/// Which isolate runs which event, when; owns the shard's isolates. Seat holder only.
class Scheduler {
 public:
  /// `loop` and `owner` outlive it.
  Scheduler(loop::Loop& loop, WorkerOwner& owner, SchedulerLimits limits);
  ~Scheduler();

  /// A worker running `version`: warm, or made and loaded in a slice of its own (the events posted
  /// meanwhile wait).
  /// @error Overloaded: no room and nobody to evict.
  Result<Worker*> lease(const std::shared_ptr<const deploy::Version>& version);

  /// Runs ready slices, up to the round's budget, and hands each outbox to the owner. Called by the
  /// shard between Loop::run and Loop::runDeferred. True if slices are still ready.
  bool runReady();
};

}  // namespace atolld::shard
