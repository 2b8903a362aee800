#include "coding/tuning.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace atolld::coding {
namespace {

constexpr std::array kTunable{Format::Gzip, Format::Deflate, Format::DeflateRaw};

/// All of `input` through the codec, with room for `outBytes` a step.
Result<std::string> feed(Codec& codec, std::string_view input, bool finish, std::size_t outBytes) {
  std::string all, buffer(outBytes, '\0');
  while (true) {
    ATOLL_TRY(const Step step, codec.step(input, buffer, finish));
    all.append(buffer, 0, step.produced);
    input.remove_prefix(step.consumed);
    if (step.ended || (step.produced < buffer.size() && input.empty())) return all;
  }
}

std::string text(std::size_t size) {
  std::string made;
  for (std::uint32_t i = 0; made.size() < size; ++i)
    made += std::to_string(i * i % 977) + " words ";
  made.resize(size);
  return made;
}

}  // namespace

TEST_CASE("A flush point lets all that was taken be read, in steps of any size") {
  const std::string first = text(50'000), second = text(1'000);
  for (const Format format : {Format::Gzip, Format::Deflate, Format::DeflateRaw, Format::Brotli}) {
    for (const std::size_t outBytes : {7UL, 100UL, 65536UL}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(outBytes);
      auto encoder = makeEncoder(format).value();
      auto decoder = makeDecoder(format, Reading::Strict).value();
      std::string made = feed(*encoder, first, false, outBytes).value();
      requestFlush(*encoder, outBytes == 7 ? FlushPoint::Full : FlushPoint::Sync);
      made += feed(*encoder, {}, false, outBytes).value();
      CHECK(feed(*decoder, made, false, 65536).value() == first);
      made = feed(*encoder, second, true, outBytes).value();
      CHECK(feed(*decoder, made, true, 65536).value() == second);
    }
  }
}

TEST_CASE("Every setting in range makes what any decoder reads; a dictionary must be the same") {
  const std::string input = text(20'000), dictionary = text(500);
  for (const Format format : kTunable) {
    for (const int level : {-1, 0, 1, 9}) {
      for (const int windowBits : {8, 9, 15}) {
        const ZlibTuning tuning{.level = level,
                                .windowBits = windowBits,
                                .memoryLevel = level == 9 ? 9 : 1,
                                .strategy = level == 1 ? 2 : 0,
                                .dictionary = {}};
        auto encoder = makeTunedEncoder(format, tuning).value();
        auto decoder = makeDecoder(format, Reading::Strict).value();
        const std::string made = feed(*encoder, input, true, 65536).value();
        CHECK(feed(*decoder, made, true, 65536).value() == input);
      }
    }
  }
  const ZlibTuning known{.dictionary = dictionary};
  const std::string made =
      feed(*makeTunedEncoder(Format::Deflate, known).value(), input, true, 65536).value();
  CHECK(feed(*makeTunedDecoder(Format::Deflate, known).value(), made, true, 65536).value() ==
        input);
  const ZlibTuning other{.dictionary = "another"};
  CHECK_FALSE(feed(*makeTunedDecoder(Format::Deflate, other).value(), made, true, 65536));
  CHECK_FALSE(feed(*makeDecoder(Format::Deflate, Reading::Strict).value(), made, true, 65536));
}

TEST_CASE("Settings out of range, and formats that have none, are refused") {
  for (const ZlibTuning& wrong :
       {ZlibTuning{.level = 10}, ZlibTuning{.level = -2}, ZlibTuning{.windowBits = 7},
        ZlibTuning{.windowBits = 16}, ZlibTuning{.memoryLevel = 0}, ZlibTuning{.memoryLevel = 10},
        ZlibTuning{.strategy = 5}, ZlibTuning{.strategy = -1}}) {
    CHECK_FALSE(makeTunedEncoder(Format::Gzip, wrong).has_value());
  }
  CHECK_FALSE(makeTunedEncoder(Format::Brotli, {}).has_value());
  CHECK_FALSE(makeTunedDecoder(Format::Zstd, {}).has_value());
}

}  // namespace atolld::coding
