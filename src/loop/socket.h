#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace atolld::loop {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// An IPv4 or IPv6 address and port.
class SocketAddress {
 public:
  /// "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (127.0.0.1), "*:8080" or ":8080" (every
  /// interface, IPv4 and IPv6). Port 0 lets the kernel choose. Never asks a name server.
  /// @error InvalidArgument  anything else; the text names the mend.
  static Result<SocketAddress> parse(std::string_view hostAndPort);
  /// An IP literal, without brackets.
  static std::optional<SocketAddress> fromIp(std::string_view ip, std::uint16_t port);
  /// @return nothing for families other than IPv4 and IPv6.
  static std::optional<SocketAddress> fromRaw(const sockaddr* address, std::size_t size);

  /// The IP literal; an IPv4 address mapped into IPv6 is given as IPv4.
  std::string ip() const;
  std::uint16_t port() const noexcept;
  void setPort(std::uint16_t port) noexcept;
  /// "127.0.0.1:80", "[::1]:80".
  std::string toString() const;
  bool isWildcard() const noexcept;

  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept;
  int family() const noexcept { return storage_.in6.sin6_family; }

 private:
  union Storage {
    sockaddr_in6 in6;
    sockaddr_in in4;
  };
  Storage storage_{};
};

/// Listening TCP sockets on one address, one for each shard (SO_REUSEPORT: the kernel spreads the
/// connections over them). With port 0 all get the same, kernel-chosen port. Non-blocking,
/// TCP_NODELAY is inherited by what they accept.
/// @error Unavailable  somebody else listens there already; Io  any other refusal.
Result<std::vector<Descriptor>> openListenSockets(const SocketAddress& address, std::size_t count);

/// Begins a non-blocking TCP connect; writable (see Poll) means decided, takeSocketError() how.
/// @error Unavailable  refused at once.
Result<Descriptor> startConnect(const SocketAddress& address);

/// The address a socket is bound to.
Result<SocketAddress> localAddress(int fd);

/// recv(2) and send(2) with MSG_NOSIGNAL. Not through libc's functions: those let a thread be
/// cancelled, which nobody does here, at a price that a small answer feels.
ssize_t receive(int fd, std::span<char> buffer) noexcept;
ssize_t transmit(int fd, std::string_view bytes) noexcept;

/// The error pending on a socket (errno's numbers), cleared by asking; 0 if there is none.
int takeSocketError(int fd) noexcept;

/// strerror, thread-safe.
std::string systemErrorText(int error);

}  // namespace atolld::loop
