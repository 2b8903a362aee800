#include "upstream/address_rules.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "base/check.h"

namespace atolld::upstream {
namespace {

struct Special {
  const char* network;
  std::string_view kind;
};
/// What is not public, besides IPv6 outside of 2000::/3.
constexpr Special kSpecial[] = {
    {"0.0.0.0/8", "this host's"},
    {"10.0.0.0/8", "a private network's"},
    {"100.64.0.0/10", "a provider's own network's"},
    {"127.0.0.0/8", "a loopback"},
    {"168.63.129.16/32", "a cloud's metadata"},
    {"169.254.0.0/16", "a link-local or cloud metadata"},
    {"172.16.0.0/12", "a private network's"},
    {"192.0.0.0/24", "a reserved"},
    {"192.0.2.0/24", "a reserved"},
    {"192.168.0.0/16", "a private network's"},
    {"198.18.0.0/15", "a test network's"},
    {"198.51.100.0/24", "a reserved"},
    {"203.0.113.0/24", "a reserved"},
    {"224.0.0.0/4", "a multicast"},
    {"240.0.0.0/4", "a reserved"},
    {"2001::/23", "a reserved or tunnel's"},
    {"2001:db8::/32", "a reserved"},
    {"3fff::/20", "a reserved"},
};

constexpr std::size_t kMappedAt = 12;  ///< Where IPv6 has the IPv4 address that it maps.

using Bytes16 = std::array<std::uint8_t, 16>;

Bytes16 mapped(const void* four) {
  Bytes16 address{};
  address[10] = address[11] = 0xff;
  std::memcpy(&address[kMappedAt], four, 4);
  return address;
}

bool isMapped(const Bytes16& address) { return mapped(&address[kMappedAt]) == address; }

std::optional<Bytes16> bytesOf(const sockaddr& raw) {
  if (raw.sa_family == AF_INET) {
    sockaddr_in in4;
    std::memcpy(&in4, &raw, sizeof(in4));
    return mapped(&in4.sin_addr);
  }
  if (raw.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in6;
  std::memcpy(&in6, &raw, sizeof(in6));
  Bytes16 address;
  std::memcpy(address.data(), &in6.sin6_addr, address.size());
  return address;
}

/// The IPv4 address that a gateway makes of it: NAT64 (RFC 6052) and 6to4 (RFC 3056).
std::optional<Bytes16> behindGateway(const Bytes16& address) {
  constexpr std::array<std::uint8_t, 12> kNat64{0x00, 0x64, 0xff, 0x9b};
  if (std::equal(kNat64.begin(), kNat64.end(), address.begin())) return mapped(&address[12]);
  if (address[0] == 0x20 && address[1] == 0x02) return mapped(&address[2]);
  return std::nullopt;
}

/// Interfaces come and go, and a connect costs more than asking for them.
bool isOfThisNode(const Bytes16& address) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return true;  // Unknown is not allowed.
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(first, &freeifaddrs);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr && bytesOf(*each->ifa_addr) == address) return true;
  }
  return false;
}

}  // namespace

bool AddressRules::Network::has(const Address& other) const noexcept {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
  return rest == 0 || ((address[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

Result<AddressRules::Network> AddressRules::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::InvalidArgument, "\"" + std::string(text) +
                                                "\" is no network: write one as \"10.0.0.0/8\" "
                                                "or \"fd00::/8\"");
  };
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto parsed = loop::SocketAddress::fromIp(text.substr(0, slash), 0);
  if (!parsed) return bad();
  const unsigned width = parsed->family() == AF_INET ? 32 : 128;
  unsigned bits = width;
  if (slash < text.size()) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size() || bits > width) return bad();
  }
  return Network{*bytesOf(*parsed->raw()), bits + 128 - width};
}

Result<AddressRules> AddressRules::make(std::string_view allowed) {
  AddressRules rules;
  constexpr std::string_view kBlanks = " \t\r\n";
  while (true) {
    const std::size_t start = allowed.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return rules;
    allowed.remove_prefix(start);
    const std::string_view word = allowed.substr(0, allowed.find_first_of(kBlanks));
    ATOLL_TRY(const Network network, parse(word));
    rules.allowed_.push_back(network);
    allowed.remove_prefix(word.size());
  }
}

/// What kind of address it is, if not a public one; else empty.
std::string_view AddressRules::kindOf(const Address& address) {
  static const std::vector<std::pair<Network, std::string_view>> kNetworks = [] {
    std::vector<std::pair<Network, std::string_view>> networks;
    for (const Special& special : kSpecial) {
      const Result<Network> network = parse(special.network);
      ATOLL_CHECK(network.has_value());
      networks.emplace_back(*network, special.kind);
    }
    return networks;
  }();
  if (const auto inner = behindGateway(address)) return kindOf(*inner);
  for (const auto& [network, kind] : kNetworks) {
    if (network.has(address)) return kind;
  }
  const bool global = isMapped(address) || (address[0] & 0xe0) == 0x20;  // 2000::/3
  if (!global) return "a loopback, private, link-local or multicast";
  return isOfThisNode(address) ? "this node's own" : "";
}

Result<> AddressRules::check(const loop::SocketAddress& address) const {
  const auto bytes = bytesOf(*address.raw());
  if (!bytes) return fail(ErrorCode::Forbidden, "only IPv4 and IPv6 are spoken");
  const auto allows = [&](const Network& network) { return network.has(*bytes); };
  if (std::ranges::any_of(allowed_, allows)) return {};
  const std::string_view kind = kindOf(*bytes);
  if (kind.empty()) return {};
  return fail(ErrorCode::Forbidden, "connecting to " + address.ip() + " is not allowed: it is " +
                                        std::string(kind) +
                                        " address. The node's operator can allow it by "
                                        "outbound.allow_networks in the configuration");
}

}  // namespace atolld::upstream
