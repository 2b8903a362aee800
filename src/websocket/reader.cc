#include "websocket/reader.h"

#include <algorithm>
#include <utility>

#include "websocket/writer.h"

namespace atolld::websocket {
namespace {

constexpr std::uint8_t kFin = 0x80, kRsv1 = 0x40, kRsv23 = 0x30, kOpcode = 0x0F;
constexpr std::uint8_t kMasked = 0x80, kLength = 0x7F;
/// What a frame of compressed data may be longer than the largest message.
constexpr std::size_t kDeflateSlackBytes = 64 * 1024;
constexpr std::size_t kCompressedStepBytes = 16 * 1024;
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

std::uint8_t byteAt(const std::array<char, 14>& head, std::size_t i) {
  return static_cast<std::uint8_t>(head[i]);
}

bool isControl(Opcode opcode) { return opcode >= Opcode::Close; }

bool isKnown(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

std::size_t lengthBytesOf(std::uint8_t length7) {
  return length7 == 126 ? 2 : length7 == 127 ? 8 : 0;
}

}  // namespace

Reader::Reader(Role role, const std::optional<Compression>& compression, ReaderLimits limits)
    : role_(role), limits_(limits) {
  if (compression) inflater_.emplace(compression->receiving);
}

Incoming Reader::next(std::string_view& input) {
  if (failed_) return violation(kCloseProtocolError, "the connection failed before");
  turnLeft_ = limits_.turnBytesMax;
  for (;;) {
    if (!inFrame_) {
      if (!readHead(input)) {
        if (auto bad = checkHead()) return *std::move(bad);
        return {};
      }
      if (auto bad = checkHead()) return *std::move(bad);
      if (auto bad = openFrame()) return *std::move(bad);
    }
    auto incoming = isControl(opcode_) ? readControl(input)
                    : compressed_      ? readCompressed(input)
                                       : readPlain(input);
    if (incoming) return *std::move(incoming);
  }
}

/// True once the head is complete.
bool Reader::readHead(std::string_view& input) {
  for (;;) {
    std::size_t wanted = 2;
    if (headSize_ >= 2) {
      wanted += lengthBytesOf(byteAt(head_, 1) & kLength);
      if ((byteAt(head_, 1) & kMasked) != 0) wanted += 4;
      if (headSize_ == wanted) return true;
    }
    if (input.empty()) return false;
    const std::size_t size = std::min(wanted - headSize_, input.size());
    input.copy(head_.data() + headSize_, size);
    input.remove_prefix(size);
    headSize_ += size;
  }
}

/// Refuses by the first two bytes, before a hostile length makes anybody wait for it.
std::optional<Incoming> Reader::checkHead() {
  if (headSize_ < 2) return std::nullopt;
  const std::uint8_t first = byteAt(head_, 0), second = byteAt(head_, 1);
  const auto wrong = [this](std::string_view why) { return violation(kCloseProtocolError, why); };
  if ((first & kRsv23) != 0) return wrong("a reserved bit is set");
  if (!isKnown(first & kOpcode)) return wrong("the opcode is reserved");
  const auto opcode = static_cast<Opcode>(first & kOpcode);
  if ((first & kRsv1) != 0) {
    if (!inflater_) return wrong("a reserved bit is set");
    if (opcode != Opcode::Text && opcode != Opcode::Binary) {
      return wrong("a frame is marked as compressed that cannot be");
    }
  }
  const bool isMasked = (second & kMasked) != 0;
  const bool isForgiven = !isMasked && limits_.takesUnmasked;
  if (isMasked != (role_ == Role::Server) && !isForgiven) {
    return wrong(role_ == Role::Server ? "a client's frame is not masked"
                                       : "a server's frame is masked");
  }
  if (isControl(opcode)) {
    if ((first & kFin) == 0) return wrong("a control frame is fragmented");
    if ((second & kLength) > kControlBytesMax) return wrong("a control frame is too long");
  } else if ((opcode == Opcode::Continuation) != inMessage_) {
    return wrong(inMessage_ ? "a new message begins inside of another"
                            : "a continuation continues nothing");
  }
  return std::nullopt;
}

std::optional<Incoming> Reader::openFrame() {
  const std::uint8_t first = byteAt(head_, 0), second = byteAt(head_, 1);
  const std::size_t lengthBytes = lengthBytesOf(second & kLength);
  std::uint64_t length = second & kLength;
  if (lengthBytes > 0) {
    length = 0;
    for (std::size_t i = 0; i < lengthBytes; ++i) length = length << 8 | byteAt(head_, 2 + i);
    if (length < (lengthBytes == 2 ? 126u : 0x10000u) || (length >> 63) != 0) {
      return violation(kCloseProtocolError, "a length is not in its shortest form");
    }
  }
  masked_ = (second & kMasked) != 0;
  if (masked_) std::copy_n(head_.data() + 2 + lengthBytes, 4, mask_);
  headSize_ = 0;
  fin_ = (first & kFin) != 0;
  opcode_ = static_cast<Opcode>(first & kOpcode);
  frameLeft_ = length;
  frameOffset_ = 0;
  inFrame_ = true;
  if (isControl(opcode_)) return std::nullopt;
  if (opcode_ != Opcode::Continuation) {
    inMessage_ = true;
    text_ = opcode_ == Opcode::Text;
    compressed_ = (first & kRsv1) != 0;
    tailAdded_ = heldBack_ = false;
    utf8_.reset();
  }
  const std::size_t most =
      compressed_ ? limits_.messageBytesMax + kDeflateSlackBytes
                  : limits_.messageBytesMax - std::min(limits_.messageBytesMax, message_.size());
  if (length > most) return violation(kCloseTooBig, "the message is too large");
  return std::nullopt;
}

std::size_t Reader::take(std::string_view& input, std::size_t most, std::string& out) {
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>({most, input.size(), frameLeft_}));
  const std::size_t at = out.size();
  out += input.substr(0, size);
  if (masked_) applyMask(out.data() + at, size, mask_, frameOffset_ % 4);
  input.remove_prefix(size);
  frameLeft_ -= size;
  frameOffset_ += size;
  return size;
}

std::optional<Incoming> Reader::readControl(std::string_view& input) {
  take(input, kControlBytesMax, control_);
  if (frameLeft_ > 0) return Incoming{};
  inFrame_ = false;
  return finishControl();
}

Incoming Reader::finishControl() {
  std::string payload = std::exchange(control_, {});
  if (opcode_ == Opcode::Ping) return {.kind = Kind::Ping, .payload = std::move(payload)};
  if (opcode_ == Opcode::Pong) return {.kind = Kind::Pong, .payload = std::move(payload)};
  if (payload.empty()) return {.kind = Kind::Close, .code = kCloseNoStatus};
  if (payload.size() == 1) return violation(kCloseProtocolError, "half a close code");
  const auto code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                               static_cast<std::uint8_t>(payload[1]));
  if (!isWireCloseCode(code)) return violation(kCloseProtocolError, "an impossible close code");
  payload.erase(0, 2);
  Utf8Checker utf8;
  if (!utf8.accept(payload) || !utf8.complete()) {
    return violation(kCloseBadData, "a close reason is not UTF-8");
  }
  return {.kind = Kind::Close, .code = code, .payload = std::move(payload)};
}

