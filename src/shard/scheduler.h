#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "deploy/deployment.h"
#include "deploy/version_id_hash.h"
#include "isolate/host.h"
#include "isolate/isolate.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "shard/isolate_pool.h"
#include "shard/memory_budget.h"
#include "shard/shard_counters.h"
#include "shard/turns.h"
#include "shard/watchdog.h"

namespace atolld::shard {

class Scheduler;
class Worker;

/// Carries out what slices produced; implemented by dispatch/. Seat holder only. May call lease()
/// and post() on any worker.
class WorkerOwner {
 public:
  /// A slice with events of `worker`'s ended, with or without effects. Effects in order; the outbox
  /// is emptied by the callee.
  /// @param charges  CPU time of invocations in this slice: of all where the worker is measured,
  /// else of those that the monitor saw
  virtual void onEffects(Worker& worker, isolate::host::Outbox& outbox,
                         std::span<const Charge> charges) = 0;
  /// What onEffects() was told of it.
  virtual std::chrono::nanoseconds cpuUsed(Worker& worker, isolate::host::InvocationId invocation) {
    return {};
  }
  /// The isolate is lost (limit broken, load failed): every invocation in it has ended with
  /// `error`. The Worker is gone on return.
  virtual void onWorkerLost(Worker& worker, const Error& error) = 0;
  /// Its event was taken back: no slice of `worker`'s has seen it, nor will.
  virtual void onShed(Worker& worker, isolate::host::InvocationId invocation) {}

 protected:
  ~WorkerOwner() = default;
};

/// What the thread in a slice owns, from the moment the slice starts until it was settled; the seat
/// holder does not touch it meanwhile.
struct Slice {
  /// Load is a worker's first; Code puts compiled code into the code cache, after the first events;
  /// Collect gives memory back once no invocation is open.
  enum class Kind : std::uint8_t { Load, Events, Code, Collect } kind = Kind::Load;
  std::unique_ptr<isolate::Isolate> isolate;  ///< Null until the first slice.
  std::shared_ptr<const deploy::Version> version;
  std::vector<isolate::host::Event> events;
  isolate::host::Outbox outbox;
  Result<> result;
  /// The last one used a quantum of CPU time and more: the next one gives the seat away first.
  bool slow = false;
  bool isMeasured = false;      ///< However short it is.
  std::vector<Charge> used;     ///< By the events' invocations in earlier slices.
  std::vector<Charge> charges;  ///< By them in this one.
  std::chrono::nanoseconds isolateTime{}, loadTime{};  ///< Of Load: until the isolate; all of it.
};

/// One isolate with a loaded version on this shard, and the events waiting for it. Seat holder
/// only. Lives in the shard's LRU: idle ones (no invocation open, no event waiting) may be evicted
/// by any lease(), so a leased worker is used or opened before the next one.
class Worker {
 public:
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Queues an event for the next slice.
  void post(isolate::host::Event&& event);
  /// Its isolate lives and has nothing to do until somebody posts.
  bool isQuiet() const noexcept { return !lost_ && queueHead_ == queue_.size(); }
  const std::shared_ptr<const deploy::Version>& version() const noexcept { return version_; }
  /// Events that wait for a slice.
  std::size_t queueLength() const noexcept { return queue_.size() - queueHead_; }
  std::size_t openCount() const noexcept { return openCount_; }
  /// Its version was loaded. What is lost before that never ran an event.
  bool isLoaded() const noexcept { return loaded_; }
  /// From its next slice on the time of every invocation is told, however short: somebody watches.
  void measure() noexcept { measured_ = true; }
  /// Open invocations keep a worker from eviction: dispatch counts them here.
  void invocationOpened() noexcept;
  void invocationClosed() noexcept;
  /// Whatever dispatch keeps per worker (its invocations, bodies, ops).
  struct Attachment {
    virtual ~Attachment() = default;
  };
  std::unique_ptr<Attachment> attachment;

 private:
  friend class Scheduler;
  friend class Turns;
  Worker(Scheduler& scheduler, std::shared_ptr<const deploy::Version> version);
  bool idle() const noexcept;
  bool wantsCollection() const noexcept;
  bool wantsInspection() const noexcept;

