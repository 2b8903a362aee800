#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "deploy/registry.h"

namespace atolld::deploy {

/// Checks an upload and brings it to the one form that its id is taken of: module names without
/// "./", modules, bindings and flags sorted by name, hashes filled in, an empty compatibility date
/// set to `today`. Errors name the module, binding or limit.
/// @error InvalidArgument, TooLarge
Result<> canonicaliseUpload(Upload& upload, const UploadLimits& limits, UnixMillis today);

/// The same for bindings alone: each is checked, no two have one name, sorted by name.
/// @error InvalidArgument, TooLarge
Result<> canonicaliseBindings(std::vector<Binding>& bindings, const UploadLimits& limits);

/// What people write beside an upload or a deployment. @error InvalidArgument
Result<> checkNote(std::string_view what, std::string_view note);

}  // namespace atolld::deploy
