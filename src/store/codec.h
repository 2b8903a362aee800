#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace atolld::store {

/// Writes the canonical binary forms that the log and every row use: integers big-endian and of
/// fixed width, strings after their length in four bytes. One value has exactly one encoding, so
/// equal bytes and equal hashes mean equal values.
class Encoder {
 public:
  Encoder& u8(std::uint8_t value) { return integer(value, 1); }
  Encoder& u32(std::uint32_t value) { return integer(value, 4); }
  Encoder& u64(std::uint64_t value) { return integer(value, 8); }
  Encoder& i64(std::int64_t value) { return u64(static_cast<std::uint64_t>(value)); }
  Encoder& f64(double value);
  /// Length, then bytes; at most 4 GiB - 1.
  Encoder& bytes(std::string_view value);
  /// Bytes alone: for what has a fixed width or stands last.
  Encoder& raw(std::string_view value) {
    out_ += value;
    return *this;
  }
  void reserve(std::size_t sizeBytes) { out_.reserve(sizeBytes); }
  const std::string& text() const { return out_; }
  /// Moves it out; the encoder is empty then.
  std::string take() { return std::exchange(out_, {}); }

 private:
  Encoder& integer(std::uint64_t value, int width) {
    for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) {
      out_ += static_cast<char>(static_cast<unsigned char>(value >> shift));
    }
    return *this;
  }

  std::string out_;
};

/// Reads them back. Never reads out of bounds: after the first thing missing or not canonical every
/// read gives zero or nothing, and finish() says so. Borrows the bytes.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  double f64();
  std::string_view bytes() { return raw(u32()); }
  std::string_view raw(std::size_t sizeBytes);
  /// Everything that is left.
  std::string_view rest() { return raw(rest_.size()); }
  /// A count of things that take at least `eachBytesMin` bytes each, so that a forged count cannot
  /// make the reader reserve more than the input could hold.
  std::uint32_t count(std::size_t eachBytesMin);

  /// For what the reader finds wrong itself: the first reason stays.
  void reject(std::string_view reason);
  bool ok() const noexcept { return reason_.empty(); }
  /// Refuses trailing bytes. @error Corrupt "<what>: <reason>"
  Result<> finish(std::string_view what);

 private:
  std::uint64_t integer(int width) {
    std::uint64_t value = 0;
    for (const char c : raw(static_cast<std::size_t>(width))) {
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }

  std::string_view rest_;
  std::string_view reason_;
};

}  // namespace atolld::store
