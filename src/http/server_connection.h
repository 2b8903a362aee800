#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "http/handler.h"
#include "http/message.h"

namespace atolld::http {

/// Limits of one server connection; the defaults are edge-config's.
struct ServerLimits {
  std::size_t headBytesMax = 128 * 1024;   ///< All header fields together (431 above it).
  std::size_t targetBytesMax = 16 * 1024;  ///< The request target (414 above it).
  std::size_t headerCountMax = 256;
  std::uint64_t bodyBytesMax = 500ull * 1024 * 1024;  ///< 413 above it.
  std::size_t receiveWindowBytes = 256 * 1024;        ///< Per exchange, unconsumed.
  std::uint32_t concurrentStreamsMax = 128;           ///< HTTP/2.
  std::size_t pipelinedMax = 32;  ///< HTTP/1.1 requests waiting behind the current one.
};

/// What a connection is waiting for; the owner's timeouts follow it.
enum class Waiting { NextRequest, RequestHead, RequestBody, Handler, ClientToRead };

/// The server half of one HTTP connection, without I/O: bytes in, calls of the Handler, bytes out.
/// HTTP/1.x and HTTP/2 implement it. Loop thread only. The owner (listen/) moves bytes between it
/// and a transport.
class ServerConnection {
 public:
  /// Told that output() has become non-empty, or shouldClose() or wantsInput() true, at most once
  /// until the owner next takes output. May come from inside any call, or from a handler's later
  /// answer; the owner only notes it and flushes after the round: it calls output() (even if there
  /// turns out to be none: that is where a request waiting for its turn goes to the handler),
  /// then looks at wantsInput() and shouldClose() again.
  class Owner {
   public:
    virtual void onOutputReady() = 0;

   protected:
    ~Owner() = default;
  };

  virtual ~ServerConnection() = default;  // Closes open exchanges with Aborted.

  /// Bytes from the client. Whatever they are, this never fails: a protocol error becomes the
  /// specified answer in output() and then shouldClose().
  virtual void receive(std::string_view bytes) = 0;
  /// The client will send no more (FIN or close_notify).
  virtual void receiveEnd() = 0;
  /// False asks the owner not to read from the transport now (backpressure).
  virtual bool wantsInput() const = 0;

  /// The next bytes to send, as up to `slices.size()` pieces; returns how many were filled.
  /// Valid until consumeOutput() or any other call.
  virtual std::size_t output(std::span<std::string_view> slices) = 0;
  /// The transport took `bytes` of them.
  /// @return false: output() would give nothing now.
  virtual bool consumeOutput(std::size_t bytes) = 0;

  /// Once output() is empty, close the transport.
  virtual bool shouldClose() const = 0;
  /// The close must be a reset (no FIN, no close_notify), for the response was cut off and nothing
  /// else would show that to the client.
  virtual bool shouldReset() const { return false; }
  /// Finish what was accepted, accept no more (Connection: close, GOAWAY), then shouldClose().
  virtual void startDrain() = 0;
  /// A deadline of the owner passed: answers 408 where the protocol has an answer, then closes.
  virtual void onTimeout() = 0;

  virtual Waiting waiting() const = 0;
  virtual std::size_t openExchanges() const = 0;
};

/// `owner` and `handler` are borrowed for the connection's life. `info->secure` sets the scheme.
std::unique_ptr<ServerConnection> makeHttp1ServerConnection(
    ServerConnection::Owner& owner, Handler& handler, const ServerLimits& limits,
    std::shared_ptr<const ConnectionInfo> info);
std::unique_ptr<ServerConnection> makeHttp2ServerConnection(
    ServerConnection::Owner& owner, Handler& handler, const ServerLimits& limits,
    std::shared_ptr<const ConnectionInfo> info);

/// The first bytes that tell HTTP/2 with prior knowledge from HTTP/1 (RFC 9113 section 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace atolld::http
