#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "websocket/deflate.h"
#include "websocket/protocol.h"
#include "websocket/utf8.h"

namespace atolld::websocket {

/// What a peer's bytes say, one thing at a time.
struct Incoming {
  enum class Kind : std::uint8_t {
    NeedsInput,  ///< All bytes are read.
    Yielded,     ///< Enough for one turn: call again, with the rest of the bytes.
    Text,        ///< A whole message, valid UTF-8.
    Binary,
    Ping,
    Pong,
    Close,      ///< `code` (kCloseNoStatus if there was none), `payload` is the reason.
    Violation,  ///< Close with `code`; `payload` says why, for our side. Nothing comes after it.
  };
  Kind kind = Kind::NeedsInput;
  std::uint16_t code = 0;
  std::string payload;
};

struct ReaderLimits {
  /// Of one message, decompressed.
  std::size_t messageBytesMax = 32 * 1024 * 1024;
  /// Of message taken in one call of next(): bounds the time it takes.
  std::size_t turnBytesMax = 256 * 1024;
  bool takesUnmasked = false;  ///< A server whose clients may break the rule that they mask.
};

/// Reads a peer's frames and puts messages together. Whatever the bytes are, it ends in messages or
/// a Violation, with at most one message in memory.
/// @spec RFC 6455 section 5, RFC 7692
class Reader {
 public:
  Reader(Role role, const std::optional<Compression>& compression, ReaderLimits limits);

  /// Takes what it used from the front of `input`.
  Incoming next(std::string_view& input);

  /// Bytes kept of a message that is not complete.
  std::size_t heldBytes() const noexcept { return message_.size() + pending_.size(); }

 private:
  using Kind = Incoming::Kind;

  bool readHead(std::string_view& input);
  std::optional<Incoming> checkHead();
  std::optional<Incoming> openFrame();
  std::optional<Incoming> readControl(std::string_view& input);
  std::optional<Incoming> readPlain(std::string_view& input);
  std::optional<Incoming> readCompressed(std::string_view& input);
  std::optional<Incoming> inflatePending();
  Incoming finishControl();
  Incoming finishMessage();
  Incoming violation(std::uint16_t code, std::string_view why);
  /// Takes up to `most` bytes of the frame's payload, unmasked, to the end of `out`.
  std::size_t take(std::string_view& input, std::size_t most, std::string& out);

  const Role role_;
  const ReaderLimits limits_;
  std::optional<Inflater> inflater_;
  bool failed_ = false;
  std::size_t turnLeft_ = 0;

  // The frame being read.
  std::array<char, 14> head_;
  std::size_t headSize_ = 0;
  bool inFrame_ = false;
  bool fin_ = false;
  Opcode opcode_ = Opcode::Continuation;
  bool masked_ = false;
  char mask_[4] = {};
  std::uint64_t frameLeft_ = 0;
  std::size_t frameOffset_ = 0;
  std::string control_;

  // The message being put together.
  bool inMessage_ = false;
  bool text_ = false;
  bool compressed_ = false;
  bool tailAdded_ = false;
  bool heldBack_ = false;  // The inflater has more to give without more input.
  std::string message_;
  std::string pending_;  // Unmasked and not yet inflated.
  Utf8Checker utf8_;
};

}  // namespace atolld::websocket
