#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>

#include "base/bytes.h"
#include "http/client_connection.h"
#include "loop/deadline_wheel.h"
#include "upstream/origin.h"

namespace atolld::upstream {

class Pool;

/// One outbound request, from start() to onClosed(): waits for a connection, then stands between
/// the caller and that connection's own exchange.
class Request final : public http::ClientExchange,
                      private http::ClientSink,
                      private loop::DeadlineWheel::Owner {
 public:
  Request(Pool& pool, http::RequestHead head, std::optional<Bytes> body, http::ClientSink& sink);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() override = default;

  void write(Bytes chunk) override;
  void end() override;
  void consumed(std::size_t bytes) override;
  std::size_t bufferedBytes() const override;
  void cancel() override;

  const http::RequestHead& head() const { return head_; }
  /// Hands the request to `connection`, which canSubmit().
  void submitTo(Connection& connection, http::ClientConnection& http, bool pooled);
  /// Ends it, if it is waiting or submitted. Destroys this.
  void finish(const Error& error);

  Origin* origin = nullptr;
  std::optional<Error> refusal;         // Instead of an origin.
  std::list<Request>::iterator self{};  // In the pool's list.

 private:
  void onResponse(http::ResponseHead head) override;
  void onBody(Bytes chunk) override;
  void onDrained() override;
  void onClosed(const Result<>& ok, http::HeaderList trailers) override;
  void onDeadline(loop::DeadlineWheel::Deadline& passed) override;

  bool mayRetry() const;
  void close(const Result<>& result, http::HeaderList trailers);

  Pool& pool_;
  const http::RequestHead head_;
  const std::optional<Bytes> body_;  // Whole: can be sent again.
  http::ClientSink& sink_;
  loop::DeadlineWheel::Deadline deadline_;

  // Before there is a connection.
  std::deque<Bytes> early_;
  std::size_t earlyBytes_ = 0;
  bool ended_ = false;

  http::ClientExchange* exchange_ = nullptr;
  Connection* connection_ = nullptr;
  bool pooled_ = false;
  bool retried_ = false;
  bool responded_ = false;
  std::optional<Error> ownError_;  // Why we gave it up: said instead of "cancelled".
};

}  // namespace atolld::upstream
