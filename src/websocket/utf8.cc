#include "websocket/utf8.h"

#include <cstring>

namespace atolld::websocket {

bool Utf8Checker::accept(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    if (needed_ == 0 && end - at >= 8) {
      std::uint64_t eight;
      std::memcpy(&eight, at, sizeof(eight));
      if ((eight & 0x8080808080808080ull) == 0) {
        at += 8;
        continue;
      }
    }
    const auto byte = static_cast<std::uint8_t>(*at++);
    if (needed_ > 0) {
      if (byte < lower_ || byte > upper_) return false;
      lower_ = 0x80;
      upper_ = 0xBF;
      --needed_;
    } else if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return false;
      needed_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      if (byte == 0xE0) lower_ = 0xA0;  // Below would be overlong …
      if (byte == 0xED) upper_ = 0x9F;  // … above a surrogate …
      if (byte == 0xF0) lower_ = 0x90;
      if (byte == 0xF4) upper_ = 0x8F;  // … or no character.
    }
  }
  return true;
}

}  // namespace atolld::websocket
