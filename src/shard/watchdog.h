#pragma once

#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "isolate/host.h"
#include "isolate/isolate.h"
#include "shard/runner_threads.h"

namespace atolld::shard {

class Monitor;

/// CPU time, and whose it was.
struct Charge {
  isolate::host::InvocationId invocation = 0;
  std::chrono::nanoseconds cpu{};
};

/// One thread that runs slices, as the monitor sees it.
///
/// A slice in which an invocation uses more CPU time than `cpuMax`, earlier slices included, is
/// terminated and its isolate lost, within 10 ms at the default quantum. CPU time, not wall time: a
/// preempted slice is nobody's fault. A slice that takes longer than `quantum` loses its seat:
/// another thread drives on, this one keeps its slice and nothing else.
///
/// A slice is stuck when it goes on long after it was terminated (some of V8's built-in functions
/// look for no termination), or when V8 gave up on its isolate, which it can then neither leave nor
/// go on in: such a thread sleeps for ever. The seat's holder hears of it (Seat::onStuckSlice) and
/// writes the thread off, isolate and all.
///
/// What is passed between the two threads is one control word, `sequence << 2 | marked | running`.
/// The monitor acts on a slice only after it put its mark into the word that names that slice, and
/// under the mutex; a marked slice is left only under the mutex. So what is meant for one slice
/// cannot hit the next.
class SliceRunner final : private isolate::LastResort {
 public:
  /// On the thread that will call begin() and end(). `threads` has the spare ones; null if seats
  /// are never given away: then a stuck slice is Seat::onStuckSlice()'s alone to deal with.
  explicit SliceRunner(const RunnerLimits& limits, RunnerThreads* threads = nullptr);
  ~SliceRunner();
  SliceRunner(const SliceRunner&) = delete;
  SliceRunner& operator=(const SliceRunner&) = delete;

  /// Around every slice: about 10 ns together, no clock is read. `seat` may be given away
  /// meanwhile; null: the slice keeps it. `used` is what invocations used before, of their `cpuMax`
  /// each; it lives until end().
  void begin(Seat* seat, const std::vector<Charge>* used = nullptr) noexcept;
  /// What begin()'s slice enters; only from then on it can be terminated.
  void enters(isolate::Isolate& isolate) noexcept { isolate_.store(&isolate); }
  /// Inside a slice that is known to take long: gives the seat away at once, if there is a spare
  /// thread.
  void giveSeatAway() noexcept;

  struct Ended {
    bool inTime = true;  ///< False: it was terminated; the isolate is lost even if run() returned.
    bool keptSeat =
        true;           ///< False: this thread may touch the slice and nothing else of the shard.
    bool slow = false;  ///< It lost the seat and used a quantum of CPU time.
    /// Nobody waits for this slice any more, and its shard may be gone.
    bool writtenOff = false;
  };
  /// @param charges  gets the CPU time that the monitor saw being used; null: nobody asks
  Ended end(std::vector<Charge>* charges = nullptr) noexcept;

  /// What the calling thread runs; null: no script. Async-signal-safe.
  static const deploy::Version* versionOnThisThread() noexcept;

  /// Names the running slice. The runner's thread only.
  std::uint64_t sequence() const noexcept { return sequence_; }
  /// Terminates that slice if it is still running without its seat. Any thread.
  void terminateDetached(std::uint64_t sequence) noexcept;
  /// If that slice is stuck: writes the thread off, which keeps `slice` until it comes back, if
  /// ever. The seat's holder only.
  bool writeOff(std::uint64_t sequence, const std::shared_ptr<void>& slice) noexcept;
  /// After end(). The runner's thread only.
  bool isWrittenOff() const noexcept { return slice_ != nullptr; }

 private:
  friend class Monitor;
  static constexpr std::uint64_t kRunning = 1;
  static constexpr std::uint64_t kMarked = 2;

  void onIsolateBroken() noexcept override;
  bool mark(std::uint64_t control) noexcept;
  void detach(std::chrono::nanoseconds cpuAtStart) noexcept;
  void stick(std::chrono::nanoseconds cpuAtStart) noexcept;
  void terminate() noexcept;
  void follow(std::chrono::nanoseconds cpu) noexcept;
  void charge(std::chrono::nanoseconds cpu) noexcept;
  std::chrono::nanoseconds usedSoFar(std::chrono::nanoseconds cpu) const noexcept;
  std::chrono::nanoseconds cpuTime() const noexcept;

  const RunnerLimits limits_;
  RunnerThreads* const threads_;
  const pid_t thread_;
  std::atomic<std::uint64_t> control_ = 0;
  std::uint64_t sequence_ = 0;  // The runner's own.
  // Written before `control_` is; read with the mark set.
  Seat* seat_ = nullptr;
  const std::vector<Charge>* used_ = nullptr;
  std::atomic<isolate::Isolate*> isolate_ = nullptr;

  std::mutex mutex_;
  // Guarded by mutex_, of the marked slice.
  bool terminated_ = false;
  bool detached_ = false;
  bool stuck_ = false;
  std::shared_ptr<void> slice_;  ///< Set when it was written off.
  std::chrono::nanoseconds cpuAtStart_{};
  /// Whose event runs as of the last look, and the CPU time that it is counted from.
  Charge running_;
  std::vector<Charge> charges_;

  // The monitor's.
  clockid_t cpuClock_{};
  std::uint64_t seen_ = 0;  // The slice at the last look.
  std::chrono::nanoseconds seenCpu_{};
  std::chrono::steady_clock::time_point seenAt_;

  const std::shared_ptr<Monitor> monitor_;
};

}  // namespace atolld::shard
