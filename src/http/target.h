#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::http {

/// Checks an authority as Host, ":authority" and absolute-form targets carry it, and gives it back
/// in lower case: a name of letters, digits, '-', '_' and '.', or an IPv4 or bracketed IPv6
/// literal, with an optional port of 1 to 65535.
///
/// Deviation: RFC 3986 allows more in a reg-name (percent-escapes, sub-delims), an empty port and
/// user information. No DNS name needs them, and readers differ on what they mean.
///
/// @error Protocol  anything else; the caller answers 400.
/// @spec RFC 9110 section 7.2, RFC 3986 section 3.2
Result<std::string> parseAuthority(std::string_view text);

/// Whether two authorities from parseAuthority() name the same host and port under that scheme:
/// a default port may be written out or not.
bool sameAuthority(std::string_view a, std::string_view b, bool secure);

/// Whether it is an origin-form target: a path, optionally a query, of visible ASCII, without a
/// fragment.
/// @spec RFC 9112 section 3.2.1
bool isOriginForm(std::string_view target);

/// "http://host:port/path?query" taken apart; all borrowed from the text.
struct AbsoluteTarget {
  bool secure = false;
  std::string_view authority;
  std::string_view pathAndQuery;  ///< May be empty or start with '?'.
};
/// @error Protocol  no http or https URI.
/// @spec RFC 9112 section 3.2.2
Result<AbsoluteTarget> splitAbsoluteForm(std::string_view target);

}  // namespace atolld::http
