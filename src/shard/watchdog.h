#pragma once

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include "isolate/isolate.h"

namespace atolld::shard {

class Monitor;

/// One thread that runs slices, as the monitor sees it. A slice that uses more CPU time than
/// `cpuMax` is terminated and its isolate lost; the limit is kept to within a tenth of itself (at
/// most 100 ms). CPU time, not wall time: a preempted slice is nobody's fault.
///
/// What is passed between the two threads is one control word, `sequence << 2 | marked | running`.
/// The monitor acts on a slice only after it put its mark into the word that names that slice, and
/// under the mutex; a marked slice is left only under the mutex. So a termination cannot hit the
/// next slice.
class SliceRunner {
 public:
  /// On the thread that will call begin() and end().
  explicit SliceRunner(std::chrono::milliseconds cpuMax);
  ~SliceRunner();
  SliceRunner(const SliceRunner&) = delete;
  SliceRunner& operator=(const SliceRunner&) = delete;

  /// Around every entry into an isolate: about 10 ns together, no clock is read.
  void begin(isolate::Isolate& isolate) noexcept;
  /// False: the slice was terminated; the isolate is lost even if its run() came to an end.
  bool end() noexcept;

 private:
  friend class Monitor;
  static constexpr std::uint64_t kRunning = 1;
  static constexpr std::uint64_t kMarked = 2;

  std::atomic<std::uint64_t> control_ = 0;
  std::uint64_t sequence_ = 0;  // The runner's own.
  std::mutex mutex_;
  isolate::Isolate* isolate_ = nullptr;  // Written before `control_` is; read with the mark set.

  // The monitor's.
  const std::chrono::nanoseconds cpuMax_;
  clockid_t cpuClock_{};
  std::uint64_t seen_ = 0;  // The control word at the last look.
  std::chrono::nanoseconds seenCpu_{};

  const std::shared_ptr<Monitor> monitor_;
};

}  // namespace atolld::shard
