// The WebSocket reader: a peer's bytes are messages in one way, however they are cut, or a
// violation; memory stays within the limits.

#include <string>

#include "base/check.h"
#include "fuzz.h"
#include "websocket/handshake.h"
#include "websocket/reader.h"

namespace {

using namespace atolld;
using namespace atolld::websocket;
using Kind = Incoming::Kind;

constexpr ReaderLimits kLimits{.messageBytesMax = 10'000, .turnBytesMax = 500};

std::string run(const std::vector<std::string_view>& pieces, std::uint8_t mode) {
  std::optional<Compression> compression;
  if ((mode & 2) != 0) {
    compression.emplace();
    compression->receiving.contextTakeover = (mode & 4) != 0;
    compression->receiving.windowBits = 8 + (mode >> 4) % 8;
  }
  Reader reader((mode & 1) != 0 ? Role::Client : Role::Server, compression, kLimits);
  std::string told;
  for (std::string_view piece : pieces) {
    for (;;) {
      Incoming incoming = reader.next(piece);
      ATOLL_CHECK(reader.heldBytes() <= kLimits.messageBytesMax + 64 * 1024);
      if (incoming.kind == Kind::NeedsInput) break;
      if (incoming.kind == Kind::Yielded) continue;
      // Which of two violations in one frame is met first depends on how its bytes are cut.
      if (incoming.kind == Kind::Violation) return told + "violation";
      told += std::to_string(static_cast<int>(incoming.kind)) + ' ' +
              std::to_string(incoming.code) + ' ' + incoming.payload + '\n';
    }
    ATOLL_CHECK(piece.empty());
  }
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::asText(data, size);
  const std::uint8_t mode = fuzz::takeByte(input);
  const std::string whole = run({input}, mode);
  ATOLL_CHECK(run(fuzz::split(input, 0), mode) == whole);
  ATOLL_CHECK(run(fuzz::split(input, mode), mode) == whole);
  if (const auto agreed = chooseExtension(input)) {
    ATOLL_CHECK(chooseExtension(agreed->extensions).has_value());
  }
  (void)readAgreement(input);
  return 0;
}
