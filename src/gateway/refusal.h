#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace atolld::gateway {

/// Why a node answers an end user by itself instead of the script. README.md explains each.
enum class Refusal : std::uint8_t {
  NoRoute,
  BadRequest,
  TooLarge,
  RateLimited,
  ScriptException,
  ScriptNoResponse,
  ScriptHung,
  ScriptLoadFailed,
  CpuLimit,
  MemoryLimit,
  WallLimit,
  SubrequestLimit,
  OverCapacity,
  Quarantined,
  Draining,
  Internal,
};

/// What the end user gets: the status, `atoll-error: <code>` and a line of text that gives nothing
/// of the script away.
struct RefusalInfo {
  Refusal refusal;
  std::string_view code;
  int status;
  std::string_view text;
  bool retryable;  ///< Carries Retry-After.
};

const RefusalInfo& refusalInfo(Refusal refusal) noexcept;
std::span<const RefusalInfo> refusals() noexcept;

}  // namespace atolld::gateway
