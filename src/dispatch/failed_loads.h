#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "gateway/refusal.h"

namespace atolld::dispatch {

/// Remembers versions that did not load, so that each request for one does not cost an isolate.
/// They are tried again after a second, then after twice as long each time, up to a minute. Seat
/// holder only; times are the loop's milliseconds.
class FailedLoads {
 public:
  /// What to answer without trying; nothing if the version may be tried.
  std::optional<gateway::Refusal> find(const std::string& versionId, std::uint64_t nowMillis) const;
  void onFailed(const std::string& versionId, gateway::Refusal refusal, std::uint64_t nowMillis);
  void onLoaded(const std::string& versionId);
  /// Forgets those that nobody asked for in a long time.
  void sweep(std::uint64_t nowMillis);

  std::size_t count() const noexcept { return failed_.size(); }

 private:
  struct Failure {
    gateway::Refusal refusal;
    std::uint64_t backOffMillis;
    std::uint64_t retryAtMillis;
  };
  std::unordered_map<std::string, Failure> failed_;
};

}  // namespace atolld::dispatch
