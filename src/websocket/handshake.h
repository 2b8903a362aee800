#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "websocket/protocol.h"

/// What the two ends of a WebSocket agree on before the first frame, as header values.
/// @spec RFC 6455 section 4, RFC 7692 section 5
namespace atolld::websocket {

/// A Sec-WebSocket-Key: base64 of 16 random bytes.
std::string makeKey();
/// The Sec-WebSocket-Accept that answers a key.
std::string acceptFor(std::string_view key);

/// What a client offers in Sec-WebSocket-Extensions.
inline constexpr std::string_view kExtensionOffer = "permessage-deflate; client_max_window_bits";

struct Agreement {
  Compression compression;
  std::string extensions;  ///< The Sec-WebSocket-Extensions that says so.
};
/// A server's choice among a client's offers: the first that it can accept.
std::optional<Agreement> chooseExtension(std::string_view offers);

/// What a server made of kExtensionOffer; nothing if it declined.
/// @error Protocol  it agreed to what was not offered
Result<std::optional<Compression>> readAgreement(std::string_view extensions);

}  // namespace atolld::websocket
