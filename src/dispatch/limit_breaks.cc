#include "dispatch/limit_breaks.h"

#include <algorithm>

namespace atolld::dispatch {
namespace {

using gateway::Refusal;

/// A mistake or two is nobody's plan.
constexpr unsigned kFreeBreaks = 3;
constexpr std::uint64_t kBackOffMillisMin = 100;
constexpr std::uint64_t kBackOffMillisMax = 5'000;
/// Without another break, after which all is forgotten.
constexpr std::uint64_t kForgetMillis = 30'000;

}  // namespace

std::optional<Refusal> LimitBreaks::find(const std::string& versionId,
                                         std::uint64_t nowMillis) const {
  if (broken_.empty()) return std::nullopt;
  const auto found = broken_.find(versionId);
  if (found == broken_.end() || found->second.retryAtMillis <= nowMillis) return std::nullopt;
  return found->second.refusal;
}

void LimitBreaks::onBroken(const std::string& versionId, Refusal refusal, std::uint64_t nowMillis) {
  if (refusal != Refusal::CpuLimit && refusal != Refusal::MemoryLimit) return;
  Breaks& breaks = broken_[versionId];
  if (nowMillis - breaks.lastMillis > kForgetMillis) breaks.count = 0;
  breaks.refusal = refusal;
  breaks.lastMillis = nowMillis;
  if (++breaks.count <= kFreeBreaks) return;
  const unsigned doublings = std::min(breaks.count - kFreeBreaks - 1, 16u);
  breaks.retryAtMillis = nowMillis + std::min(kBackOffMillisMin << doublings, kBackOffMillisMax);
}

void LimitBreaks::sweep(std::uint64_t nowMillis) {
  std::erase_if(broken_, [nowMillis](const auto& entry) {
    return entry.second.lastMillis + kForgetMillis < nowMillis;
  });
}

}  // namespace atolld::dispatch
