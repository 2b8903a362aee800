#include "http/target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/encoding.h"

namespace atolld::http {
namespace {

constexpr std::size_t kHostBytesMax = 255;

/// A character of a name in lower case; 0 for those that are in no name.
constexpr std::array<char, 256> makeNameCharacters() {
  std::array<char, 256> characters{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-._")) {
    characters[static_cast<unsigned char>(c)] = toLowerAscii(c);
  }
  return characters;
}
constexpr std::array<char, 256> kNameCharacters = makeNameCharacters();

/// The name in lower case; false if it is none.
bool readName(std::string& out, std::string_view name) {
  bool valid = !name.empty();
  out.resize_and_overwrite(name.size(), [&](char* to, std::size_t size) noexcept {
    char previous = '.';  // A name does not start with a dot, nor has it two in a row.
    for (std::size_t i = 0; i < size; ++i) {
      const char c = kNameCharacters[static_cast<unsigned char>(name[i])];
      valid = valid && c != 0 && (c != '.' || previous != '.');
      to[i] = previous = c;
    }
    return size;
  });
  return valid;
}

bool isIpv6Literal(std::string_view host) {
  const std::string address(host);  // inet_pton wants a terminator.
  in6_addr parsed;
  return !address.contains('\0') && inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

bool isPort(std::string_view port) {
  std::uint16_t number = 0;
  const char* const end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, number);
  return error == std::errc{} && stop == end && number != 0 && port.size() <= 5;
}

std::string_view withoutDefaultPort(std::string_view authority, bool secure) {
  const std::string_view port = secure ? ":443" : ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

}  // namespace

Result<std::string> parseAuthority(std::string_view text) {
  std::string_view rest;
  std::string authority;
  bool valid = false;
  if (text.starts_with('[')) {
    const std::size_t close = std::min(text.find(']'), text.size() - 1);
    rest = text.substr(close + 1);
    valid = text[close] == ']' && isIpv6Literal(text.substr(1, close > 0 ? close - 1 : 0));
    authority = toLowerAscii(text);
  } else {
    const std::size_t size = std::min(text.find(':'), text.size());
    rest = text.substr(size);
    valid = size <= kHostBytesMax && readName(authority, text.substr(0, size));
    authority += rest;
  }
  if (!rest.empty()) valid = valid && rest.front() == ':' && isPort(rest.substr(1));
  if (!valid) return fail(ErrorCode::Protocol, "the host is not a valid name or address");
  return authority;
}

bool sameAuthority(std::string_view a, std::string_view b, bool secure) {
  return withoutDefaultPort(a, secure) == withoutDefaultPort(b, secure);
}

bool isOriginForm(std::string_view target) {
  return target.starts_with('/') &&
         std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

Result<AbsoluteTarget> splitAbsoluteForm(std::string_view target) {
  AbsoluteTarget split;
  const auto takeScheme = [&](std::string_view scheme) {
    if (!equalsIgnoringCase(target.substr(0, scheme.size()), scheme)) return false;
    target.remove_prefix(scheme.size());
    return true;
  };
  if (takeScheme("https://")) {
    split.secure = true;
  } else if (!takeScheme("http://")) {
    return fail(ErrorCode::Protocol, "the request target is neither a path nor an http URI");
  }
  const std::size_t end = std::min(target.find_first_of("/?#"), target.size());
  split.authority = target.substr(0, end);
  split.pathAndQuery = target.substr(end);
  return split;
}

}  // namespace atolld::http
