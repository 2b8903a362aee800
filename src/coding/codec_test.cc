#include "coding/codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

namespace atolld::coding {
namespace {

constexpr std::array kFormats{Format::Gzip, Format::Deflate, Format::DeflateRaw, Format::Brotli};

/// Counts what is taken, and gives no more than `quota`.
class CountedMemory final : public Memory {
 public:
  explicit CountedMemory(std::size_t quota = SIZE_MAX) : quota_(quota) {}
  void* allocate(std::size_t bytes) noexcept override {
    if (bytes > quota_ - used_) return nullptr;
    used_ += bytes;
    return heapMemory().allocate(bytes);
  }
  void release(void* memory, std::size_t bytes) noexcept override {
    used_ -= bytes;
    heapMemory().release(memory, bytes);
  }
  std::size_t used() const { return used_; }

 private:
  std::size_t quota_;
  std::size_t used_ = 0;
};

/// Runs all of `input` through, in pieces of `pieceBytes`, with an output buffer of `outBytes`.
Result<std::string> run(Codec& codec, std::string_view input, std::size_t pieceBytes,
                        std::size_t outBytes) {
  std::string all, buffer(outBytes, '\0');
  while (true) {
    const std::string_view piece = input.substr(0, pieceBytes);
    const bool last = piece.size() == input.size();
    ATOLL_TRY(const Step step, codec.step(piece, buffer, last));
    all.append(buffer, 0, step.produced);
    input.remove_prefix(step.consumed);
    if (step.ended) {
      if (!input.empty()) return fail(ErrorCode::Protocol, "input was left over");
      return all;
    }
  }
}

std::string mixedText(std::size_t size) {
  std::string text;
  std::uint32_t random = 1;
  while (text.size() < size) {
    random = random * 1664525 + 1013904223;
    text += random % 3 == 0 ? "the same again and again " : std::to_string(random);
  }
  text.resize(size);
  return text;
}

std::string encoded(Format format, std::string_view text) {
  return run(*makeEncoder(format).value(), text, SIZE_MAX, 1 << 16).value();
}

Result<std::string> decoded(Format format, std::string_view bytes,
                            Reading reading = Reading::Strict, std::size_t pieceBytes = SIZE_MAX) {
  return run(*makeDecoder(format, reading).value(), bytes, pieceBytes, 1 << 12);
}

/// "hello" five times with blanks between, as one frame.
constexpr std::string_view kZstdHello(
    "\x28\xb5\x2f\xfd\x20\x1d\x65\x00\x00\x30\x68\x65\x6c\x6c\x6f\x20\x01\x00\xa9\x4b\x11", 21);

}  // namespace

TEST_CASE("Every format gives back what went in, however it is cut") {
  for (const Format format : kFormats) {
    for (const std::size_t size : {0UL, 1UL, 1000UL, 300'000UL}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(size);
      const std::string text = mixedText(size);
      const auto encoder = makeEncoder(format).value();
      const std::string bytes = run(*encoder, text, 7000, 100).value();
      CHECK(decoded(format, bytes, Reading::Strict, 13).value() == text);
      CHECK(decoded(format, bytes).value() == text);
    }
  }
}

TEST_CASE("A decoder refuses what is cut short, damaged or followed by more") {
  const std::string text = mixedText(5000);
  for (const Format format : kFormats) {
    CAPTURE(static_cast<int>(format));
    const std::string bytes = encoded(format, text);
    CHECK(decoded(format, bytes.substr(0, bytes.size() - 1)).error().code == ErrorCode::Corrupt);
    CHECK(decoded(format, "").error().code == ErrorCode::Corrupt);
    CHECK(decoded(format, bytes + "x").error().code == ErrorCode::Protocol);
    std::string damaged = bytes;
    damaged[0] = '\xff';
    CHECK_FALSE(decoded(format, damaged).has_value());
  }
  std::string badSum = encoded(Format::Gzip, text);
  badSum[badSum.size() - 8] = static_cast<char>(badSum[badSum.size() - 8] ^ 1);
  CHECK(decoded(Format::Gzip, badSum).error().code == ErrorCode::Corrupt);
}

TEST_CASE("A step never writes more than it was given room for") {
  const std::string zeros = encoded(Format::Gzip, std::string(50'000'000, '\0'));
  REQUIRE(zeros.size() < 60'000);
  const auto decoder = makeDecoder(Format::Gzip, Reading::Strict).value();
  std::array<char, 1000> room;
  const Step step = decoder->step(zeros, room, false).value();
  CHECK(step.produced == room.size());
  CHECK(step.consumed < zeros.size());
}

TEST_CASE("All memory is the caller's, is bounded by it and goes back") {
  CountedMemory memory;
  for (const Format format : kFormats) {
    const std::string text = mixedText(200'000);
    const auto encoder = makeEncoder(format, memory).value();
    const std::string bytes = run(*encoder, text, SIZE_MAX, 4096).value();
    const auto decoder = makeDecoder(format, Reading::Strict, memory).value();
    CHECK(run(*decoder, bytes, SIZE_MAX, 4096).value() == text);
    CHECK(memory.used() > 1000);
  }
  {
    CHECK(makeDecoder(Format::Zstd, Reading::Strict, memory).has_value());
  }
  CHECK(memory.used() == 0);

  for (const std::size_t quota : {0UL, 1000UL, 20'000UL}) {
    CountedMemory small(quota);
    for (const Format format : kFormats) {
      CAPTURE(quota);
      CAPTURE(static_cast<int>(format));
      const auto encoder = makeEncoder(format, small);
      REQUIRE_FALSE(encoder.has_value());
      CHECK(encoder.error().code == ErrorCode::TooLarge);
    }
    CHECK((makeDecoder(Format::Zstd, Reading::Strict, small).has_value() || quota < 100'000));
  }
}

TEST_CASE("A lenient decoder reads content as HTTP clients do") {
  const std::string text = mixedText(5000);
  const std::string member = encoded(Format::Gzip, text);
  CHECK(decoded(Format::Gzip, member + member, Reading::Lenient).value() == text + text);
  CHECK(decoded(Format::Gzip, member + "junk", Reading::Lenient).value() == text);
  CHECK(decoded(Format::Deflate, encoded(Format::DeflateRaw, text), Reading::Lenient).value() ==
        text);
  CHECK(decoded(Format::Deflate, encoded(Format::Deflate, text), Reading::Lenient).value() == text);
  CHECK_FALSE(decoded(Format::Gzip, member.substr(0, 100), Reading::Lenient).has_value());
}

TEST_CASE("Zstandard is read, with frames in a row") {
  const std::string text = "hello hello hello hello hello", frame(kZstdHello);
  CHECK(decoded(Format::Zstd, frame).value() == text);
  CHECK(decoded(Format::Zstd, frame + frame, Reading::Strict, 5).value() == text + text);
  CHECK(makeEncoder(Format::Zstd).error().code == ErrorCode::InvalidArgument);
  CHECK_FALSE(decoded(Format::Zstd, frame.substr(0, 10)).has_value());
  CHECK_FALSE(decoded(Format::Zstd, "not zstd at all").has_value());
}

TEST_CASE("Content codings are known by name, alone and in any case") {
  CHECK(findContentCoding("gzip") == Format::Gzip);
  CHECK(findContentCoding(" X-GZip ") == Format::Gzip);
  CHECK(findContentCoding("deflate") == Format::Deflate);
  CHECK(findContentCoding("BR") == Format::Brotli);
  CHECK(findContentCoding("zstd") == Format::Zstd);
  for (const std::string_view other : {"", "identity", "gzip, br", "compress", "gzip2"}) {
    CAPTURE(other);
    CHECK_FALSE(findContentCoding(other).has_value());
  }
}

TEST_CASE("Accept-Encoding allows what it names or stars and does not refuse") {
  CHECK(acceptsCoding("gzip, deflate, br", Format::Brotli));
  CHECK(acceptsCoding("GZIP;q=0.5", Format::Gzip));
  CHECK(acceptsCoding("*", Format::Zstd));
  CHECK(acceptsCoding("br;q=0, *;q=0.1", Format::Gzip));
  CHECK_FALSE(acceptsCoding("br;q=0, *;q=0.1", Format::Brotli));
  CHECK_FALSE(acceptsCoding("gzip;q=0", Format::Gzip));
  CHECK_FALSE(acceptsCoding("gzip ; Q=0.000", Format::Gzip));
  CHECK_FALSE(acceptsCoding("*;q=0", Format::Gzip));
  CHECK_FALSE(acceptsCoding("", Format::Gzip));
  CHECK_FALSE(acceptsCoding("identity", Format::Gzip));
}

}  // namespace atolld::coding
