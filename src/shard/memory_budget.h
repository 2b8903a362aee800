#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace atolld::shard {

/// What the process may take of the machine's memory before idle isolates go. One for all shards.
/// Any thread.
class MemoryBudget {
 public:
  using Measure = std::function<std::uint64_t()>;
  /// How old a measurement may be: asking costs a system call and more.
  static constexpr std::chrono::milliseconds kInterval{200};

  /// @param measure  bytes that the process has now
  /// @param shardCount  among which an excess is shared out
  MemoryBudget(std::uint64_t bytesMax, std::size_t shardCount, Measure measure)
      : bytesMax_(bytesMax), shardCount_(shardCount), measure_(std::move(measure)) {}

  std::uint64_t bytesMax() const noexcept { return bytesMax_; }
  /// What one shard should give back; 0: there is room.
  std::uint64_t excessPerShard() noexcept {
    using Clock = std::chrono::steady_clock;
    const Clock::rep now = Clock::now().time_since_epoch().count();
    const Clock::rep interval = std::chrono::duration_cast<Clock::duration>(kInterval).count();
    Clock::rep last = measuredAt_.load(std::memory_order_relaxed);
    if (now - last >= interval && measuredAt_.compare_exchange_strong(last, now)) {
      const std::uint64_t bytes = measure_();
      excess_.store(bytes > bytesMax_ ? bytes - bytesMax_ : 0, std::memory_order_relaxed);
    }
    return (excess_.load(std::memory_order_relaxed) + shardCount_ - 1) / shardCount_;
  }

 private:
  const std::uint64_t bytesMax_;
  const std::size_t shardCount_;
  const Measure measure_;
  std::atomic<std::chrono::steady_clock::rep> measuredAt_ = 0;
  std::atomic<std::uint64_t> excess_ = 0;
};

}  // namespace atolld::shard
