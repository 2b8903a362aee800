#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace atolld::shard {

/// A number that one thread at a time changes and any may read: no locked instruction.
class OwnCounter {
 public:
  void add(std::uint64_t by = 1) noexcept { value_.store(value() + by, std::memory_order_relaxed); }
  void set(std::uint64_t to) noexcept { value_.store(to, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

/// What one shard counts of its own; changed in its seat only. Summed up when somebody asks for the
/// node's metrics.
struct ShardCounters {
  OwnCounter slices;          ///< That ran events.
  OwnCounter events;          ///< That they handled.
  OwnCounter handoffs;        ///< Slices that went on without the seat.
  OwnCounter workers;         ///< Now: isolates with a version.
  OwnCounter idleWorkers;     ///< Of those, warm and with nothing to do.
  OwnCounter coldStarts;      ///< Versions loaded into an isolate.
  OwnCounter coldStartNanos;  ///< Wall time of those slices: isolate, compile and evaluate.
  OwnCounter isolateNanos;    ///< Of it, until the isolate was there,
  OwnCounter compileNanos;    ///< until its modules were compiled and linked,
  OwnCounter evaluateNanos;   ///< and until their top levels had run.
  OwnCounter cachedStarts;    ///< Cold starts that compiled nothing.
  OwnCounter lookupNanos;     ///< Wall time until versions were found, where they were not at hand.
  /// Slices with events, by how long the first event had waited for its turn: up to so many
  /// milliseconds, the last: longer.
  static constexpr std::array<std::uint64_t, 7> kQueueMillis{1, 4, 16, 64, 256, 1024, 4096};
  std::array<OwnCounter, kQueueMillis.size() + 1> queued;
  OwnCounter queuedMillis;  ///< All of them together.
  OwnCounter shed;          ///< Requests taken back from the tenant with the most of them waiting.
  OwnCounter warmed;        ///< Made ready for requests that were expected,
  OwnCounter warmHits;      ///< and that came.
  OwnCounter evictions;
  OwnCounter pressureEvictions;  ///< Of those, for want of memory.
  OwnCounter losses;  ///< Isolates that broke a limit, failed to load or never came back.

  void countQueued(std::uint64_t millis) noexcept {
    std::size_t bucket = 0;
    while (bucket < kQueueMillis.size() && millis > kQueueMillis[bucket]) ++bucket;
    queued[bucket].add();
    if (millis > 0) queuedMillis.add(millis);
  }

  /// New ones, with a number of their own, that the node's metrics show from now on, and for good.
  static std::shared_ptr<ShardCounters> add();
};

}  // namespace atolld::shard
