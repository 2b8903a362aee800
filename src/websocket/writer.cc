#include "websocket/writer.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace atolld::websocket {
namespace {

/// From here on a payload is handed back instead of copied behind its head.
constexpr std::size_t kShareBytesMin = 4 * 1024;
/// Shorter messages are hardly shorter compressed.
constexpr std::size_t kCompressBytesMin = 64;
constexpr std::size_t kScratchBytesMax = 16 * 1024;

constexpr std::uint8_t kFin = 0x80, kCompressed = 0x40, kMasked = 0x80;

}  // namespace

Writer::Writer(Role role, const std::optional<Compression>& compression) : role_(role) {
  // zlib makes no windows smaller than that; sending uncompressed is always allowed.
  constexpr int kWindowBitsMin = 9;
  if (compression && compression->sending.windowBits >= kWindowBitsMin) {
    deflater_.emplace(compression->sending);
  }
}

std::string_view Writer::message(bool text, std::string_view payload, std::string& out) {
  const Opcode opcode = text ? Opcode::Text : Opcode::Binary;
  const bool compress = deflater_ && payload.size() >= kCompressBytesMin;
  if (compress) {
    compressed_.clear();
    deflater_->compress(payload, compressed_);
    payload = compressed_;
  }
  head(opcode, compress, payload.size(), out);
  if (role_ == Role::Client) {
    masked(payload, out);
  } else if (compress || payload.size() < kShareBytesMin) {
    out += payload;
  } else {
    return payload;
  }
  if (compressed_.capacity() > kScratchBytesMax) std::string().swap(compressed_);
  return {};
}

void Writer::control(Opcode opcode, std::string_view payload, std::string& out) {
  ATOLL_CHECK(payload.size() <= kControlBytesMax);
  head(opcode, false, payload.size(), out);
  if (role_ == Role::Client) {
    masked(payload, out);
  } else {
    out += payload;
  }
}

void Writer::close(std::uint16_t code, std::string_view reason, std::string& out) {
  std::string payload;
  if (code != kCloseNoStatus) {
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code);
    std::size_t size = std::min(reason.size(), kCloseReasonBytesMax);
    while (size > 0 && size < reason.size() && (reason[size] & 0xC0) == 0x80) --size;
    payload += reason.substr(0, size);
  }
  control(Opcode::Close, payload, out);
}

void Writer::head(Opcode opcode, bool compressed, std::size_t size, std::string& out) {
  const std::uint8_t mask = role_ == Role::Client ? kMasked : 0;
  out +=
      static_cast<char>(kFin | (compressed ? kCompressed : 0) | static_cast<std::uint8_t>(opcode));
  int lengthBytes = 0;
  if (size < 126) {
    out += static_cast<char>(mask | size);
  } else if (size <= 0xFFFF) {
    out += static_cast<char>(mask | 126);
    lengthBytes = 2;
  } else {
    out += static_cast<char>(mask | 127);
    lengthBytes = 8;
  }
  for (int shift = (lengthBytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(std::uint64_t{size} >> shift);
  }
}

/// The key must not be guessable by who chose the payload (RFC 6455 section 5.3).
void Writer::masked(std::string_view payload, std::string& out) {
  char key[4];
  ATOLL_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(key), sizeof(key)) == 1);
  out.append(key, sizeof(key));
  const std::size_t at = out.size();
  out += payload;
  applyMask(out.data() + at, payload.size(), key, 0);
}

void applyMask(char* bytes, std::size_t size, const char (&mask)[4], std::size_t offset) {
  char eight[8];
  for (std::size_t i = 0; i < 8; ++i) eight[i] = mask[(offset + i) % 4];
  std::uint64_t wide;
  std::memcpy(&wide, eight, sizeof(wide));
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t block;
    std::memcpy(&block, bytes + i, sizeof(block));
    block ^= wide;
    std::memcpy(bytes + i, &block, sizeof(block));
  }
  for (; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] ^ eight[i % 8]);
}

}  // namespace atolld::websocket
