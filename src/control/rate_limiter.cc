#include "control/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>

namespace atolld::control {
namespace {

/// Of everybody who comes when the table is full.
constexpr std::uint64_t kOthers = 0;

}  // namespace

std::uint64_t RateLimiter::placeOf(std::uint64_t key) const {
  return paidAt_.size() < kKeyCountMax || paidAt_.contains(key) ? key : kOthers;
}

std::optional<std::chrono::nanoseconds> RateLimiter::wait(std::uint64_t key,
                                                          MonotonicTime now) const {
  const auto found = paidAt_.find(placeOf(key));
  if (found == paidAt_.end()) return std::nullopt;
  const auto ahead = found->second - now - slack_;
  if (ahead <= std::chrono::nanoseconds::zero()) return std::nullopt;
  return ahead;
}

std::optional<std::chrono::nanoseconds> RateLimiter::take(std::uint64_t key, MonotonicTime now) {
  if (interval_ == std::chrono::nanoseconds::zero()) return std::nullopt;
  if (paidAt_.size() >= kKeyCountMax && !paidAt_.contains(key)) forgetRested(now);
  if (const auto left = wait(key, now)) return left;
  MonotonicTime& paidAt = paidAt_.try_emplace(placeOf(key), now).first->second;
  paidAt = std::max(paidAt, now) + interval_;
  return std::nullopt;
}

void RateLimiter::forgetRested(MonotonicTime now) {
  std::erase_if(paidAt_, [now](const auto& entry) { return entry.second <= now; });
}

std::uint64_t clientKey(std::string_view address) {
  constexpr std::size_t kNetworkBytes = 8;
  const std::hash<std::string_view> hash;
  std::array<char, sizeof(in6_addr)> bytes;
  if (::inet_pton(AF_INET6, std::string(address).c_str(), bytes.data()) != 1) return hash(address);
  return hash(std::string_view(bytes.data(), kNetworkBytes));
}

}  // namespace atolld::control
