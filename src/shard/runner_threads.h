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

 protected:
  ~Seat() = default;
};

struct RunnerLimits {
  std::chrono::milliseconds cpuMax{30'000};  ///< CPU time of one slice.
  /// Time after which a slice goes on without the seat; 0: it keeps it. A slice is found between
  /// one and two of these after its start; the first in a second, up to six of them after.
  std::chrono::milliseconds quantum{2};
  std::size_t sparesMax = 32;  ///< Threads besides one for each seat, made when first needed.
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
  /// The same for a seat's first thread, which there is always room for.
  void start(Seat& seat) { place(seat, true); }

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
