#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>

namespace atolld::replication {

/// How far one follower's stream is.
struct StreamPlace {
  std::uint64_t next = 0;  ///< The first entry that has not been handed to its connection.
};

/// A follower that is further behind is not waited for: it has its own troubles.
inline constexpr std::uint64_t kKeepsUpEntries = 256;

/// Up to which entry everything has been handed to the connections of those who keep up with
/// `head`; `head` if there is nobody.
std::uint64_t sentToAll(std::span<const StreamPlace> streams, std::uint64_t head);

/// Holds the writer of a large value's pieces back until followers have been sent the last one:
/// what is committed meanwhile then has a piece or two ahead of it on every link, not megabytes.
class Pacer {
 public:
  /// Loop thread.
  void onSent(std::uint64_t index);
  /// Until onSent() has said `index` or more; at most so long. Any other thread.
  void wait(std::uint64_t index, std::chrono::milliseconds atMost);
  /// Nobody waits any more.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t sent_ = UINT64_MAX;  // Guarded by the mutex, as the next.
  bool isClosed_ = false;
};

}  // namespace atolld::replication
