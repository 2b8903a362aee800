#include "dispatch/failed_loads.h"

#include <algorithm>

namespace atolld::dispatch {
namespace {

constexpr std::uint64_t kBackOffMillisMin = 1'000;
constexpr std::uint64_t kBackOffMillisMax = 60'000;
/// After its time to be tried again.
constexpr std::uint64_t kForgetMillis = 10 * 60'000;

}  // namespace

std::optional<gateway::Refusal> FailedLoads::find(const std::string& versionId,
                                                  std::uint64_t nowMillis) const {
  if (failed_.empty()) return std::nullopt;
  const auto found = failed_.find(versionId);
  if (found == failed_.end() || found->second.retryAtMillis <= nowMillis) return std::nullopt;
  return found->second.refusal;
}

void FailedLoads::onFailed(const std::string& versionId, gateway::Refusal refusal,
                           std::uint64_t nowMillis) {
  Failure& failure = failed_.try_emplace(versionId, Failure{refusal, 0, 0}).first->second;
  failure.refusal = refusal;
  failure.backOffMillis =
      std::clamp(failure.backOffMillis * 2, kBackOffMillisMin, kBackOffMillisMax);
  failure.retryAtMillis = nowMillis + failure.backOffMillis;
}

void FailedLoads::onLoaded(const std::string& versionId) {
  if (!failed_.empty()) failed_.erase(versionId);
}

void FailedLoads::sweep(std::uint64_t nowMillis) {
  std::erase_if(failed_, [nowMillis](const auto& entry) {
    return entry.second.retryAtMillis + kForgetMillis <= nowMillis;
  });
}

}  // namespace atolld::dispatch
