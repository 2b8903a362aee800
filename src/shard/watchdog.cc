#include "shard/watchdog.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace atolld::shard {

/// One thread per process that looks at every runner once a tick. Sleeps without a tick while no
/// slices run.
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
    tick_ = std::min<std::chrono::nanoseconds>(tick_, runner.cpuMax_ / 20);
    tick_ = std::max<std::chrono::nanoseconds>(tick_, std::chrono::milliseconds(1));
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
      if (look()) {
        wake_.wait_for(lock, tick_);
        continue;
      }
      // A runner stores its word, then looks at `parked_`; here it is the other way round: one of
      // the two sees the other.
      parked_.store(true);
      if (!look()) wake_.wait(lock, [&] { return stopping_ || !parked_.load(); });
      parked_.store(false);
    }
  }

  /// Judges each running slice; true if slices ran since the last look.
  bool look() {
    bool active = false;
    for (SliceRunner* const runner : runners_) {
      const std::uint64_t control = runner->control_.load();
      const bool same = control == runner->seen_;
      const bool running = (control & SliceRunner::kRunning) != 0;
      active = active || running || !same;
      if (running && (control & SliceRunner::kMarked) == 0) {
        // The first look at a slice is where its time is counted from.
        const std::chrono::nanoseconds cpu = cpuTime(*runner);
        if (!same) runner->seenCpu_ = cpu;
        if (same && cpu - runner->seenCpu_ >= runner->cpuMax_) end(*runner, control);
      }
      runner->seen_ = control;
    }
    return active;
  }

  static std::chrono::nanoseconds cpuTime(const SliceRunner& runner) {
    timespec time{};
    ATOLL_CHECK(clock_gettime(runner.cpuClock_, &time) == 0);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  static void end(SliceRunner& runner, std::uint64_t control) {
    const std::scoped_lock lock(runner.mutex_);
    if (runner.control_.compare_exchange_strong(control, control | SliceRunner::kMarked)) {
      runner.isolate_->terminate();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::vector<SliceRunner*> runners_;
  std::chrono::nanoseconds tick_ = std::chrono::milliseconds(100);
  bool stopping_ = false;
  std::atomic<bool> parked_ = false;

  std::thread thread_;  // Last: it uses the rest.
};

SliceRunner::SliceRunner(std::chrono::milliseconds cpuMax)
    : cpuMax_(cpuMax), monitor_(Monitor::shared()) {
  ATOLL_CHECK(pthread_getcpuclockid(pthread_self(), &cpuClock_) == 0);
  monitor_->add(*this);
}

SliceRunner::~SliceRunner() { monitor_->remove(*this); }

void SliceRunner::begin(isolate::Isolate& isolate) noexcept {
  isolate_ = &isolate;
  ++sequence_;
  control_.exchange(sequence_ << 2 | kRunning);
  if (monitor_->parked()) [[unlikely]]
    monitor_->unpark();
}

bool SliceRunner::end() noexcept {
  std::uint64_t expected = sequence_ << 2 | kRunning;
  if (control_.compare_exchange_strong(expected, sequence_ << 2)) return true;
  const std::scoped_lock lock(mutex_);  // The monitor may still be at it.
  control_.store(sequence_ << 2);
  return false;
}

}  // namespace atolld::shard
