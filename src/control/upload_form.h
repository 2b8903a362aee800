#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "deploy/registry.h"

namespace atolld::control {

/// Reads an upload in the shape that wrangler sends: a JSON part "metadata" (main_module, bindings,
/// compatibility_date, compatibility_flags, annotations), then one part per module whose name is
/// the module's and whose content type says what it is. Modules share the body's memory.
///
/// Members of the metadata that only tune a hosted platform (observability, placement, limits …)
/// are accepted and without effect; bindings we do not have are refused by name, as a script would
/// otherwise fail later and worse.
///
/// @error InvalidArgument, TooLarge
Result<deploy::Upload> parseUploadForm(std::string_view contentType, const Bytes& body);

}  // namespace atolld::control
