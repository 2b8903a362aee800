#include "shard/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "shard/write_offs.h"

namespace atolld::shard {
namespace {

/// Idle workers that stay even when memory is short: it is not they who take it.
constexpr std::size_t kWarmMin = 4;

/// What was too short for the monitor to see is counted by wall time, and only where an invocation
/// may have many such slices: after its first. Or where somebody watches.
class ShortSliceTimer {
 public:
  ShortSliceTimer(const std::vector<isolate::host::Event>& events, bool ofAll) {
    for (const isolate::host::Event& event : events) {
      if (!ofAll && isolate::host::opensInvocation(event)) continue;
      const auto id = isolate::host::invocationOf(event);
      if (id != 0 && std::ranges::find(ids_, id) == ids_.end()) ids_.push_back(id);
    }
    if (!ids_.empty()) start_ = std::chrono::steady_clock::now();
  }
  void charge(std::vector<Charge>& charges) const {
    if (ids_.empty()) return;
    const auto share = (std::chrono::steady_clock::now() - start_) / ids_.size();
    for (const auto id : ids_) charges.push_back({id, share});
  }

 private:
  std::vector<isolate::host::InvocationId> ids_;
  std::chrono::steady_clock::time_point start_;
};

/// The part of a round that goes on wherever the seat is: touches the slice and nothing else.
SliceRunner::Ended runSlice(Slice& slice, IsolatePool& pool, SliceRunner& runner, Seat* seat) {
  runner.begin(seat, &slice.used);
  if (slice.slow) runner.giveSeatAway();
  std::chrono::steady_clock::time_point loadStart;
  if (slice.kind == Slice::Kind::Load) {
    loadStart = std::chrono::steady_clock::now();
    auto isolate = pool.take();
    if (!isolate) {
      slice.result = std::unexpected(std::move(isolate).error());
      return runner.end();
    }
    slice.isolate = *std::move(isolate);
    slice.isolateTime = std::chrono::steady_clock::now() - loadStart;
  }
  runner.enters(*slice.isolate);
  const ShortSliceTimer timer(slice.events, slice.isMeasured);
  switch (slice.kind) {
    case Slice::Kind::Load:
      slice.result = slice.isolate->load(slice.version);
      slice.loadTime = std::chrono::steady_clock::now() - loadStart;
      break;
    case Slice::Kind::Events:
      slice.result = slice.isolate->run(slice.events, slice.outbox);
      slice.events.clear();
      break;
    case Slice::Kind::Code:
      slice.isolate->storeCode(isolate::Isolate::CodeState::Used);
      break;
    case Slice::Kind::Collect:
      slice.isolate->collectGarbage();
      break;
  }
  const SliceRunner::Ended ended = runner.end(&slice.charges);
  if (slice.charges.empty()) timer.charge(slice.charges);
  if (!ended.inTime && slice.result.has_value()) {
    // Ended in its very last moment: what it did counts, but it may not run again.
    slice.result = slice.isolate->run({}, slice.outbox);
  }
  slice.slow = ended.slow;
  return ended;
}

}  // namespace

Worker::Worker(Scheduler& scheduler, std::shared_ptr<const deploy::Version> version)
    : scheduler_(scheduler),
      version_(std::move(version)),
      turn_(scheduler.turns_.join(version_->tenant)) {
  slice_->version = version_;
}

Worker::~Worker() { attachment.reset(); }  // Before the rest: it may still ask for the version.

void Worker::post(isolate::host::Event&& event) {
  scheduler_.loop_.checkThread();
  if (lost_) return;
  queue_.push_back(std::move(event));
  scheduler_.countWaiting(*this, 1);
  if (!ready_ && !busy_) scheduler_.makeReady(*this);
}

void Worker::invocationOpened() noexcept {
  ++openCount_;
  scheduler_.updateIdle(*this);
}

void Worker::invocationClosed() noexcept {
  ATOLL_CHECK(openCount_ > 0);
  --openCount_;
  scheduler_.updateIdle(*this);
  if (wantsCollection()) scheduler_.makeReady(*this);
}

bool Worker::wantsCollection() const noexcept {
  return idle() && slice_->isolate != nullptr && slice_->isolate->wantsCollection();
}

bool Worker::wantsInspection() const noexcept {
  return slice_->isolate != nullptr && slice_->isolate->wantsInspection();
}

bool Worker::idle() const noexcept {
  return openCount_ == 0 && !ready_ && !busy_ && !lost_ && queue_.empty();
}

Scheduler::Scheduler(loop::Loop& loop, WorkerOwner& owner, const SchedulerLimits& limits)
    : loop_(loop),
      owner_(owner),
      limits_(limits),
      pool_(IsolatePool::join(limits.poolCount, limits.isolate)) {
  ATOLL_CHECK(limits_.workersMax > 0 && limits_.slicesPerRound > 0 && limits_.eventsPerSlice > 0);
}

Scheduler::~Scheduler() {
  loop_.checkThread();
  ATOLL_CHECK(running_ == nullptr && detached_.empty());
  turns_.clear();
  for (auto& [id, worker] : workers_) {
    worker->lost_ = true;  // Attachments may still call the worker while they go.
    worker->attachment.reset();
    pool_->discard(std::move(worker->slice_->isolate));
  }
  workers_.clear();
}

Result<Worker*> Scheduler::lease(const std::shared_ptr<const deploy::Version>& version) {
  loop_.checkThread();
  if (const auto it = workers_.find(version->id); it != workers_.end()) {
    Worker& worker = *it->second;
    if (worker.idlePlace_) idle_.splice(idle_.end(), idle_, *worker.idlePlace_);
    return &worker;
  }
  ATOLL_TRY_VOID(WriteOffs::ofProcess().check(*version));
  // One in, one out, while memory is short: relieve() does the rest.
  if (limits_.budget && idle_.size() > kWarmMin && limits_.budget->excessPerShard() > 0) {
    counters_->pressureEvictions.add();
    evictOne();
  }
  if (workers_.size() >= limits_.workersMax && !evictOne()) {
    return fail(ErrorCode::Overloaded, "every isolate of this shard is busy (" +
                                           std::to_string(limits_.workersMax) + " at the most)");
  }
  return &add(version);
}

Worker* Scheduler::warm(const std::shared_ptr<const deploy::Version>& version) {
  loop_.checkThread();
  const bool isFull = limits_.budget && limits_.budget->excessPerShard() > 0;
  if (isFull || workers_.size() >= limits_.workersMax || workers_.contains(version->id) ||
      !WriteOffs::ofProcess().check(*version)) {
    return nullptr;
  }
  Worker& worker = add(version);
  worker.expecting_ = true;
  counters_->warmed.add();
  return &worker;
}

bool Scheduler::makeRoomFor(Worker& worker) {
  loop_.checkThread();
  if (eventCount_ < limits_.eventsMax) return true;
  const TenantTurn& heaviest = turns_.heaviest();
  return worker.turn_.eventCount < heaviest.eventCount && shedNewestOf(heaviest);
}

/// Of the worker with the longest queue: its requests would wait longest.
bool Scheduler::shedNewestOf(const TenantTurn& tenant) {
  Worker* longest = nullptr;
  for (const auto& [id, worker] : workers_) {
    if (&worker->turn_ != &tenant) continue;
    if (longest == nullptr || worker->queueLength() > longest->queueLength()) longest = &*worker;
  }
  std::vector<isolate::host::Event>& queue = longest->queue_;
  for (std::size_t i = queue.size(); i > longest->queueHead_; --i) {
    if (!isolate::host::opensInvocation(queue[i - 1])) continue;
    const auto invocation = isolate::host::invocationOf(queue[i - 1]);
    queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(i - 1));
    if (longest->queueLength() == 0) {
      queue.clear();
      longest->queueHead_ = 0;
    }
    countWaiting(*longest, -1);
    counters_->shed.add();
    owner_.onShed(*longest, invocation);
    return true;
  }
  return false;
}

