#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace atolld::http {

/// What the handler's side of one exchange is told. Loop thread only; every call comes from inside
/// the connection, so an implementation may call back into the Exchange but must not destroy it.
class ExchangeSink {
 public:
  virtual ~ExchangeSink() = default;
  /// Request body bytes, only after Exchange::startBody(). Give the credit back with consumed().
  virtual void onBody(Bytes chunk) = 0;
  /// The request body is complete.
  virtual void onBodyEnd(HeaderList trailers) = 0;
  /// Bytes buffered for the client fell below the low-water mark: write on.
  virtual void onDrained() = 0;
  /// The node is about to go: a tunnel should come to its end soon.
  virtual void onDrain() {}
  /// The last call: the exchange is over and the Exchange is gone on return. `ok` when the whole
  /// response was handed to the transport and the request was read or properly given up; otherwise
  /// the client went away, broke the protocol or was too slow.
  virtual void onClosed(const Result<>& ok) = 0;
};

/// One request being answered, from the connection's side. Loop thread only. Valid from
/// Handler::onRequest until its sink's onClosed(). No call of it leads back into the sink: what it
/// causes (body bytes, onClosed() after abort()) is told from the connection's next turn.
class Exchange {
 public:
  /// `sink` is borrowed until onClosed(); set before onRequest() returns.
  virtual void setSink(ExchangeSink& sink) = 0;

  /// Lets body bytes flow to the sink (until then they wait, within the receive window), and
  /// answers "Expect: 100-continue". Idempotent.
  virtual void startBody() = 0;
  /// Returns receive window for `bytes` of body delivered by onBody(): the client may send more.
  virtual void consumed(std::size_t bytes) = 0;

  /// A head and a whole body in one go; ends the response. The commonest answer, and the fastest.
  virtual void respond(const ResponseHead& head, Bytes body) = 0;
  /// A head whose body follows by write() and end(). head.body says how it is framed.
  virtual void respondHead(const ResponseHead& head) = 0;
  /// Queues body bytes. Never refuses; the caller watches bufferedBytes() and waits for onDrained()
  /// once it is above kHighWaterBytes.
  virtual void write(Bytes chunk) = 0;
  virtual void end(HeaderList trailers = {}) = 0;
  /// The response cannot be completed: a stream error in HTTP/2, a closed connection in HTTP/1.
  /// The client can always tell it from a complete response.
  virtual void abort() = 0;
  /// Response bytes accepted but not yet given to the transport.
  virtual std::size_t bufferedBytes() const = 0;

  static constexpr std::size_t kHighWaterBytes = 256 * 1024;
  static constexpr std::size_t kLowWaterBytes = 64 * 1024;

 protected:
  ~Exchange() = default;
};

/// Answers requests; implemented by dispatch and control. Loop thread only, one call at a time per
/// connection. Must call setSink() before it returns, and may respond at once.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void onRequest(Exchange& exchange, std::unique_ptr<RequestHead> head) = 0;
};

}  // namespace atolld::http
