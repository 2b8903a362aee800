#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "control/call.h"

/// Static files on their way in: what both APIs do of it.
namespace atolld::control {

/// The token of an upload session, out of the one that clients are given: they read its middle part
/// as that of a JSON Web Token, to know until when it is good.
std::string sessionOf(std::string_view clientToken);

/// The tenant behind "Authorization: Bearer <client token>". Blocks on disk.
/// @error Unauthorized  no upload under way has that token
Result<Identity> authorizeAssets(const deploy::Registry& registry, std::string_view authorization);

}  // namespace atolld::control