void Scheduler::countWaiting(Worker& worker, std::ptrdiff_t change) noexcept {
  eventCount_ += static_cast<std::size_t>(change);
  worker.turn_.eventCount += static_cast<std::size_t>(change);
}

Worker& Scheduler::add(const std::shared_ptr<const deploy::Version>& version) {
  auto worker = std::unique_ptr<Worker>(new Worker(*this, version));
  Worker& made = *worker;
  workers_.emplace(made.version_->id, std::move(worker));
  counters_->workers.set(workers_.size());
  makeReady(made);  // Its first slice loads it.
  return made;
}

Scheduler::Round Scheduler::runReady(SliceRunner& runner, const SeatDoor* door) {
  loop_.checkThread();
  if (running_ != nullptr) {
    // The seat came here while this slice ran; what is left of the round goes on.
    detached_.push_back({std::exchange(running_, nullptr), runningOn_, runningSequence_});
    counters_->handoffs.add();
  }
  for (std::size_t n = 0; n < limits_.slicesPerRound && !turns_.isEmpty(); ++n) {
    Worker& worker = turns_.pop();
    startSlice(worker);
    running_ = &worker;
    runningOn_ = &runner;
    runningSequence_ = runner.sequence() + 1;
    Seat* const seat = door == nullptr ? nullptr : &door->seat;
    const SliceRunner::Ended ended = runSlice(*worker.slice_, *pool_, runner, seat);
    if (!ended.keptSeat) {
      // From here on the scheduler is another thread's, or gone.
      if (ended.writtenOff) return Round::SeatLost;
      door->mailbox.post([this, &worker] { settleDetached(worker); });
      return Round::SeatLost;
    }
    running_ = nullptr;
    settleSlice(worker);
  }
  return hasReady() ? Round::MoreReady : Round::Idle;
}

