#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "isolate/isolate.h"
#include "shard/script_thread.h"

namespace atolld::shard {

/// Isolates made before they are needed, and disposed of where nobody waits: both take a
/// millisecond or more. One pool and one thread for all shards, since an isolate may run on any
/// thread. Any thread.
class IsolatePool {
 public:
  /// The process's pool, made for the first who asks and gone with the last. Keeps `count` isolates
  /// more as long as the result lives. `limits` are the first caller's: one process, one plan.
  static std::shared_ptr<IsolatePool> join(std::size_t count, const isolate::IsolateLimits& limits);

  explicit IsolatePool(const isolate::IsolateLimits& limits);
  ~IsolatePool();

  /// One of the pool, or one made here and now.
  Result<std::unique_ptr<isolate::Isolate>> take();
  /// Disposes of it on the pool's thread.
  void discard(std::unique_ptr<isolate::Isolate> isolate);

 private:
  void changeTarget(std::ptrdiff_t by);
  void work();

  const isolate::IsolateLimits limits_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<isolate::Isolate>> ready_;
  std::vector<std::unique_ptr<isolate::Isolate>> discarded_;
  std::size_t target_ = 0;
  bool stopping_ = false;

  ScriptThread thread_;  // Last: it uses the rest.
};

}  // namespace atolld::shard
