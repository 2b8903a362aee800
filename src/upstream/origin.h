#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace atolld::upstream {

class Connection;
class Request;

/// Where requests go: what one pool of connections is for.
struct OriginName {
  bool secure = false;
  std::string host;  ///< Lower-case; an IPv6 literal without brackets.
  std::uint16_t port = 0;
  /// For WebSockets, which begin as HTTP/1.1: HTTP/2 is not offered.
  bool http1Only = false;
  /// For connections without HTTP.
  bool bare = false;

  /// @error InvalidArgument  none of http, https, tcp and tls, or no host and port.
  static Result<OriginName> parse(std::string_view scheme, std::string_view authority);
  auto operator<=>(const OriginName&) const = default;
};

/// One origin's connections and the requests that wait for one.
struct Origin {
  OriginName name;
  std::vector<std::unique_ptr<Connection>> connections;
  std::deque<Request*> waiting;
  /// What the last connection agreed on: before it is known, one connection is made and the rest of
  /// the requests wait to share it.
  enum class Protocol : std::uint8_t { Unknown, Http1, Http2 } protocol = Protocol::Unknown;
  bool assignWanted = false;
};

}  // namespace atolld::upstream
