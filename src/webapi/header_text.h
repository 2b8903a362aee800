#pragma once

#include <string_view>

namespace atolld::webapi {

/// RFC 9110 token: not empty, tchar only.
bool isHeaderName(std::string_view name) noexcept;
/// No NUL, CR or LF, no blank at either end: nothing that could start another field.
bool isHeaderValue(std::string_view value) noexcept;
/// Without leading and trailing HTTP whitespace (tab, LF, CR, space).
/// https://fetch.spec.whatwg.org/#concept-header-value-normalize
std::string_view trimHeaderValue(std::string_view value) noexcept;

}  // namespace atolld::webapi
