#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace atolld::shard {

class SliceRunner;

/// What a thread drives while it holds the right to: a shard.
class Seat {
 public:
  /// On a thread that enters isolates. Returns when the seat was given to another thread, or when
  /// there is nothing left to drive.
  virtual void drive(SliceRunner& runner) = 0;
  /// A slice that lost this seat will not end. Any thread, while the seat is there; does not wait.
  virtual void onStuckSlice() noexcept = 0;

 protected:
  ~Seat() = default;
};

struct RunnerLimits {
  std::chrono::milliseconds cpuMax{30'000};  ///< CPU time of one slice.
  /// Time after which a slice goes on without the seat; 0: it keeps it. A slice is found between
  /// one and two of these after its start; the first in a second, up to six of them after.
  std::chrono::milliseconds quantum{2};
  std::size_t sparesMax = 32;  ///< Threads besides one for each seat, made when first needed.
  /// After its last look at `cpuMax`, a slice has this much CPU time to end; then it is stuck.
  std::chrono::milliseconds endGrace{1'000};
};

/// The process's threads that run slices: one in each seat, some in slices that go on without one,
/// the others spare. Any thread.
class RunnerThreads {
 public:
  /// The process's threads, made for the first who asks; they end with the last. Adds one thread to
  /// their number as long as the result lives. `limits` are the first caller's.
  static std::shared_ptr<RunnerThreads> join(const RunnerLimits& limits);

  explicit RunnerThreads(const RunnerLimits& limits);
  ~RunnerThreads();
  RunnerThreads(const RunnerThreads&) = delete;
  RunnerThreads& operator=(const RunnerThreads&) = delete;

  /// Has a spare thread, or a new one, call `seat.drive()`. Does not wait for it. Everything the
  /// caller did before happens before that call.
  /// @return false: there is none, and there are as many as there may be.
  bool put(Seat& seat) { return place(seat, false); }
  /// The same where there is always room: for a seat's first thread, and for one that got stuck.
  void start(Seat& seat) { place(seat, true); }

  /// `runner`'s thread is none of these any more: nobody waits for it, and it ends when its slice
  /// does, if ever.
  void writeOff(const SliceRunner& runner);

 private:
  class Runner;
  void changeSeats(std::ptrdiff_t by);
  bool place(Seat& seat, bool always);

  const RunnerLimits limits_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::size_t seats_ = 0;
  std::vector<Runner*> spares_;  ///< The one that ran last is taken first: its stack is warm.
  std::vector<std::unique_ptr<Runner>> runners_;
};

}  // namespace atolld::shard
