#include "http/field_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace atolld::http {
namespace {

enum Class : std::uint8_t { kTokenChar = 1, kValueChar = 2, kUpper = 4 };

constexpr std::array<std::uint8_t, 256> makeClasses() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool alnum = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool mark = c < 128 && std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
    if (alnum || mark) classes[c] |= kTokenChar;
    if (upper) classes[c] |= kUpper;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[c] |= kValueChar;
  }
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = makeClasses();

/// Whether one of the eight bytes is below 0x20 or is DEL; borrows between bytes can only add a
/// false alarm.
constexpr bool hasControl(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
  const std::uint64_t del = bytes ^ (kOnes * 0x7f);
  return ((((bytes - kOnes * 0x20) & ~bytes) | ((del - kOnes) & ~del)) & kTops) != 0;
}

constexpr std::uint8_t classOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }

}  // namespace

bool isToken(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (classOf(c) & kTokenChar) != 0; });
}

bool isFieldValue(std::string_view text) {
  // Eight at once, up to where something needs a closer look.
  for (std::uint64_t bytes = 0; text.size() >= sizeof bytes; text.remove_prefix(sizeof bytes)) {
    std::memcpy(&bytes, text.data(), sizeof bytes);
    if (hasControl(bytes)) break;
  }
  return std::ranges::all_of(text, [](char c) { return (classOf(c) & kValueChar) != 0; });
}

bool isLowerToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (classOf(c) & (kTokenChar | kUpper)) == kTokenChar;
  });
}

std::string_view trimBlanks(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

Result<std::uint64_t> parseContentLength(std::string_view value) {
  std::uint64_t length = 0;
  const char* const end = value.data() + value.size();
  // from_chars takes no sign, blank or prefix for an unsigned type, and reports overflow.
  const auto [stop, error] = std::from_chars(value.data(), end, length);
  if (value.empty() || error != std::errc{} || stop != end) {
    return fail(ErrorCode::Protocol, "content-length is not a number of bytes");
  }
  return length;
}

std::string_view nextListElement(std::string_view& list) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = trimBlanks(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (!element.empty()) return element;
  }
  return {};
}

KnownField knownField(std::string_view lowerName) {
  switch (lowerName.size()) {
    case 2:
      return lowerName == "te" ? KnownField::Te : KnownField::Other;
    case 4:
      if (lowerName == "host") return KnownField::Host;
      return lowerName == "date" ? KnownField::Date : KnownField::Other;
    case 6:
      return lowerName == "expect" ? KnownField::Expect : KnownField::Other;
    case 7:
      if (lowerName == "trailer") return KnownField::Trailer;
      return lowerName == "upgrade" ? KnownField::Hop : KnownField::Other;
    case 10:
      if (lowerName == "connection") return KnownField::Connection;
      return lowerName == "keep-alive" ? KnownField::Hop : KnownField::Other;
    case 14:
      if (lowerName == "content-length") return KnownField::ContentLength;
      return lowerName == "http2-settings" ? KnownField::Hop : KnownField::Other;
    case 16:
      return lowerName == "proxy-connection" ? KnownField::Hop : KnownField::Other;
    case 17:
      return lowerName == "transfer-encoding" ? KnownField::TransferEncoding : KnownField::Other;
    default:
      return KnownField::Other;
  }
}

bool isForbiddenInTrailer(std::string_view lowerName) {
  const KnownField field = knownField(lowerName);
  return field != KnownField::Other && field != KnownField::Date;
}

}  // namespace atolld::http
