#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace atolld::replication {

/// What a node says of itself, every second or so: POST /fleet/v1/status.
struct NodeReport {
  std::string version;
  std::string state;
  std::string upstream;
  std::string history;  ///< Raw, as the hash.
  std::uint64_t index = 0;
  std::string hash;
  std::int64_t lagMillis = 0;   ///< See FollowerStatus.
  std::int64_t ageMillis = -1;  ///< -1: it has never known everything.
  std::uint64_t bootstraps = 0;
  /// Load since the report before; and what readyz says, in a word or two.
  std::uint32_t cpuPermille = 0;  ///< Of all cores.
  std::uint32_t requestsPerSecond = 0;
  std::uint64_t memoryBytes = 0;  ///< Resident.
  std::uint32_t isolates = 0;     ///< With a script loaded.
  std::string health;

  std::string encode() const;
  /// Untrusted. @error InvalidArgument
  static Result<NodeReport> decode(std::string_view bytes);
};

/// The last report of each node; gone with the process. Any thread.
class FleetView {
 public:
  struct Seen {
    NodeReport report;
    UnixMillis at{};
  };
  void note(const std::string& node, NodeReport report, UnixMillis at) {
    const std::scoped_lock lock(mutex_);
    seen_.insert_or_assign(node, Seen{std::move(report), at});
  }
  std::optional<Seen> find(const std::string& node) const {
    const std::scoped_lock lock(mutex_);
    const auto found = seen_.find(node);
    if (found == seen_.end()) return std::nullopt;
    return found->second;
  }
  void forget(const std::string& node) {
    const std::scoped_lock lock(mutex_);
    seen_.erase(node);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Seen> seen_;
};

}  // namespace atolld::replication
