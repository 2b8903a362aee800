#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace atolld::http {

/// What the caller's side of an outbound exchange is told. Loop thread only.
class ClientSink {
 public:
  virtual ~ClientSink() = default;
  /// The final response head (1xx are dropped).
  virtual void onResponse(ResponseHead head) = 0;
  virtual void onBody(Bytes chunk) = 0;  ///< Give the credit back with consumed().
  virtual void onDrained() = 0;          ///< Request body buffer fell below the low-water mark.
  /// The last call; the ClientExchange is gone on return. ok: the response is complete. The
  /// connection is ready for another submit(); it must not be destroyed from here.
  virtual void onClosed(const Result<>& ok, HeaderList trailers) = 0;
};

/// One outbound request. Loop thread only. Valid until its sink's onClosed().
class ClientExchange {
 public:
  virtual void write(Bytes chunk) = 0;
  virtual void end() = 0;
  virtual void consumed(std::size_t bytes) = 0;
  virtual std::size_t bufferedBytes() const = 0;
  /// The caller lost interest: resets the stream, or closes an HTTP/1 connection. onClosed() is
  /// called, with Aborted, before this returns.
  virtual void cancel() = 0;

 protected:
  ~ClientExchange() = default;
};

/// The client half of one HTTP connection, without I/O. The owner is upstream/.
class ClientConnection {
 public:
  class Owner {
   public:
    /// As ServerConnection::Owner's: output, shouldClose(), or wantsInput() true again.
    virtual void onOutputReady() = 0;

   protected:
    ~Owner() = default;
  };

  virtual ~ClientConnection() = default;  // Closes open exchanges with Unavailable.

  /// `head.body` says whether a body follows by write() and end(). `sink` is borrowed until
  /// onClosed(). Only when canSubmit().
  virtual ClientExchange& submit(const RequestHead& head, ClientSink& sink) = 0;
  virtual bool canSubmit() const = 0;
  virtual bool idle() const = 0;  ///< No exchange is open.

  virtual void receive(std::string_view bytes) = 0;
  virtual void receiveEnd() = 0;
  virtual bool wantsInput() const = 0;
  virtual std::size_t output(std::span<std::string_view> slices) = 0;
  virtual void consumeOutput(std::size_t bytes) = 0;
  virtual bool shouldClose() const = 0;
  /// Our direction is over, and the other one goes on: the transport is to be closed by half.
  virtual bool outputEnded() const { return false; }
};

struct ClientLimits {
  std::size_t headBytesMax = 128 * 1024;
  std::size_t receiveWindowBytes = 256 * 1024;
};

std::unique_ptr<ClientConnection> makeHttp1ClientConnection(ClientConnection::Owner& owner,
                                                            const ClientLimits& limits);
std::unique_ptr<ClientConnection> makeHttp2ClientConnection(ClientConnection::Owner& owner,
                                                            const ClientLimits& limits);

}  // namespace atolld::http
