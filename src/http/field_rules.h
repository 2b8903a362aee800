#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace atolld::http {

/// 1*tchar: a method, a field name, a parameter name.
/// @spec RFC 9110 section 5.6.2
bool isToken(std::string_view text);

/// Visible characters, blanks and obs-text: no control character, so no CR, LF or NUL.
/// @spec RFC 9110 section 5.5
bool isFieldValue(std::string_view text);

/// A field name as HTTP/2 carries it: a token without upper-case letters.
/// @spec RFC 9113 section 8.2.1
bool isLowerToken(std::string_view text);

/// Without the blanks (SP and HTAB) around it.
std::string_view trimBlanks(std::string_view text);

/// Parses one Content-Length field value.
///
/// Strict on purpose: a value that two parsers read differently is a request-smuggling hole, so
/// signs, blanks, lists ("5, 5") and overflow are refused, never repaired.
///
/// @param value  field value, already stripped of surrounding whitespace; not retained.
/// @return body length in bytes, 0 to 2^64-1.
/// @error Protocol  not 1*DIGIT, or larger than 64 bits; the caller answers 400 and closes.
/// @thread any; no shared state.
/// @spec RFC 9110 section 8.6, https://www.rfc-editor.org/rfc/rfc9110#section-8.6
Result<std::uint64_t> parseContentLength(std::string_view value);

/// Takes the next element off a comma-separated list: "a , b" gives "a", then "b". Empty elements
/// are skipped. An empty view says that the list is exhausted.
std::string_view nextListElement(std::string_view& list);

/// The fields that a codec treats on its own account.
enum class KnownField : std::uint8_t {
  Other,
  Host,
  ContentLength,
  TransferEncoding,
  Connection,
  Expect,
  Te,
  Trailer,
  Hop,  ///< Any other field that concerns one connection only: keep-alive, upgrade …
  Date,
};
/// @param lowerName  in lower case.
KnownField knownField(std::string_view lowerName);

/// Whether a field of that (lower-case) name may not stand in a trailer: framing, routing, and
/// what concerns the connection.
/// @spec RFC 9110 section 6.5.1
bool isForbiddenInTrailer(std::string_view lowerName);

}  // namespace atolld::http
