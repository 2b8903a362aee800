#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace atolld::control {

/// Members keep their order, so that answers read as they were written.
using Json = nlohmann::ordered_json;

/// Parses one JSON text of at most 64 levels.
/// @param what  names it in errors: "metadata".
/// @error InvalidArgument
Result<Json> parseJson(std::string_view text, std::string_view what);
/// The same, and refuses anything but an object with members of the given names only.
Result<Json> parseJsonObject(std::string_view text, std::string_view what,
                             std::initializer_list<std::string_view> allowed);

/// One line; bytes that are no UTF-8 become U+FFFD. `ascii` escapes all but ASCII, for headers.
std::string writeJson(const Json& value, bool ascii = false);

/// A member of an object that must be there and be a string. @error InvalidArgument
Result<std::string> requireString(const Json& object, std::string_view name, std::string_view what);
/// The same, where it may be missing or null.
Result<std::optional<std::string>> findString(const Json& object, std::string_view name,
                                              std::string_view what);

/// "2026-11-23T05:00:00.000Z"
std::string isoTime(UnixMillis time);

}  // namespace atolld::control
