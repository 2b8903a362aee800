#pragma once

#include <optional>
#include <string_view>

#include "http/header_list.h"
#include "http/refusal.h"

namespace atolld::http {

using MaybeRefusal = std::optional<Refusal>;

/// The fields that decide how the message is read, collected before anything is decided.
/// Views are borrowed from the list they were collected from.
struct Decisive {
  std::optional<std::string_view> host;
  std::optional<std::string_view> contentLength;
  std::optional<std::string_view> transferEncoding;
  std::optional<std::string_view> expect;
  bool connectionClose = false;
  bool connectionKeepAlive = false;
  bool connectionUpgrade = false;
  bool namesOthers = false;  // Connection names fields besides the ones known to be hop-by-hop.
};

/// Collects them; refuses a field that stands twice and must not, or a Connection field that would
/// take a framing field away.
MaybeRefusal collectDecisive(const HeaderList& fields, Decisive& decisive);

/// Accepts "chunked" alone, and tells malformed (400) from not implemented (501) in the rest.
/// @spec RFC 9112 section 6.1
MaybeRefusal checkTransferEncoding(std::string_view value);

/// Whether a message says that the connection is to become, or becomes, a WebSocket.
/// @spec RFC 9110 section 7.8
bool upgradesToWebSocket(const HeaderList& fields, const Decisive& decisive);

/// Removes what concerns this connection alone.
/// @spec RFC 9110 section 7.6.1
void keepEndToEnd(HeaderList& fields, const Decisive& decisive);

}  // namespace atolld::http