std::optional<Incoming> Reader::readPlain(std::string_view& input) {
  const std::size_t at = message_.size();
  const std::size_t size = take(input, turnLeft_, message_);
  turnLeft_ -= size;
  if (text_ && !utf8_.accept(std::string_view(message_).substr(at))) {
    return violation(kCloseBadData, "a text message is not UTF-8");
  }
  if (frameLeft_ > 0) return turnLeft_ == 0 ? Incoming{.kind = Kind::Yielded} : Incoming{};
  inFrame_ = false;
  if (!fin_) return std::nullopt;
  return finishMessage();
}

std::optional<Incoming> Reader::readCompressed(std::string_view& input) {
  for (;;) {
    if (!pending_.empty() || heldBack_) {
      if (auto incoming = inflatePending()) return incoming;
    }
    if (!pending_.empty() || heldBack_) continue;
    if (frameLeft_ > 0) {
      if (input.empty()) return Incoming{};
      take(input, kCompressedStepBytes, pending_);
      continue;
    }
    if (fin_ && !std::exchange(tailAdded_, true)) {
      pending_ = kTail;
      continue;
    }
    inFrame_ = false;
    if (!fin_) return std::nullopt;
    inflater_->endMessage();
    return finishMessage();
  }
}

std::optional<Incoming> Reader::inflatePending() {
  const std::size_t at = message_.size();
  // One byte more than allowed, to tell "full" from "too large".
  const std::size_t room = limits_.messageBytesMax + 1 - message_.size();
  const std::size_t budget = std::min(turnLeft_, room);
  if (budget == 0) return Incoming{.kind = Kind::Yielded};
  std::string_view input = pending_;
  const Inflater::Verdict verdict = inflater_->inflate(input, budget, message_);
  pending_.erase(0, pending_.size() - input.size());
  heldBack_ = verdict == Inflater::Verdict::Budget;
  turnLeft_ -= message_.size() - at;
  if (verdict == Inflater::Verdict::BadData) {
    return violation(kCloseBadData, "a compressed message cannot be decompressed");
  }
  if (message_.size() > limits_.messageBytesMax) {
    return violation(kCloseTooBig, "the message is too large");
  }
  if (text_ && !utf8_.accept(std::string_view(message_).substr(at))) {
    return violation(kCloseBadData, "a text message is not UTF-8");
  }
  return std::nullopt;
}

Incoming Reader::finishMessage() {
  inMessage_ = false;
  if (text_ && !utf8_.complete()) return violation(kCloseBadData, "a text message is not UTF-8");
  return {.kind = text_ ? Kind::Text : Kind::Binary, .payload = std::exchange(message_, {})};
}

Incoming Reader::violation(std::uint16_t code, std::string_view why) {
  failed_ = true;
  message_ = {};
  pending_ = {};
  return {.kind = Kind::Violation, .code = code, .payload = std::string(why)};
}

}  // namespace atolld::websocket
