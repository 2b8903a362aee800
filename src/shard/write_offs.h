#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"
#include "deploy/deployment.h"

namespace atolld::shard {

/// What the process lost to slices that never ended: a thread each, with its isolate. Keeps the
/// scripts that did it away for a while. Any thread.
class WriteOffs {
 public:
  /// So many, or one when half of the memory that the process may use is taken, and it is worn out:
  /// it drains (SIGTERM to itself), for a fresh one to take over.
  static constexpr std::size_t kMax = 8;

  static WriteOffs& ofProcess();

  /// `why` is what the invocations in it were told.
  void add(const deploy::Version& version, const Error& why);
  std::size_t count() const noexcept { return count_.load(); }
  bool wornOut() const noexcept { return wornOut_.load(); }

  /// A version that has ended whole processes: it may have no isolate any more.
  void quarantine(std::string versionId);

  /// Whether its script may have an isolate: not for 10 s after its first write-off, twice as long
  /// after each further one, an hour at the most.
  /// @error Overloaded; Forbidden for good: in quarantine
  Result<> check(const deploy::Version& version) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Offender {
    Clock::time_point awayUntil;
    unsigned times = 0;
  };

  std::atomic<std::size_t> count_ = 0;
  std::atomic<bool> wornOut_ = false;
  mutable std::mutex mutex_;
  std::unordered_set<std::string> quarantined_;  ///< Guarded by mutex_; ids of versions.
  std::atomic<bool> anyQuarantined_ = false;
  std::unordered_map<std::string, Offender> offenders_;  ///< Guarded by mutex_; by tenant/script.
};

}  // namespace atolld::shard
