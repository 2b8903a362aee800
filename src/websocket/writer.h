#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "websocket/deflate.h"
#include "websocket/protocol.h"

namespace atolld::websocket {

/// Makes frames: each message is one. A client's are masked with keys nobody can foresee.
/// @spec RFC 6455 section 5
class Writer {
 public:
  Writer(Role role, const std::optional<Compression>& compression);

  /// Appends a frame to `out`. Where only the head was appended, what is returned is to follow it:
  /// the payload itself, which the caller can send without a copy.
  std::string_view message(bool text, std::string_view payload, std::string& out);
  /// A Ping or Pong; `payload` of at most kControlBytesMax.
  void control(Opcode opcode, std::string_view payload, std::string& out);
  /// A Close frame; code kCloseNoStatus sends none. The reason is cut to what fits.
  void close(std::uint16_t code, std::string_view reason, std::string& out);

 private:
  void head(Opcode opcode, bool compressed, std::size_t size, std::string& out);
  void masked(std::string_view payload, std::string& out);

  const Role role_;
  std::optional<Deflater> deflater_;
  std::string compressed_;  // Scratch, while small.
};

/// Applies a mask to bytes that begin at `offset` of a payload.
void applyMask(char* bytes, std::size_t size, const char (&mask)[4], std::size_t offset);

}  // namespace atolld::websocket