void Scheduler::settleDetached(Worker& worker) {
  std::erase_if(detached_, [&](const Detached& each) { return each.worker == &worker; });
  settleSlice(worker);
}

void Scheduler::endDetached() {
  loop_.checkThread();
  for (const Detached& each : detached_) each.runner->terminateDetached(each.sequence);
}

void Scheduler::inspect() {
  loop_.checkThread();
  for (const auto& [id, worker] : workers_) {
    if (!worker->ready_ && !worker->busy_ && worker->wantsInspection()) makeReady(*worker);
  }
}

void Scheduler::writeOffStuck() {
  loop_.checkThread();
  std::vector<Worker*> lost;
  std::erase_if(detached_, [&](const Detached& each) {
    const bool stuck = each.runner->writeOff(each.sequence, each.worker->slice_);
    if (stuck) lost.push_back(each.worker);
    return stuck;
  });
  for (Worker* const worker : lost) {
    const Error error = std::exchange(worker->slice_, nullptr)->isolate->loss();
    WriteOffs::ofProcess().add(*worker->version(), error);
    worker->lost_ = true;
    lose(*worker, error);
  }
}

void Scheduler::makeReady(Worker& worker) {
  worker.ready_ = true;
  worker.readyMillis_ = loop_.nowMillis();
  turns_.push(worker);
  updateIdle(worker);
}

void Scheduler::updateIdle(Worker& worker) {
  if (worker.idle() == worker.idlePlace_.has_value()) return;
  if (worker.idlePlace_) {
    idle_.erase(*worker.idlePlace_);
    worker.idlePlace_.reset();
  } else {
    worker.idlePlace_ = idle_.insert(idle_.end(), &worker);
  }
  counters_->idleWorkers.set(idle_.size());
}

/// Hands the slice what it needs: from here to settleSlice() the seat only queues.
void Scheduler::startSlice(Worker& worker) {
  worker.ready_ = false;
  worker.busy_ = true;
  worker.slice_->isMeasured = worker.measured_;
  std::vector<isolate::host::Event>& queue = worker.queue_;
  if (worker.slice_->isolate == nullptr) return;  // Loads first: the events wait.
  const isolate::Isolate& loaded = *worker.slice_->isolate;
  worker.slice_->kind = !queue.empty()             ? Slice::Kind::Events
                        : loaded.wantsInspection() ? Slice::Kind::Events
                        : loaded.hasCodeToStore()  ? Slice::Kind::Code
                        : loaded.wantsCollection() ? Slice::Kind::Collect
                                                   : Slice::Kind::Events;  // All were shed.
  if (worker.expecting_ && !queue.empty()) {
    worker.expecting_ = false;
    counters_->warmHits.add();
  }
  if (!queue.empty()) counters_->countQueued(loop_.nowMillis() - worker.readyMillis_);
  if (worker.queueHead_ == 0 && queue.size() <= limits_.eventsPerSlice) {
    countWaiting(worker, -std::ssize(queue));
    worker.slice_->events.swap(queue);
    return findUsed(worker);
  }
  const auto begin = queue.begin() + static_cast<std::ptrdiff_t>(worker.queueHead_);
  const std::size_t count = std::min(limits_.eventsPerSlice, queue.size() - worker.queueHead_);
  std::move(begin, begin + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(worker.slice_->events));
  worker.queueHead_ += count;
  countWaiting(worker, -static_cast<std::ptrdiff_t>(count));
  if (worker.queueHead_ == queue.size()) {
    queue.clear();
    worker.queueHead_ = 0;
  }
  findUsed(worker);
}

