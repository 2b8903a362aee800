#pragma once

#include <string_view>

#include "base/result.h"
#include "deploy/registry.h"

namespace atolld::deploy {

/// Checks an upload and brings it to the one form that its id is taken of: module names without
/// "./", modules, bindings and flags sorted by name, hashes filled in, an empty compatibility date
/// set to `today`. Errors name the module, binding or limit.
/// @error InvalidArgument, TooLarge
Result<> canonicaliseUpload(Upload& upload, const UploadLimits& limits, UnixMillis today);

}  // namespace atolld::deploy
