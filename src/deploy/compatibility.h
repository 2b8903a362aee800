#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

/// What a script's compatibility date and flags change. compatibility.cc is the one table of them.
/// https://developers.cloudflare.com/workers/configuration/compatibility-dates/
namespace atolld::deploy {

/// Behaviour that dates and flags switch. isolates/web/compatibility.js has the same order.
enum class Feature : std::uint8_t {
  NodeModules,         ///< node:* can be imported, and required.
  NodeGlobals,         ///< Also by bare names ("fs"); Buffer, process, global, setImmediate.
  NodeTimers,          ///< The global setTimeout() returns Node's objects, not numbers.
  ProcessEnv,          ///< process.env shows text bindings.
  AsyncLocalStorage,   ///< node:async_hooks can be imported, whatever NodeModules says.
  CtxExports,          ///< ctx.exports
  RequireDefault,      ///< require() of an ES module gives its default export.
  NoImportableEnv,     ///< `env` of cloudflare:workers is empty.
  WebSocketBlobs,      ///< WebSockets deliver binary messages as Blob unless told otherwise.
  WebSocketAutoClose,  ///< A received Close is answered by itself.
  kCount,
};

class Features {
 public:
  bool has(Feature feature) const noexcept { return bits_[static_cast<std::size_t>(feature)]; }
  void set(Feature feature, bool on) noexcept { bits_[static_cast<std::size_t>(feature)] = on; }
  /// Feature `f` is bit `f`.
  std::uint32_t bits() const noexcept { return static_cast<std::uint32_t>(bits_.to_ulong()); }

 private:
  std::bitset<static_cast<std::size_t>(Feature::kCount)> bits_;
};

/// "YYYY-MM-DD", a day that exists.
bool isDate(std::string_view text);

/// The oldest date that is accepted: what was otherwise before it is not offered.
inline constexpr std::string_view kCompatibilityDateMin = "2022-11-30";

/// Whether a script may be deployed with this date ("YYYY-MM-DD") and these flags. A date later
/// than every row of the table is like its last one.
/// @error InvalidArgument: with the floor, with what an unknown flag may have meant, or with why a
/// flag cannot be had
Result<> checkCompatibility(std::string_view date, std::span<const std::string> flags);

/// What they switch on. An empty date is later than every row. Flags that checkCompatibility()
/// refuses change nothing.
Features featuresOf(std::string_view date, std::span<const std::string> flags);

}  // namespace atolld::deploy
