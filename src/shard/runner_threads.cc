#include "shard/runner_threads.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"

#include "shard/script_thread.h"
#include "shard/watchdog.h"

namespace atolld::shard {

/// One thread: drives what it is given, then is spare.
class RunnerThreads::Runner {
 public:
  Runner(RunnerThreads& all, Seat& first, std::size_t number)
      : all_(all), next_(&first), thread_("runner-" + std::to_string(number), [this] { work(); }) {}

  /// With all_.mutex_ held.
  void drive(Seat& seat) {
    next_ = &seat;
    wake_.notify_one();
  }
  /// With all_.mutex_ held: ends the thread once it is spare.
  void stop() {
    stopping_ = true;
    wake_.notify_one();
  }
  bool uses(const SliceRunner& runner) const noexcept { return runner_ == &runner; }
  /// Nobody joins it.
  void detach() { thread_.detach(); }

 private:
  void work() {
    SliceRunner runner(all_.limits_, &all_);
    std::unique_lock lock(all_.mutex_);
    runner_ = &runner;
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || next_ != nullptr; });
      if (next_ == nullptr) return;
      Seat& seat = *std::exchange(next_, nullptr);
      lock.unlock();
      seat.drive(runner);
      if (runner.isWrittenOff()) return;  // The rest may be gone.
      lock.lock();
      all_.spares_.push_back(this);
    }
  }

  RunnerThreads& all_;
  std::condition_variable wake_;
  // Guarded by all_.mutex_.
  Seat* next_;
  const SliceRunner* runner_ = nullptr;
  bool stopping_ = false;

  ScriptThread thread_;  // Last: it uses the rest.
};

std::shared_ptr<RunnerThreads> RunnerThreads::join(const RunnerLimits& limits) {
  static std::mutex mutex;
  static std::weak_ptr<RunnerThreads> current;
  const std::scoped_lock lock(mutex);
  std::shared_ptr<RunnerThreads> threads = current.lock();
  if (threads == nullptr) {
    threads = std::make_shared<RunnerThreads>(limits);
    current = threads;
  }
  threads->changeSeats(1);
  // Shares ownership, and gives the seat's thread back when it goes.
  return {threads.get(), [threads](RunnerThreads*) { threads->changeSeats(-1); }};
}

RunnerThreads::RunnerThreads(const RunnerLimits& limits) : limits_(limits) {}

RunnerThreads::~RunnerThreads() {
  std::vector<std::unique_ptr<Runner>> ending;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& runner : runners_) runner->stop();
    ending.swap(runners_);
  }
}  // Joins them.

bool RunnerThreads::place(Seat& seat, bool always) {
  const std::scoped_lock lock(mutex_);
  if (!spares_.empty()) {
    spares_.back()->drive(seat);
    spares_.pop_back();
    return true;
  }
  if (!always && runners_.size() >= seats_ + limits_.sparesMax) return false;
  runners_.push_back(std::make_unique<Runner>(*this, seat, runners_.size()));
  return true;
}

void RunnerThreads::writeOff(const SliceRunner& runner) {
  const std::scoped_lock lock(mutex_);
  const auto it =
      std::ranges::find_if(runners_, [&](const auto& each) { return each->uses(runner); });
  ATOLL_CHECK(it != runners_.end());
  (*it)->detach();
  it->release();  // The thread's for ever: there is nobody to wait for its end.
  runners_.erase(it);
}

void RunnerThreads::changeSeats(std::ptrdiff_t by) {
  const std::scoped_lock lock(mutex_);
  seats_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(seats_) + by);
}

}  // namespace atolld::shard
