#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::assets {

/// What a pattern took out of a path: "splat" for the star, a name for each placeholder.
using Captures = std::map<std::string, std::string, std::less<>>;

/// Whether a pattern is one: at most one "*", and no ":name" behind it, so that there is one way to
/// match and its time is linear. @error InvalidArgument
Result<> checkPattern(std::string_view pattern);

/// Whether `text` is what `pattern` says: "*" takes any rest or middle, ":name" a run of characters
/// that is not empty and has none of `separators`.
bool matchesPattern(std::string_view pattern, std::string_view text, Captures* captures = nullptr,
                    std::string_view separators = "/");

/// `text` with ":name" and ":splat" replaced by what was captured; others stay.
std::string fillIn(std::string_view text, const Captures& captures);

}  // namespace atolld::assets
