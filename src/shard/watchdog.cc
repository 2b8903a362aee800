#include "shard/watchdog.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace atolld::shard {

/// How much rarer than a tick the monitor looks while all slices are short: its wake-ups take CPU
/// time from the slices.
constexpr int kCalmTicks = 4;
/// How long after a slow slice every tick is a look.
constexpr std::chrono::seconds kAlert{1};

/// One thread per process that looks at the runners: once a tick while slices are slow, more rarely
/// while they are not; a slice that it finds running it looks at again a tick later. Sleeps while
/// no slices run.
class Monitor {
 public:
  static std::shared_ptr<Monitor> shared() {
    static std::mutex mutex;
    static std::weak_ptr<Monitor> current;
    const std::scoped_lock lock(mutex);
    std::shared_ptr<Monitor> monitor = current.lock();
    if (monitor == nullptr) {
      monitor = std::make_shared<Monitor>();
      current = monitor;
    }
    return monitor;
  }

  Monitor() : thread_([this] { watch(); }) {
    pthread_setname_np(thread_.native_handle(), "watchdog");
  }
  ~Monitor() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    thread_.join();
  }

  void add(SliceRunner& runner) {
    const std::scoped_lock lock(mutex_);
    runners_.push_back(&runner);
    const RunnerLimits& limits = runner.limits_;
    calmTick_ = std::min<std::chrono::nanoseconds>(calmTick_, limits.cpuMax / 20);
    tick_ = std::min(tick_, calmTick_);
    if (limits.quantum > std::chrono::milliseconds(0)) {
      tick_ = std::min<std::chrono::nanoseconds>(tick_, limits.quantum);
      calmTick_ = std::min<std::chrono::nanoseconds>(calmTick_, limits.quantum * kCalmTicks);
    }
    tick_ = std::max<std::chrono::nanoseconds>(tick_, std::chrono::milliseconds(1));
    calmTick_ = std::max(calmTick_, tick_);
  }

  void remove(SliceRunner& runner) {
    const std::scoped_lock lock(mutex_);
    std::erase(runners_, &runner);
  }

  bool parked() const noexcept { return parked_.load(); }

  void unpark() noexcept {
    const std::scoped_lock lock(mutex_);
    parked_.store(false);
    wake_.notify_one();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const Finding finding = look();
      if (finding != Finding::Idle) {
        const bool calm =
            finding == Finding::Between && std::chrono::steady_clock::now() >= calmAt_;
        wake_.wait_for(lock, calm ? calmTick_ : tick_);
        continue;
      }
      // A runner stores its word, then looks at `parked_`; here it is the other way round: one of
      // the two sees the other.
      parked_.store(true);
      if (look() == Finding::Idle) wake_.wait(lock, [&] { return stopping_ || !parked_.load(); });
      parked_.store(false);
    }
  }

  enum class Finding : std::uint8_t { Idle, Between, Running };

  /// Judges each running slice. Between: none runs, but some ran since the last look.
  Finding look() {
    bool anyRuns = false, anyRan = false;
    for (SliceRunner* const runner : runners_) {
      const std::uint64_t control = runner->control_.load();
      const std::uint64_t slice = control & ~SliceRunner::kMarked;
      const bool same = slice == runner->seen_;
      const bool running = (control & SliceRunner::kRunning) != 0;
      anyRuns = anyRuns || running;
      anyRan = anyRan || !same;
      if (running) judge(*runner, control, same);
      runner->seen_ = slice;
    }
    if (anyRuns) return Finding::Running;
    return anyRan ? Finding::Between : Finding::Idle;
  }

  /// `seenBefore`: this slice ran at the last look too.
  void judge(SliceRunner& runner, std::uint64_t control, bool seenBefore) {
    const std::scoped_lock lock(runner.mutex_);
    if (!runner.mark(control) || runner.stuck_) return;
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::nanoseconds cpu = runner.cpuTime();
    runner.follow(cpu);
    if (!seenBefore) {
      // The first look at a slice is where its time is counted from.
      runner.seenCpu_ = cpu;
      runner.seenAt_ = now;
      return;
    }
    const RunnerLimits& limits = runner.limits_;
    const std::chrono::nanoseconds used = runner.usedSoFar(cpu);
    const bool late = used >= limits.cpuMax;
    // Half: the monitor's own wake-ups are not exact.
    const bool slow = limits.quantum > std::chrono::milliseconds(0) &&
                      now - runner.seenAt_ >= limits.quantum / 2.0;
    if (!late && !slow) return;
    calmAt_ = now + kAlert;
    if (slow) runner.detach(runner.seenCpu_);
    // Again at each look: V8 forgets a request that comes just before its isolate is entered.
    if (late) runner.terminate();
    if (used < limits.cpuMax + limits.endGrace) return;
    // It goes on for who knows how long: with what nobody else wants.
    const sched_param none{};
    ::sched_setscheduler(runner.thread_, SCHED_IDLE, &none);
    runner.stick(runner.seenCpu_);
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::vector<SliceRunner*> runners_;
  std::chrono::nanoseconds tick_ = std::chrono::milliseconds(100);
  std::chrono::nanoseconds calmTick_ = tick_;
  std::chrono::steady_clock::time_point calmAt_;
  bool stopping_ = false;
  std::atomic<bool> parked_ = false;

  std::thread thread_;  // Last: it uses the rest.
};

