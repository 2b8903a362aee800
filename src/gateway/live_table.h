#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "gateway/table.h"

namespace atolld::gateway {

/// The table in force, for all shards. Publishing makes it so for every request that is routed
/// after publish() returns, on every thread; requests in flight keep what they found.
class LiveTable {
 public:
  /// Any thread.
  void publish(std::shared_ptr<const Table> table) {
    const std::scoped_lock lock(mutex_);
    table_ = std::move(table);
    generation_.fetch_add(1, std::memory_order_release);
  }

  /// One thread's view: current() costs one atomic load while the table stays the same.
  class Reader {
   public:
    explicit Reader(const LiveTable& live) : live_(live) {}

    /// Valid until the next current().
    const Table& current() {
      const std::uint64_t generation = live_.generation_.load(std::memory_order_acquire);
      if (generation != seen_) {
        const std::scoped_lock lock(live_.mutex_);
        table_ = live_.table_;
        seen_ = generation;
      }
      return *table_;
    }

   private:
    const LiveTable& live_;
    std::uint64_t seen_ = 0;
    std::shared_ptr<const Table> table_;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace atolld::gateway
