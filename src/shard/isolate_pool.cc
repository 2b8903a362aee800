#include "shard/isolate_pool.h"

#include <malloc.h>

#include <chrono>
#include <utility>

namespace atolld::shard {
namespace {

constexpr std::chrono::seconds kTrimInterval{10};
/// Between two isolates' ends and their memory's return to the system.
constexpr std::chrono::milliseconds kTrimDelay{500};

/// What a burst left with glibc goes back: it trims the end of each of its heaps and nothing else.
void trimIdleMemory() {
  constexpr std::size_t kMuch = 64 * 1024 * 1024;
  if (mallinfo2().fordblks > kMuch) malloc_trim(0);
}

}  // namespace

std::shared_ptr<IsolatePool> IsolatePool::join(std::size_t count,
                                               const isolate::IsolateLimits& limits) {
  static std::mutex mutex;
  static std::weak_ptr<IsolatePool> current;
  const std::scoped_lock lock(mutex);
  std::shared_ptr<IsolatePool> pool = current.lock();
  if (pool == nullptr) {
    pool = std::make_shared<IsolatePool>(limits);
    current = pool;
  }
  pool->changeTarget(static_cast<std::ptrdiff_t>(count));
  // Shares ownership, and takes the share in the target back when it goes.
  return {pool.get(),
          [pool, count](IsolatePool*) { pool->changeTarget(-static_cast<std::ptrdiff_t>(count)); }};
}

IsolatePool::IsolatePool(const isolate::IsolateLimits& limits)
    : limits_(limits), thread_("isolate-pool", [this] { work(); }) {}

IsolatePool::~IsolatePool() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_one();
}  // Then thread_ is joined.

Result<std::unique_ptr<isolate::Isolate>> IsolatePool::take() {
  {
    const std::scoped_lock lock(mutex_);
    if (!ready_.empty()) {
      std::unique_ptr<isolate::Isolate> isolate = std::move(ready_.back());
      ready_.pop_back();
      wake_.notify_one();
      return isolate;
    }
  }
  return isolate::Isolate::create(limits_);
}

void IsolatePool::discard(std::unique_ptr<isolate::Isolate> isolate) {
  if (isolate == nullptr) return;
  const std::scoped_lock lock(mutex_);
  discarded_.push_back(std::move(isolate));
  wake_.notify_one();
}

void IsolatePool::changeTarget(std::ptrdiff_t by) {
  const std::scoped_lock lock(mutex_);
  target_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(target_) + by);
  wake_.notify_one();
}

void IsolatePool::work() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point trimmedAt{};
  bool untrimmed = false;  // Half a megabyte of small blocks of each isolate stays with glibc.
  std::unique_lock lock(mutex_);
  while (true) {
    const bool woken = wake_.wait_for(lock, untrimmed ? kTrimDelay : kTrimInterval, [&] {
      return stopping_ || !discarded_.empty() || ready_.size() < target_;
    });
    if (stopping_ && discarded_.empty()) return;
    // Both in turn: neither who waits for an isolate nor memory may wait for ever.
    const bool isShort = ready_.size() < target_ && !stopping_;
    auto batch = std::exchange(discarded_, {});
    lock.unlock();
    std::unique_ptr<isolate::Isolate> made;
    if (isShort) made = isolate::Isolate::create(limits_).value_or(nullptr);
    if (made != nullptr) {
      lock.lock();
      ready_.push_back(std::move(made));
      lock.unlock();
    }
    untrimmed = untrimmed || !batch.empty();
    batch.clear();
    // It holds up every thread's malloc(): not for each isolate of many.
    if (untrimmed && Clock::now() - trimmedAt >= kTrimDelay) {
      malloc_trim(0);
      trimmedAt = Clock::now();
      untrimmed = false;
    }
    if (!woken) trimIdleMemory();
    lock.lock();
  }
}

}  // namespace atolld::shard
