#pragma once

#include <string_view>

namespace atolld::store {

/// Well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
/// @spec RFC 3629 section 4, https://www.rfc-editor.org/rfc/rfc3629#section-4
bool isUtf8(std::string_view text);

}  // namespace atolld::store
