#pragma once

#include <optional>
#include <string_view>

#include "http/http1_parser.h"
#include "http/message.h"
#include "http/refusal.h"
#include "http/server_connection.h"

namespace atolld::http {

/// What a request's head says besides the message itself.
struct RequestFraming {
  bool chunked = false;
  bool keepAlive = true;  ///< The client allows another request on the connection.
};

/// Reads one whole request head, refusing everything that two readers could take two ways.
/// A refusal may leave `head.method` set, so that a HEAD request is not answered with a body.
/// @spec RFC 9112 sections 2 to 6
std::optional<Refusal> readRequestHead(std::string_view raw, std::size_t startLineBytes,
                                       const ServerLimits& limits, bool secure, Http1Parser& parser,
                                       RequestHead& head, RequestFraming& framing);

}  // namespace atolld::http