  Scheduler& scheduler_;
  const std::shared_ptr<const deploy::Version> version_;
  TenantTurn& turn_;
  Worker* nextReady_ = nullptr;
  std::size_t openCount_ = 0;
  std::vector<isolate::host::Event> queue_;
  std::size_t queueHead_ = 0;      ///< Events before it went into slices.
  bool ready_ = false;             ///< In the scheduler's turns,
  std::uint64_t readyMillis_ = 0;  ///< since this time of the loop's.
  bool busy_ = false;              ///< `slice_` belongs to a slice, or its effects are carried out.
  bool lost_ = false;
  bool measured_ = false;
  bool expecting_ = false;  ///< Made by warm(), and no event came yet.
  bool loaded_ = false;
  std::optional<std::list<Worker*>::iterator> idlePlace_;
  std::shared_ptr<Slice> slice_ = std::make_shared<Slice>();
};

struct SchedulerLimits {
  std::size_t workersMax = 500;  ///< Loaded isolates on this shard.
  std::size_t poolCount = 4;     ///< Pre-made isolates this shard adds to the process's pool.
  std::size_t slicesPerRound = 64;
  std::size_t eventsPerSlice = 16;  ///< Of one worker, before the others have their turn.
  std::size_t eventsMax = 10'000;   ///< That wait for slices, on the whole shard.
  isolate::IsolateLimits isolate;
  std::shared_ptr<MemoryBudget> budget;  ///< Null: isolates are bounded in number only.
};

/// How a seat can be given away while it is held, and how the thread that lost it reports back.
struct SeatDoor {
  Seat& seat;
  loop::Mailbox& mailbox;
};

/// Which isolate runs which event, when; owns the shard's isolates. Tenants with events take turns.
/// Seat holder only.
class Scheduler {
 public:
  /// `loop` and `owner` outlive it.
  Scheduler(loop::Loop& loop, WorkerOwner& owner, const SchedulerLimits& limits);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// A worker running `version` (found by its id): warm, or made and loaded in a slice of its own
  /// (the events posted meanwhile wait).
  /// @error Overloaded: no room and nobody to evict, or the script is kept away (write_offs.h).
  Result<Worker*> lease(const std::shared_ptr<const deploy::Version>& version);

  /// A new worker running `version`, for events that are expected; nobody goes for it.
  /// @return null: there is one, or no room, or no script may run there
  Worker* warm(const std::shared_ptr<const deploy::Version>& version);

  /// To be called before a request is posted to `worker`. Where too many events wait already, the
  /// newest request of the tenant with the most of them is shed.
  /// @return false: that is the worker's own tenant, and its newest is the one to come
  bool makeRoomFor(Worker& worker);

  enum class Round : std::uint8_t { Idle, MoreReady, SeatLost };
  /// Runs ready slices, up to the round's budget, and hands each outbox to the owner. Called by the
  /// seat holder between Loop::run and Loop::runDeferred. A slice that takes longer than the
  /// runner's quantum loses the seat: the new holder calls this again to go on with the round, and
  /// the slice's outbox comes through the mailbox. Without `door` the seat stays.
  Round runReady(SliceRunner& runner, const SeatDoor* door = nullptr);
  /// Slices that run without the seat; the scheduler may not go before them.
  std::size_t detachedCount() const noexcept {
    return detached_.size() + (running_ == nullptr ? 0 : 1);
  }
  /// Terminates them: their isolates are lost.
  void endDetached();
  /// Where the process takes more memory than it should: evicts idle workers, the least recently
  /// used first, for about this shard's share of the excess. A fraction of them at a time, since
  /// memory comes back a little later; the last few stay. To be called about once a second.
  void relieve();
  /// Gives a slice to each isolate from which a debugger wants something.
  void inspect();
  /// Goes on without those that are stuck: their workers are lost, their threads written off.
  void writeOffStuck();
  /// Slices are ready: the loop must not wait.
  bool hasReady() const noexcept { return !turns_.isEmpty(); }

  std::size_t workerCount() const noexcept { return workers_.size(); }
  ShardCounters& counters() noexcept { return *counters_; }

 private:
  friend class Worker;

  /// A slice that goes on without the seat.
  struct Detached {
    Worker* worker;
    SliceRunner* runner;
    std::uint64_t sequence;
  };

  Worker& add(const std::shared_ptr<const deploy::Version>& version);
  void makeReady(Worker& worker);
  void updateIdle(Worker& worker);
  void startSlice(Worker& worker);
  void findUsed(Worker& worker);
  void settleSlice(Worker& worker);
  void countColdStart(const Slice& slice);
  void settleDetached(Worker& worker);
  void lose(Worker& worker, const Error& error);
  std::unique_ptr<Worker> remove(Worker& worker);
  bool evictOne();
  bool shedNewestOf(const TenantTurn& tenant);
  void countWaiting(Worker& worker, std::ptrdiff_t change) noexcept;

  loop::Loop& loop_;
  WorkerOwner& owner_;
  const SchedulerLimits limits_;
  std::shared_ptr<IsolatePool> pool_;
  const std::shared_ptr<ShardCounters> counters_ = ShardCounters::add();
  // The slice running now, for a new seat holder to find; seat state like all the rest, written
  // before the slice and not by the thread in it.
  Worker* running_ = nullptr;
  SliceRunner* runningOn_ = nullptr;
  std::uint64_t runningSequence_ = 0;
  std::vector<Detached> detached_;
  Turns turns_;
  std::size_t eventCount_ = 0;  ///< In the queues of all workers.
  /// By version id; the key is the worker's own.
  std::unordered_map<std::string_view, std::unique_ptr<Worker>, deploy::VersionIdHash> workers_;
  std::list<Worker*> idle_;  ///< Least recently used first.
};

}  // namespace atolld::shard
