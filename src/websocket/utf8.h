#pragma once

#include <cstdint>
#include <string_view>

namespace atolld::websocket {

/// Checks UTF-8 that comes in pieces, cut anywhere: no surrogates, no overlong forms, nothing above
/// U+10FFFF. @spec RFC 3629
class Utf8Checker {
 public:
  /// False as soon as the bytes so far cannot be the beginning of valid text.
  bool accept(std::string_view bytes);
  /// No character is incomplete.
  bool complete() const noexcept { return needed_ == 0; }
  void reset() noexcept { *this = {}; }

 private:
  int needed_ = 0;             // Continuation bytes still to come.
  std::uint8_t lower_ = 0x80;  // Bounds of the next one.
  std::uint8_t upper_ = 0xBF;
};

}  // namespace atolld::websocket
