#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace atolld::listen {

/// What a client may cost before it is sent away; the defaults are edge-config's.
struct ListenLimits {
  /// From accept to a complete TLS handshake.
  std::chrono::milliseconds handshake{10'000};
  /// From a request head's first byte to its last; in the clear also from accept to the first byte.
  std::chrono::milliseconds requestHead{15'000};
  /// While a request body or the client's reading (also HTTP/2's window) is waited for, each span
  /// of this length must move `progressBytesPerSecondMin` in the mean. Waiting for the script is
  /// never held against the client.
  std::chrono::milliseconds bodyProgress{30'000};
  std::chrono::milliseconds writeProgress{30'000};
  std::uint32_t progressBytesPerSecondMin = 128;
  /// Between requests on one connection.
  std::chrono::milliseconds idle{75'000};
  /// From our end of the stream to the client's: time for it to read our last words.
  std::chrono::milliseconds linger{2'000};
  /// From drain() to the closing of whatever is still open.
  std::chrono::milliseconds drain{30'000};

  /// Connections of one listener; further ones wait unaccepted, and idle ones are closed for them.
  std::size_t connectionCountMax = 20'000;
};

}  // namespace atolld::listen
