#pragma once

#include <atomic>
#include <cstdint>

namespace atolld::listen {

/// A number that one thread at a time writes and any thread reads.
class Tally {
 public:
  void add(std::uint64_t count = 1) noexcept { set(value() + count); }
  void subtract(std::uint64_t count) noexcept { set(value() - count); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::atomic<std::uint64_t> value_{0};
};

/// What a listener has seen since it started. Written by its loop thread, read by any.
struct ListenerStats {
  Tally accepted;
  Tally open;  ///< Connections now.
  Tally requests;
  Tally bytesReceived;  ///< On the wire: TLS included.
  Tally bytesSent;
  Tally handshakes;   ///< Completed TLS handshakes …
  Tally resumptions;  ///< … of which resumed.
  Tally handshakeErrors;
  Tally timeouts;         ///< Clients sent away for being slow; idle ones are not counted.
  Tally transportErrors;  ///< Resets and the like.
  Tally acceptErrors;     ///< Out of descriptors or memory.
  Tally fullPauses;       ///< Times connectionCountMax was reached.
};

}  // namespace atolld::listen