thread_local const SliceRunner* runnerOfThread = nullptr;

SliceRunner::SliceRunner(const RunnerLimits& limits, RunnerThreads* threads)
    : limits_(limits), threads_(threads), thread_(::gettid()), monitor_(Monitor::shared()) {
  ATOLL_CHECK(pthread_getcpuclockid(pthread_self(), &cpuClock_) == 0);
  monitor_->add(*this);
  isolate::setLastResort(this);
  runnerOfThread = this;
}

SliceRunner::~SliceRunner() {
  isolate::setLastResort(nullptr);
  runnerOfThread = nullptr;
  monitor_->remove(*this);
}

const deploy::Version* SliceRunner::versionOnThisThread() noexcept {
  if (runnerOfThread == nullptr || (runnerOfThread->control_.load() & kRunning) == 0)
    return nullptr;
  const isolate::Isolate* const isolate = runnerOfThread->isolate_.load();
  return isolate == nullptr ? nullptr : isolate->version().get();
}

void SliceRunner::begin(Seat* seat, const std::vector<Charge>* used) noexcept {
  seat_ = seat;
  used_ = used;
  isolate_.store(nullptr, std::memory_order_relaxed);
  ++sequence_;
  control_.exchange(sequence_ << 2 | kRunning);
  if (monitor_->parked()) [[unlikely]]
    monitor_->unpark();
}

SliceRunner::Ended SliceRunner::end(std::vector<Charge>* charges) noexcept {
  std::uint64_t expected = sequence_ << 2 | kRunning;
  if (control_.compare_exchange_strong(expected, sequence_ << 2)) return {};
  const std::scoped_lock lock(mutex_);  // Somebody may still be at it.
  const std::chrono::nanoseconds cpu = cpuTime();
  charge(cpu);
  if (charges != nullptr) charges->insert(charges->end(), charges_.begin(), charges_.end());
  charges_.clear();
  running_ = {};
  const Ended ended{.inTime = !terminated_,
                    .keptSeat = !detached_,
                    .slow = detached_ && cpu - cpuAtStart_ >= limits_.quantum,
                    .writtenOff = slice_ != nullptr};
  terminated_ = detached_ = stuck_ = false;
  control_.store(sequence_ << 2);
  return ended;
}

void SliceRunner::giveSeatAway() noexcept {
  const std::scoped_lock lock(mutex_);
  std::uint64_t control = control_.load();
  if (mark(control)) detach(cpuTime());
}