/// What the slice's invocations have used before.
void Scheduler::findUsed(Worker& worker) {
  Slice& slice = *worker.slice_;
  slice.used.clear();
  counters_->events.add(slice.events.size());
  for (const isolate::host::Event& event : slice.events) {
    if (isolate::host::opensInvocation(event)) continue;
    const auto id = isolate::host::invocationOf(event);
    if (std::ranges::find(slice.used, id, &Charge::invocation) != slice.used.end()) continue;
    const std::chrono::nanoseconds used = owner_.cpuUsed(worker, id);
    if (used > std::chrono::nanoseconds(0)) slice.used.push_back({id, used});
  }
}

void Scheduler::countColdStart(const Slice& slice) {
  const auto add = [](OwnCounter& counter, std::chrono::nanoseconds time) {
    counter.add(static_cast<std::uint64_t>(time.count()));
  };
  counters_->coldStarts.add();
  add(counters_->isolateNanos, slice.isolateTime);
  add(counters_->coldStartNanos, slice.loadTime);
  if (slice.isolate == nullptr) return;
  const isolate::Isolate::LoadTimes& times = slice.isolate->loadTimes();
  add(counters_->compileNanos, times.compile);
  add(counters_->evaluateNanos, times.evaluate);
  if (times.cached) counters_->cachedStarts.add();
}

void Scheduler::settleSlice(Worker& worker) {
  Slice& slice = *worker.slice_;
  if (slice.kind == Slice::Kind::Events) {
    counters_->slices.add();
  } else if (slice.kind == Slice::Kind::Load) {
    countColdStart(slice);
  }
  worker.lost_ = !slice.result.has_value();
  worker.loaded_ = worker.loaded_ || !worker.lost_;
  if (slice.kind == Slice::Kind::Events) owner_.onEffects(worker, slice.outbox, slice.charges);
  slice.outbox.clear();
  slice.charges.clear();
  if (!slice.result) return lose(worker, slice.result.error());
  worker.busy_ = false;
  // Code is stored once there is nothing better to do, and once the functions that matter ran.
  const bool codeWaits = slice.kind == Slice::Kind::Events && slice.isolate->hasCodeToStore();
  if (!worker.queue_.empty() || codeWaits || worker.wantsCollection() || worker.wantsInspection()) {
    makeReady(worker);
  }
  updateIdle(worker);
}

void Scheduler::lose(Worker& worker, const Error& error) {
  counters_->losses.add();
  // Out of the table first: the owner may lease the same version again.
  const std::unique_ptr<Worker> last = remove(worker);
  owner_.onWorkerLost(worker, error);
}

std::unique_ptr<Worker> Scheduler::remove(Worker& worker) {
  const auto it = workers_.find(worker.version_->id);
  ATOLL_CHECK(it != workers_.end() && it->second.get() == &worker);
  std::unique_ptr<Worker> removed = std::move(it->second);
  workers_.erase(it);
  countWaiting(worker, -static_cast<std::ptrdiff_t>(worker.queueLength()));
  turns_.leave(worker);
  counters_->workers.set(workers_.size());
  if (worker.idlePlace_) idle_.erase(*std::exchange(worker.idlePlace_, std::nullopt));
  if (worker.slice_ != nullptr) pool_->discard(std::move(worker.slice_->isolate));
  return removed;
}

void Scheduler::relieve() {
  loop_.checkThread();
  if (limits_.budget == nullptr || idle_.size() <= kWarmMin) return;
  constexpr std::size_t kBytesMin = 1024 * 1024;  // What even an empty one takes.
  std::uint64_t excess = limits_.budget->excessPerShard();
  const std::size_t most = std::max<std::size_t>(1, (idle_.size() - kWarmMin) / 4);
  for (std::size_t count = 0; excess > 0 && count < most; ++count) {
    const Worker& oldest = *idle_.front();
    const std::uint64_t bytes = std::max(kBytesMin, oldest.slice_->isolate->heapBytes());
    evictOne();
    counters_->pressureEvictions.add();
    excess -= std::min(excess, bytes);
  }
}

bool Scheduler::evictOne() {
  if (idle_.empty()) return false;
  Worker& worker = *idle_.front();
  worker.lost_ = true;
  remove(worker);
  counters_->evictions.add();
  return true;
}

}  // namespace atolld::shard
