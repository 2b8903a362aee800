#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "http/client_connection.h"
#include "http/message.h"
#include "loop/loop.h"
#include "loop/resolver.h"
#include "telemetry/metrics.h"
#include "tls/context.h"

namespace atolld::upstream {

struct ClientLimits {
  /// From start() to a connection ready for the request: waiting for a place, name resolution, TCP
  /// and TLS together.
  std::chrono::milliseconds connect{10'000};
  /// Without a step forward (a part of the request taken, the response's head), from there on.
  std::chrono::milliseconds firstByte{60'000};
  /// How long an unused connection is kept.
  std::chrono::milliseconds idle{30'000};
  std::size_t connectionsPerOriginMax = 64;
  std::size_t connectionsMax = 512;
  http::ClientLimits http;
};

/// Decides, at connect time, whether a resolved address may be connected to. The error reaches the
/// caller of start(). Every address of every attempt passes through it.
using AddressFilter = std::function<Result<>(const loop::SocketAddress& address)>;

struct ClientOptions {
  std::shared_ptr<const tls::ClientContext> tls;
  AddressFilter addressFilter;  ///< Empty: every address is allowed.
  ClientLimits limits;
};

struct ClientStats {
  telemetry::Counter requests;
  telemetry::Counter connects;  ///< Connections made …
  telemetry::Counter reuses;    ///< … and requests that needed none.
  telemetry::Counter retries;
  telemetry::Counter failures;
};

/// Outbound HTTP for one shard: connections pooled by (scheme, host, port), HTTP/2 where ALPN
/// agrees on it, HTTP/1.1 otherwise (in the clear always), certificates always verified. Loop
/// thread only.
class Client {
 public:
  /// `loop` and `resolver` outlive the client.
  Client(loop::Loop& loop, loop::Resolver& resolver, ClientOptions options);
  /// Every open exchange ends with Aborted; start() must not be called from there.
  ~Client();

  /// Sends a request to the origin that `head.scheme` ("http" or "https") and `head.authority`
  /// name. The body, if `head.body` announces one, follows by write() and end(), which may be
  /// called at once. `sink` is borrowed until its onClosed(); nothing is called from inside
  /// start().
  ///
  /// Ends with: InvalidArgument (no such origin can be), NotFound (no such host), Unavailable (no
  /// connection, or lost), Protocol (not HTTP, or not verified), Timeout, the filter's error, or
  /// Aborted (cancelled).
  http::ClientExchange& start(http::RequestHead head, http::ClientSink& sink);
  /// The same with the whole body, so that it can be sent again: `head.body` and
  /// `head.contentLength` are set from it.
  http::ClientExchange& start(http::RequestHead head, Bytes body, http::ClientSink& sink);

  const ClientStats& stats() const;

 private:
  std::unique_ptr<class Pool> pool_;
};

}  // namespace atolld::upstream
