#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace atolld::control {

/// How often each caller may do something: at a steady rate, and `burst` times at once after a
/// rest. The generic cell rate algorithm (ITU-T I.371): one point in time for each caller. One
/// thread at a time.
class RateLimiter {
 public:
  /// Callers that are remembered. Beyond that all new ones share one's allowance.
  static constexpr std::size_t kKeyCountMax = 10'000;

  /// @param interval  between two calls of one caller in the long run; zero: no limit.
  RateLimiter(std::chrono::nanoseconds interval, std::uint64_t burst)
      : interval_(interval), slack_(interval * static_cast<std::int64_t>(burst - 1)) {}

  /// How long until the caller may; nothing: now.
  std::optional<std::chrono::nanoseconds> wait(std::uint64_t key, MonotonicTime now) const;
  /// The same, and takes one of the caller's turns if it may.
  std::optional<std::chrono::nanoseconds> take(std::uint64_t key, MonotonicTime now);

 private:
  std::uint64_t placeOf(std::uint64_t key) const;
  void forgetRested(MonotonicTime now);

  const std::chrono::nanoseconds interval_;
  const std::chrono::nanoseconds slack_;
  /// When the caller's turns taken so far are paid for. Who is not here has taken none.
  std::unordered_map<std::uint64_t, MonotonicTime> paidAt_;
};

/// What a client's address counts as: IPv6 by its first 64 bits, which one client has all of
/// (RFC 6177). Not an address: as its text.
std::uint64_t clientKey(std::string_view address);

}  // namespace atolld::control
