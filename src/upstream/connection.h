#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/client_connection.h"
#include "loop/deadline_wheel.h"
#include "loop/poll.h"
#include "loop/resolver.h"
#include "loop/socket.h"
#include "tls/session.h"
#include "upstream/origin.h"

namespace atolld::upstream {

class Pool;

/// One connection to an origin: name, address, TCP, TLS, HTTP. Events only note what happened; all
/// sending and closing is in flush(), once a round.
class Connection final : private http::ClientConnection::Owner, private loop::DeadlineWheel::Owner {
 public:
  /// Both outlive the connection.
  Connection(Pool& pool, Origin& origin);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins with the name. The outcome comes through flush().
  void open();
  void flush();

  bool connecting() const noexcept { return phase_ < Phase::Open; }
  bool canSubmit() const;
  void submit(Request& request);
  /// Whether the response now being read, over HTTP/1, may end with the connection.
  void setEndIsEndOfBody(bool may) noexcept { endIsEndOfBody_ = may; }
  /// Open and without a request.
  bool idle() const;
  bool finished() const noexcept { return phase_ == Phase::Dead; }
  /// Ends it without ceremony. Takes effect in flush().
  void kill() noexcept { phase_ = Phase::Dead; }
  /// Why it failed; null while it has not.
  const Error* error() const noexcept { return error_ ? &*error_ : nullptr; }
  bool wasOpen() const noexcept { return wasOpen_; }

  Origin& origin() noexcept { return origin_; }
  bool flushWanted = false;

 private:
  enum class Phase : std::uint8_t { Resolving, Connecting, Handshaking, Open, Dead };

  void onOutputReady() override;
  void onDeadline(loop::DeadlineWheel::Deadline& passed) override;
  void onAddresses(const Result<loop::Resolver::Addresses>& addresses);
  void connectNext();
  void onReady(loop::Poll::Ready ready);
  void onConnected();
  void startHttp(bool http2);
  void readSome();
  void decrypt(std::string_view bytes);
  void fail(Error error);

  void endOutput();
  void sendPlain();
  void sendEncrypted();
  bool sendBytes(std::string_view bytes, std::size_t& sent);

  Pool& pool_;
  Origin& origin_;
  Phase phase_ = Phase::Resolving;
  loop::Resolver::Lookup lookup_;
  loop::Resolver::Addresses candidates_;  // Still to be tried, the next one last.
  loop::Descriptor socket_;
  std::optional<loop::Poll> poll_;
  std::optional<tls::Session> session_;
  std::unique_ptr<http::ClientConnection> http_;
  loop::DeadlineWheel::Deadline deadline_;
  std::optional<Error> error_;
  std::uint64_t requestCount_ = 0;
  bool wasOpen_ = false;
  bool peerEnded_ = false;
  bool endIsEndOfBody_ = false;
  bool outputBlocked_ = false;
  bool inFlush_ = false;
  bool outputEnded_ = false;
};

}  // namespace atolld::upstream
