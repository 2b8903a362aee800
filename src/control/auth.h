#pragma once

#include <optional>
#include <string_view>

#include "control/call.h"
#include "control/router.h"
#include "http/message.h"

namespace atolld::control {

/// Refuses a Host that is neither an IP literal, localhost nor `hostname`: a browser may have been
/// tricked into sending that. @error Forbidden
Result<> checkHost(const http::RequestHead& head, std::string_view hostname);
/// The same, and an Origin other than the node itself. @error Forbidden
Result<> checkOrigin(const http::RequestHead& head, std::string_view hostname);

/// The caller behind "Authorization: Bearer <token>", if its role allows `access` and, for a token
/// that is good for one script only, the endpoint is one of that script's. Blocks on disk.
///
/// @param script  the script that the path names, if it names one.
/// @error Unauthorized  no, malformed or unknown token: the text never says which of the latter.
/// @error Forbidden  a valid token whose role does not suffice.
Result<Identity> authorize(const store::TokenStore& tokens, std::string_view authorization,
                           Access access, std::optional<std::string_view> script);

}  // namespace atolld::control
