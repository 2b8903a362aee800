#pragma once

#include "control/call.h"

/// What both APIs do with scripts.
namespace atolld::control {

/// The call's form, as an upload of the script that its path names first: read, and tried once as
/// it would start. @error InvalidArgument, TooLarge, Script, NotFound (something it inherits)
Result<deploy::Upload> readUpload(const Services& services, const Call& call);

/// Where a script answers without a route, on the node that this API runs on.
Json urlsOf(const Services& services, std::string_view tenant, std::string_view script);

}  // namespace atolld::control
