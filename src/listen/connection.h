#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/server_connection.h"
#include "listen/limits.h"
#include "listen/listener_stats.h"
#include "loop/deadline_wheel.h"
#include "loop/loop.h"
#include "loop/poll.h"
#include "loop/socket.h"
#include "tls/session.h"

namespace atolld::listen {

class Connection;

/// What the connections of one listener share; the listener is one.
class ConnectionHost {
 public:
  virtual loop::Loop& eventLoop() = 0;
  virtual loop::DeadlineWheel& deadlines() = 0;
  virtual http::Handler& handler() = 0;
  virtual const ListenLimits& limits() const = 0;
  virtual const http::ServerLimits& httpLimits() const = 0;
  virtual ListenerStats& tallies() = 0;
  /// Memory for one call: what was received, and its plaintext or what becomes a TLS record.
  virtual std::span<char> receiveBuffer() = 0;
  virtual std::span<char> scratchBuffer() = 0;
  virtual void onServerName(std::string_view name) = 0;
  /// Calls the connection's flush() once, later in this round.
  virtual void wantsFlush(Connection& connection) = 0;

 protected:
  ~ConnectionHost() = default;
};

/// One accepted socket, from accept to close: bytes between it, TLS if there is any, and HTTP.
///
/// Events only note what happened; all sending, deciding and closing is in flush(), once a round,
/// when every answer of the round is known. Loop thread only.
class Connection final : public http::ServerConnection::Owner,
                         private http::Handler,
                         private loop::DeadlineWheel::Owner {
 public:
  /// `session` for TLS. `host` outlives the connection.
  Connection(ConnectionHost& host, loop::Descriptor socket, const loop::SocketAddress& peer,
             std::uint16_t localPort, std::optional<tls::Session> session);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins to watch the socket.
  Result<> start();

  /// Sends what there is, takes up input again, moves deadlines, closes if it is time.
  void flush();
  /// After flush(): the connection is over and can be destroyed.
  bool finished() const noexcept { return phase_ == Phase::Dead; }

  /// Finishes what it has accepted and closes; at once if that is nothing. Takes effect in flush().
  void startDrain();
  /// Closes without ceremony. Takes effect in flush().
  void kill() noexcept { phase_ = Phase::Dead; }
  /// Between two requests, with nothing to send.
  bool idle() const;

  // For the host's lists.
  std::size_t hostIndex = 0;
  bool flushWanted = false;

 private:
  enum class Phase : std::uint8_t {
    Peeking,  ///< In the clear: no telling yet which HTTP it is.
    Handshaking,
    Serving,
    Closing,    ///< Our last bytes are on their way.
    Lingering,  ///< We have ended, the client has not.
    Dead,
  };

  void onOutputReady() override;
  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;
  void onDeadline(loop::DeadlineWheel::Deadline& passed) override;

  void onReady(loop::Poll::Ready ready);
  void readSome();
  void onBytes(std::string_view bytes);
  void onInputEnd();
  void peek(std::string_view bytes);
  void decrypt(std::string_view bytes);
  void serve(bool http2);
  void fail(Tally& tally) noexcept;

  void sendPlain();
  void sendEncrypted();
  bool sendRecords();
  void encrypt(std::span<const std::string_view> pieces);
  void settle();
  void beginClose();
  void endOutput();
  bool wantsInput() const;
  void followDeadlines();
  void onReadDeadline();
  void onWriteDeadline();
  std::uint64_t acknowledgedBytes() const noexcept;
  bool enough(std::uint64_t bytes, std::chrono::milliseconds span) const noexcept;

  ConnectionHost& host_;
  const loop::Descriptor socket_;  // Declared before poll_, so closed after it.
  std::optional<loop::Poll> poll_;
  std::optional<tls::Session> session_;
  std::unique_ptr<http::ServerConnection> http_;
  const loop::SocketAddress peer_;
  const std::uint16_t localPort_;
  std::string peeked_;

  Phase phase_;
  bool inFlush_ = false;
  bool outputBlocked_ = false;  // Bytes wait for the socket, or for the next round.
  bool peerEnded_ = false;
  bool serverNameTold_ = false;
  bool drainWanted_ = false;
  bool drainStarted_ = false;
  bool closesIdle_ = false;
  bool closeWhenSent_ = false;  // Whatever HTTP says: a deadline passed.

  loop::DeadlineWheel::Deadline readDeadline_;
  loop::DeadlineWheel::Deadline writeDeadline_;
  // What readDeadline_ was set for: another thing waited for, or another request, sets it anew.
  std::optional<http::Waiting> waiting_;
  std::uint64_t waitingSinceRequest_ = 0;
  std::uint64_t requestCount_ = 0;
  std::uint64_t receivedBytes_ = 0;
  std::uint64_t sentBytes_ = 0;
  std::uint64_t receivedMark_ = 0;  // At the start of the span under watch.
  std::uint64_t acknowledgedMark_ = 0;
  std::uint64_t windowMark_ = 0;
  bool pausedInSpan_ = false;  // We did not read: slowness is not the client's.
};

}  // namespace atolld::listen
