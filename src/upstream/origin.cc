#include "upstream/origin.h"

#include <charconv>

#include "base/encoding.h"
#include "upstream/connection.h"

namespace atolld::upstream {

Result<OriginName> OriginName::parse(std::string_view scheme, std::string_view authority) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, "cannot send a request to \"" + std::string(scheme) +
                                                "://" + std::string(authority) +
                                                "\": " + std::string(why));
  };
  OriginName name;
  name.bare = scheme == "tcp" || scheme == "tls";
  if (scheme != "http" && scheme != "https" && !name.bare) {
    return bad("only http and https are possible");
  }
  name.secure = scheme == "https" || scheme == "tls";
  name.port = name.bare ? 0 : name.secure ? 443 : 80;
  std::string_view host = authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return bad("its IPv6 address has no end");
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (host.empty()) return bad("it names no host");
  if (port.starts_with(':') && port.size() > 1) {
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), name.port);
    if (error != std::errc{} || end != port.data() + port.size() || name.port == 0) {
      return bad("its port is none");
    }
  } else if (!port.empty() && port != ":") {
    return bad("its port is none");
  }
  if (name.port == 0) return bad("it names no port");
  name.host = toLowerAscii(host);
  return name;
}

}  // namespace atolld::upstream
