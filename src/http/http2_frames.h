#pragma once

#include <doctest/doctest.h>
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Raw HTTP/2 frames for tests: built by hand, so that they may be as wrong as an attacker's.
namespace atolld::http::testing {

using FieldVector = std::vector<std::pair<std::string, std::string>>;

inline std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    text += static_cast<char>(value >> shift);
  }
  return text;
}

inline std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload = {}) {
  return number(payload.size(), 3) + number(static_cast<std::uint64_t>(type), 1) +
         number(static_cast<std::uint64_t>(flags), 1) + number(stream, 4) + std::string(payload);
}

/// An HPACK string without Huffman coding.
inline std::string hpackString(std::string_view text) {
  std::string out;
  if (text.size() < 127) {
    out += static_cast<char>(text.size());
  } else {
    out += '\x7f';
    std::size_t rest = text.size() - 127;
    for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 | 128);
    out += static_cast<char>(rest);
  }
  return out + std::string(text);
}

/// Literal fields, not indexed.
inline std::string hpack(const FieldVector& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0';
    block += hpackString(name);
    block += hpackString(value);
  }
  return block;
}

inline FieldVector requestFields(std::string_view method = "GET", std::string_view path = "/") {
  return {{":method", std::string(method)},
          {":scheme", "http"},
          {":path", std::string(path)},
          {":authority", "a"}};
}
inline FieldVector operator+(FieldVector a, const FieldVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr int kEndStream = NGHTTP2_FLAG_END_STREAM;
constexpr int kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr int kAck = NGHTTP2_FLAG_ACK;

inline std::string headers(std::uint32_t stream, const FieldVector& fields,
                           int flags = kEndStream | kEndHeaders) {
  return frame(NGHTTP2_HEADERS, flags, stream, hpack(fields));
}
inline std::string get(std::uint32_t stream) { return headers(stream, requestFields()); }
inline std::string post(std::uint32_t stream, const FieldVector& more = {}) {
  return headers(stream, requestFields("POST") + more, kEndHeaders);
}
inline std::string data(std::uint32_t stream, std::string_view bytes, int flags = kEndStream) {
  return frame(NGHTTP2_DATA, flags, stream, bytes);
}
inline std::string rst(std::uint32_t stream, std::uint32_t code = NGHTTP2_CANCEL) {
  return frame(NGHTTP2_RST_STREAM, 0, stream, number(code, 4));
}
inline std::string settings(const std::vector<std::pair<int, std::uint32_t>>& entries = {}) {
  std::string payload;
  for (const auto& [id, value] : entries) {
    payload += number(static_cast<std::uint64_t>(id), 2) + number(value, 4);
  }
  return frame(NGHTTP2_SETTINGS, 0, 0, payload);
}
inline std::string ping(std::string_view opaque = "12345678", int flags = 0) {
  return frame(NGHTTP2_PING, flags, 0, opaque);
}
inline std::string windowUpdate(std::uint32_t stream, std::uint32_t increment) {
  return frame(NGHTTP2_WINDOW_UPDATE, 0, stream, number(increment, 4));
}

struct Frame {
  int type;
  int flags;
  std::uint32_t stream;
  std::string payload;
};

inline std::uint32_t readNumber(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

inline std::vector<Frame> parseFrames(std::string_view bytes) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    REQUIRE(bytes.size() >= 9);
    const std::uint32_t size = readNumber(bytes.substr(0, 3));
    REQUIRE(bytes.size() >= 9 + size);
    frames.push_back({static_cast<unsigned char>(bytes[3]), static_cast<unsigned char>(bytes[4]),
                      readNumber(bytes.substr(5, 4)), std::string(bytes.substr(9, size))});
    bytes.remove_prefix(9 + size);
  }
  return frames;
}

/// HPACK's other end; one per connection.
class Inflater {
 public:
  Inflater() { REQUIRE(nghttp2_hd_inflate_new(&inflater_) == 0); }
  ~Inflater() { nghttp2_hd_inflate_del(inflater_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// "name: value" lines.
  std::string inflate(std::string_view block) {
    std::string lines;
    while (true) {
      nghttp2_nv nv;
      int flags = 0;
      const nghttp2_ssize taken = nghttp2_hd_inflate_hd3(
          inflater_, &nv, &flags, reinterpret_cast<const std::uint8_t*>(block.data()), block.size(),
          1);
      REQUIRE(taken >= 0);
      block.remove_prefix(static_cast<std::size_t>(taken));
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        lines += std::string(reinterpret_cast<const char*>(nv.name), nv.namelen) + ": " +
                 std::string(reinterpret_cast<const char*>(nv.value), nv.valuelen) + "\n";
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return lines;
  }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

}  // namespace atolld::http::testing
