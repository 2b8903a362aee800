#pragma once

#include <cstddef>
#include <cstdint>

/// The numbers of RFC 6455, shared by both directions.
namespace atolld::websocket {

/// Which end of the connection we are: clients mask what they send, servers do not.
enum class Role : std::uint8_t { Server, Client };

enum class Opcode : std::uint8_t {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
};

/// Close codes. @spec RFC 6455 section 7.4.1
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseProtocolError = 1002;
inline constexpr std::uint16_t kCloseNoStatus = 1005;  ///< Never on the wire: there was no code.
inline constexpr std::uint16_t kCloseAbnormal = 1006;  ///< Never on the wire: there was no Close.
inline constexpr std::uint16_t kCloseBadData = 1007;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseInternalError = 1011;
inline constexpr std::uint16_t kCloseTryAgainLater = 1013;

inline constexpr std::size_t kControlBytesMax = 125;
/// Of a Close frame's reason: the code takes two.
inline constexpr std::size_t kCloseReasonBytesMax = 123;

/// Whether a Close frame may carry that code.
constexpr bool isWireCloseCode(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// What one direction of permessage-deflate agreed on. @spec RFC 7692 section 7.1
struct DeflateParameters {
  int windowBits = 15;
  bool contextTakeover = true;
};

/// What permessage-deflate agreed on: `sending` is how we compress, `receiving` how the peer does.
struct Compression {
  DeflateParameters sending;
  DeflateParameters receiving;
};

}  // namespace atolld::websocket
