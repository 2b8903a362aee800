#include "config/config.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdlib>

namespace atolld::config {
namespace {

bool isIpLiteral(int family, const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(family, host.c_str(), bytes) == 1;
}

}  // namespace

std::string Address::toString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::isLoopback() const { return host.starts_with("127.") || host == "::1"; }

Result<Address> parseAddress(std::string_view text) {
  const auto refuse = [&](std::string_view mend) {
    return fail(ErrorCode::InvalidArgument,
                "\"" + std::string(text) + "\" is no address: " + std::string(mend));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("write host:port, as 127.0.0.1:8080");
  std::string host(text.substr(0, colon));
  const std::string_view portText = text.substr(colon + 1);

  Address address;
  const auto [end, error] =
      std::from_chars(portText.data(), portText.data() + portText.size(), address.port);
  if (error != std::errc() || end != portText.data() + portText.size() || portText.empty()) {
    return refuse("the port is a number from 0 to 65535");
  }
  if (host.empty()) return refuse("write the host too; 0.0.0.0 is every IPv4 address");
  if (host == "*") return refuse("write 0.0.0.0 or [::] for every address");
  if (host == "localhost") host = "127.0.0.1";
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!isIpLiteral(AF_INET6, host)) return refuse("the brackets hold no IPv6 address");
  } else if (host.find(':') != std::string::npos) {
    return refuse("put the IPv6 address in brackets, as [::1]:8080");
  } else if (!isIpLiteral(AF_INET, host)) {
    return refuse("the host is an IP address or localhost");
  }
  address.host = std::move(host);
  return address;
}

std::string defaultDataDir() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data == '/') {
    return std::string(data) + "/atoll";
  }
  if (const char* home = std::getenv("HOME"); home && *home == '/') {
    return std::string(home) + "/.local/share/atoll";
  }
  return "atoll-data";
}

std::string developmentCaFile(std::string_view dataDir) {
  return std::string(dataDir) + "/development-ca.pem";
}

std::string tokenFile(std::string_view dataDir) { return std::string(dataDir) + "/owner.token"; }

}  // namespace atolld::config
