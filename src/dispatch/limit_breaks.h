#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "gateway/refusal.h"

namespace atolld::dispatch {

/// Remembers versions that keep breaking their CPU or memory limit. Each break costs a node the
/// limit's worth of work and an isolate; after a few in a row the version's requests are refused
/// for a while without trying, longer each time, up to some seconds: a route that breaks a limit
/// must not cost the script's other routes more than that. Seat holder only; times are the loop's
/// milliseconds.
class LimitBreaks {
 public:
  /// What to answer without trying; nothing if the version may run.
  std::optional<gateway::Refusal> find(const std::string& versionId, std::uint64_t nowMillis) const;
  /// Nothing, unless it is a limit of the script's.
  void onBroken(const std::string& versionId, gateway::Refusal refusal, std::uint64_t nowMillis);
  /// Forgets those that have kept their limits for a while.
  void sweep(std::uint64_t nowMillis);

  std::size_t count() const noexcept { return broken_.size(); }

 private:
  struct Breaks {
    gateway::Refusal refusal{};
    unsigned count = 0;
    std::uint64_t lastMillis = 0;
    std::uint64_t retryAtMillis = 0;
  };
  std::unordered_map<std::string, Breaks> broken_;
};

}  // namespace atolld::dispatch
