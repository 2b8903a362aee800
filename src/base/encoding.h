#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace atolld {

/// Lower-case hexadecimal.
std::string toHex(std::string_view bytes);
/// Nothing on an odd length or any other character.
std::optional<std::string> parseHex(std::string_view hex);

/// Standard base64 (RFC 4648 section 4), padded.
std::string toBase64(std::string_view bytes);
/// Nothing on another alphabet, blanks, or bits that say nothing.
std::optional<std::string> parseBase64(std::string_view text);

/// Percent-decodes; nothing on a truncated or non-hex escape. '+' stays '+'.
std::optional<std::string> percentDecode(std::string_view text);
/// Percent-encodes all but RFC 3986's unreserved characters.
std::string percentEncode(std::string_view text);

/// ASCII only: header names, hostnames. Never locale-dependent.
constexpr char toLowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string toLowerAscii(std::string_view text);
bool equalsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace atolld