void SliceRunner::terminateDetached(std::uint64_t sequence) noexcept {
  const std::scoped_lock lock(mutex_);
  if (control_.load() == (sequence << 2 | kMarked | kRunning) && detached_) terminate();
}

bool SliceRunner::writeOff(std::uint64_t sequence, const std::shared_ptr<void>& slice) noexcept {
  const std::scoped_lock lock(mutex_);
  if (control_.load() != (sequence << 2 | kMarked | kRunning) || !stuck_) return false;
  threads_->writeOff(*this);
  slice_ = slice;
  control_.store(sequence << 2 | kMarked);  // The monitor need not look at it any more.
  return true;
}

void SliceRunner::onIsolateBroken() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t control = control_.load();
    if ((control & kRunning) == 0 || seat_ == nullptr || !mark(control)) return;
    stick(cpuTime());
  }
  while (true) pause();
}

/// With mutex_ held: whether the slice of that control word is still running, and stays until the
/// mutex is let go of.
bool SliceRunner::mark(std::uint64_t control) noexcept {
  if ((control & kMarked) != 0) return control_.load() == control;
  return control_.compare_exchange_strong(control, control | kMarked);
}

void SliceRunner::detach(std::chrono::nanoseconds cpuAtStart) noexcept {
  if (detached_ || threads_ == nullptr || seat_ == nullptr) return;
  detached_ = threads_->put(*seat_);
  cpuAtStart_ = cpuAtStart;
}

/// With mutex_ held, for a marked slice: it will not end, or nobody knows when.
void SliceRunner::stick(std::chrono::nanoseconds cpuAtStart) noexcept {
  if (stuck_ || seat_ == nullptr) return;
  stuck_ = true;
  if (threads_ != nullptr && !detached_) {
    threads_->start(*seat_);
    detached_ = true;
    cpuAtStart_ = cpuAtStart;
  }
  if (threads_ == nullptr) control_.store(control_.load() & ~kRunning);  // Nobody writes it off.
  seat_->onStuckSlice();
}

/// With mutex_ held, for a marked slice: counts for the invocation whose event runs now.
void SliceRunner::follow(std::chrono::nanoseconds cpu) noexcept {
  const isolate::Isolate* const isolate = isolate_.load();
  const auto invocation = isolate == nullptr ? 0 : isolate->runningInvocation();
  if (running_.cpu.count() > 0 && invocation == running_.invocation) return;
  charge(cpu);
  running_ = {invocation, cpu};
}

/// With mutex_ held: what was followed used the time up to `cpu`.
void SliceRunner::charge(std::chrono::nanoseconds cpu) noexcept {
  constexpr std::chrono::microseconds kWorthCounting{100};
  if (running_.invocation == 0 || cpu - running_.cpu < kWorthCounting) return;
  charges_.push_back({running_.invocation, cpu - running_.cpu});
}

/// With mutex_ held: what the followed invocation has used, in earlier slices too.
std::chrono::nanoseconds SliceRunner::usedSoFar(std::chrono::nanoseconds cpu) const noexcept {
  std::chrono::nanoseconds sum = cpu - running_.cpu;
  if (used_ == nullptr || running_.invocation == 0) return sum;
  for (const Charge& each : *used_) {
    if (each.invocation == running_.invocation) sum += each.cpu;
  }
  for (const Charge& each : charges_) {
    if (each.invocation == running_.invocation) sum += each.cpu;
  }
  return sum;
}

void SliceRunner::terminate() noexcept {
  isolate::Isolate* const isolate = isolate_.load();
  if (isolate == nullptr) return;
  terminated_ = true;
  isolate->terminate();
}

std::chrono::nanoseconds SliceRunner::cpuTime() const noexcept {
  timespec time{};
  ATOLL_CHECK(clock_gettime(cpuClock_, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace atolld::shard
