#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "http/handler.h"
#include "http/server_connection.h"
#include "listen/limits.h"
#include "listen/listener_stats.h"
#include "loop/loop.h"
#include "loop/socket.h"
#include "tls/context.h"

namespace atolld::listen {

struct ListenerOptions {
  /// One of loop::openListenSockets(); each shard's listener has its own.
  loop::Descriptor socket;
  /// Null: in the clear, where HTTP/2 is told from HTTP/1 by its preface. With TLS, ALPN decides.
  std::shared_ptr<const tls::ServerContext> tls;
  ListenLimits limits;
  http::ServerLimits http;
  /// Told the host name of every TLS handshake as soon as it is known, so that its script can be
  /// made ready meanwhile. May be empty.
  std::function<void(std::string_view)> onServerName;
};

/// Accepts connections on one shard's socket and serves them: sockets, TLS and HTTP put together,
/// with timeouts, backpressure and drain. Loop thread only, but for stats().
class Listener {
 public:
  /// `loop` and `handler` outlive the listener.
  Listener(loop::Loop& loop, ListenerOptions options, http::Handler& handler);
  /// Closes what is open at once; exchanges end with Aborted. Not from inside the handler.
  ~Listener();

  /// Begins to accept. @error Io
  Result<> start();
  /// Where it listens, with the port the kernel chose.
  const loop::SocketAddress& address() const;
  std::uint16_t port() const { return address().port(); }

  /// Accepts what has already connected, then no more; every connection finishes the requests it
  /// has and closes. `onDrained` is called once, from runDeferred(), when none is left, after
  /// limits.drain at the latest; it may destroy the listener.
  void drain(std::function<void()> onDrained);

  /// Every connection that is open finishes the requests it has and closes; new ones are taken.
  void sendAway();
  /// Handshakes from now on are made with it. Only of a listener that was made with TLS.
  void useTls(std::shared_ptr<const tls::ServerContext> tls);

  /// Any thread; outlives the listener.
  std::shared_ptr<const ListenerStats> stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace atolld::listen
