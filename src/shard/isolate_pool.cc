#include "shard/isolate_pool.h"

#include <malloc.h>

#include <chrono>
#include <utility>

namespace atolld::shard {
namespace {

constexpr std::chrono::seconds kTrimInterval{10};

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
  std::unique_lock lock(mutex_);
  while (true) {
    const bool woken = wake_.wait_for(lock, kTrimInterval, [&] {
      return stopping_ || !discarded_.empty() || ready_.size() < target_;
    });
    if (!woken) {
      lock.unlock();
      trimIdleMemory();
      lock.lock();
    } else if (!discarded_.empty()) {
      auto batch = std::exchange(discarded_, {});
      lock.unlock();
      batch.clear();
      malloc_trim(0);  // Half a megabyte of small blocks per isolate would stay with glibc.
      lock.lock();
    } else if (stopping_) {
      return;
    } else {
      lock.unlock();
      auto made = isolate::Isolate::create(limits_);
      lock.lock();
      if (made) ready_.push_back(*std::move(made));
    }
  }
}

}  // namespace atolld::shard
