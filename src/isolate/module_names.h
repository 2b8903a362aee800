#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::isolate {

/// "./lib/../a.js" -> "a.js". A leading '/' is the upload's root.
/// @error InvalidArgument: it leaves the upload ("../x.js" at the top).
Result<std::string> normalizeModuleName(std::string_view name);

/// The module name that `specifier` in module `referrer` stands for: "./" and "../" are relative to
/// the referrer's folder, "/" to the upload's root, anything else is the name itself.
/// @error InvalidArgument: it leaves the upload.
Result<std::string> resolveModuleName(std::string_view specifier, std::string_view referrer);

}  // namespace atolld::isolate
