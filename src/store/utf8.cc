#include "store/utf8.h"

#include <cstddef>
#include <cstdint>

namespace atolld::store {
namespace {

struct Lead {
  std::size_t tailCount;
  std::uint32_t bits;
  std::uint32_t codePointMin;
};

/// What a first byte promises; tailCount 4 for a byte that starts nothing.
Lead leadOf(unsigned char byte) {
  if (byte < 0x80) return {0, byte, 0};
  if (byte < 0xc0) return {4, 0, 0};
  if (byte < 0xe0) return {1, byte & 0x1fu, 0x80};
  if (byte < 0xf0) return {2, byte & 0x0fu, 0x800};
  if (byte < 0xf8) return {3, byte & 0x07u, 0x10000};
  return {4, 0, 0};
}

}  // namespace

bool isUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Lead lead = leadOf(static_cast<unsigned char>(text[i++]));
    if (lead.tailCount > 3 || text.size() - i < lead.tailCount) return false;
    std::uint32_t codePoint = lead.bits;
    for (std::size_t tail = 0; tail < lead.tailCount; ++tail) {
      const auto byte = static_cast<unsigned char>(text[i++]);
      if ((byte & 0xc0) != 0x80) return false;
      codePoint = codePoint << 6 | (byte & 0x3fu);
    }
    const bool isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    if (codePoint < lead.codePointMin || codePoint > 0x10ffff || isSurrogate) return false;
  }
  return true;
}

}  // namespace atolld::store
