// Decoders of every format on any bytes: bounded steps, an end, and the same output however the
// input is cut.

#include <array>
#include <string>

#include "base/check.h"
#include "coding/codec.h"
#include "fuzz.h"

namespace {

using namespace atolld;
using namespace atolld::coding;

constexpr std::size_t kOutputMax = 1 << 20;

/// What comes out of it until it ends, fails or is too much.
std::string decoded(Format format, Reading reading, std::string_view input,
                    std::size_t pieceBytes) {
  const auto decoder = makeDecoder(format, reading).value();
  std::string all;
  std::array<char, 4096> output;
  while (all.size() < kOutputMax) {
    const std::string_view piece = input.substr(0, pieceBytes);
    const Result<Step> step = decoder->step(piece, output, piece.size() == input.size());
    if (!step) return all;
    ATOLL_CHECK(step->consumed <= piece.size() && step->produced <= output.size());
    all.append(output.data(), step->produced);
    input.remove_prefix(step->consumed);
    if (step->ended) return all;
    // Without progress nothing would ever change: with `finish` that is an error.
    ATOLL_CHECK(step->consumed + step->produced > 0 || piece.size() < input.size());
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<Format>(data[0] % 5);
  const auto reading = data[0] & 0x80 ? Reading::Strict : Reading::Lenient;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = decoded(format, reading, input, SIZE_MAX);
  const std::string cut = decoded(format, reading, input, 1 + data[0] / 5);
  // A library may give less of what comes before an error when it sees more of it.
  ATOLL_CHECK(whole.starts_with(cut) || cut.starts_with(whole));
  findContentCoding(input);
  acceptsCoding(input, format);
  return 0;
}
