#include "loop/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/check.h"

namespace atolld::loop {
namespace {

constexpr int kBacklog = 1024;  // The kernel lowers it to net.core.somaxconn.

std::optional<std::uint16_t> parsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool setOption(int fd, int level, int name, int value) noexcept {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

Result<Descriptor> bindSocket(const SocketAddress& address, bool shared) {
  Descriptor socket(
      ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket) return fail(ErrorCode::Io, "cannot make a socket: " + systemErrorText(errno));
  const int fd = socket.get();
  bool set =
      setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1) && setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (shared) set = set && setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == AF_INET6) {
    set = set && setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.isWildcard() ? 0 : 1);
  }
  if (!set) return fail(ErrorCode::Io, "cannot set up a socket: " + systemErrorText(errno));
  if (bind(fd, address.raw(), address.size()) != 0 || listen(fd, kBacklog) != 0) {
    const int error = errno;
    return fail(error == EADDRINUSE ? ErrorCode::Unavailable : ErrorCode::Io,
                "cannot listen on " + address.toString() + ": " + systemErrorText(error));
  }
  return socket;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<SocketAddress> SocketAddress::parse(std::string_view hostAndPort) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, "\"" + std::string(hostAndPort) + "\" " +
                                                std::string(why) +
                                                "; write host:port, as in 127.0.0.1:8080, "
                                                "[::1]:8080 or *:8080");
  };
  const std::size_t colon = hostAndPort.rfind(':');
  if (colon == std::string_view::npos) return bad("names no port");
  const std::optional<std::uint16_t> port = parsePort(hostAndPort.substr(colon + 1));
  if (!port) return bad("has no port from 0 to 65535 after its last colon");
  std::string_view host = hostAndPort.substr(0, colon);
  if (host.empty() || host == "*") {
    host = "::";
  } else if (host == "localhost") {
    host = "127.0.0.1";
  } else if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return bad("has no IPv6 address in its brackets");
  } else if (host.find(':') != std::string_view::npos) {
    return bad("needs brackets around its IPv6 address");
  }
  const std::optional<SocketAddress> address = fromIp(host, *port);
  if (!address) return bad("does not start with an IP address");
  return *address;
}

std::optional<SocketAddress> SocketAddress::fromIp(std::string_view ip, std::uint16_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (ip.size() >= text.size()) return std::nullopt;
  ip.copy(text.data(), ip.size());
  if (std::memchr(text.data(), 0, text.size()) != text.data() + ip.size()) return std::nullopt;
  SocketAddress address;
  if (inet_pton(AF_INET, text.data(), &address.storage_.in4.sin_addr) == 1) {
    address.storage_.in4.sin_family = AF_INET;
  } else {
    address.storage_ = {};
    if (inet_pton(AF_INET6, text.data(), &address.storage_.in6.sin6_addr) != 1) return std::nullopt;
    address.storage_.in6.sin6_family = AF_INET6;
  }
  address.setPort(port);
  return address;
}

std::optional<SocketAddress> SocketAddress::fromRaw(const sockaddr* raw, std::size_t size) {
  SocketAddress address;
  const bool known = (raw->sa_family == AF_INET && size >= sizeof(sockaddr_in)) ||
                     (raw->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6));
  if (!known) return std::nullopt;
  std::memcpy(&address.storage_, raw,
              raw->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  return address;
}

std::string SocketAddress::ip() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* written = nullptr;
  if (family() == AF_INET) {
    written = inet_ntop(AF_INET, &storage_.in4.sin_addr, text.data(), text.size());
  } else if (IN6_IS_ADDR_V4MAPPED(&storage_.in6.sin6_addr)) {
    written = inet_ntop(AF_INET, &storage_.in6.sin6_addr.s6_addr[12], text.data(), text.size());
  } else {
    written = inet_ntop(AF_INET6, &storage_.in6.sin6_addr, text.data(), text.size());
  }
  ATOLL_CHECK(written != nullptr);
  return written;
}

std::uint16_t SocketAddress::port() const noexcept {
  return ntohs(family() == AF_INET ? storage_.in4.sin_port : storage_.in6.sin6_port);
}

void SocketAddress::setPort(std::uint16_t port) noexcept {
  (family() == AF_INET ? storage_.in4.sin_port : storage_.in6.sin6_port) = htons(port);
}

std::string SocketAddress::toString() const {
  const std::string address = ip();
  const bool brackets = address.find(':') != std::string::npos;
  return (brackets ? "[" + address + "]" : address) + ":" + std::to_string(port());
}

bool SocketAddress::isWildcard() const noexcept {
  return family() == AF_INET ? storage_.in4.sin_addr.s_addr == htonl(INADDR_ANY)
                             : IN6_IS_ADDR_UNSPECIFIED(&storage_.in6.sin6_addr);
}

socklen_t SocketAddress::size() const noexcept {
  return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

Result<std::vector<Descriptor>> openListenSockets(const SocketAddress& address, std::size_t count) {
  ATOLL_CHECK(count > 0);
  SocketAddress bound = address;
  {
    // Without SO_REUSEPORT first: two servers of one user would share the port in silence.
    auto probe = bindSocket(address, false);
    if (!probe && address.isWildcard() && address.family() == AF_INET6) {
      bound = *SocketAddress::fromIp("0.0.0.0", address.port());  // A host without IPv6.
      auto fallback = bindSocket(bound, false);
      if (fallback || probe.error().code == ErrorCode::Io) probe = std::move(fallback);
    }
    ATOLL_TRY(const Descriptor alone, std::move(probe));
    ATOLL_TRY(bound, localAddress(alone.get()));
  }
  std::vector<Descriptor> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    ATOLL_TRY(Descriptor socket, bindSocket(bound, true));
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

Result<Descriptor> startConnect(const SocketAddress& address) {
  Descriptor socket(
      ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket) return fail(ErrorCode::Io, "cannot make a socket: " + systemErrorText(errno));
  setOption(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (connect(socket.get(), address.raw(), address.size()) != 0 && errno != EINPROGRESS) {
    return fail(ErrorCode::Unavailable,
                "cannot connect to " + address.toString() + ": " + systemErrorText(errno));
  }
  return socket;
}

Result<SocketAddress> localAddress(int fd) {
  sockaddr_in6 raw{};
  socklen_t size = sizeof(raw);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size) != 0) {
    return fail(ErrorCode::Io, "cannot read a socket's address: " + systemErrorText(errno));
  }
  const auto address = SocketAddress::fromRaw(reinterpret_cast<const sockaddr*>(&raw), size);
  if (!address) return fail(ErrorCode::Io, "a socket is neither IPv4 nor IPv6");
  return *address;
}

ssize_t receive(int fd, std::span<char> buffer) noexcept {
  return syscall(SYS_recvfrom, fd, buffer.data(), buffer.size(), 0, nullptr, nullptr);
}

ssize_t transmit(int fd, std::string_view bytes) noexcept {
  return syscall(SYS_sendto, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
}

int takeSocketError(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::string systemErrorText(int error) { return std::generic_category().message(error); }

}  // namespace atolld::loop
