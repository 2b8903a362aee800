#include "upstream/request.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "upstream/connection.h"
#include "upstream/pool.h"

namespace atolld::upstream {
namespace {

/// RFC 9110 section 9.2.2: doing these twice is as good as once.
bool isIdempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD",   "OPTIONS",
                                                     "PUT", "DELETE", "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

}  // namespace

Request::Request(Pool& pool, http::RequestHead head, std::optional<Bytes> body,
                 http::ClientSink& sink)
    : pool_(pool),
      head_(std::move(head)),
      body_(std::move(body)),
      sink_(sink),
      deadline_(pool.deadlines(), *this) {
  // A WebSocket writes once it is open.
  ended_ = body_.has_value() || (head_.body == http::BodyKind::None && !head_.webSocket);
  deadline_.set(pool_.limits().connect);
}

void Request::write(Bytes chunk) {
  ATOLL_CHECK(!ended_);
  if (exchange_ != nullptr) {
    exchange_->write(std::move(chunk));
    return;
  }
  earlyBytes_ += chunk.size();
  early_.push_back(std::move(chunk));
}

void Request::end() {
  if (std::exchange(ended_, true) || exchange_ == nullptr) return;
  if (!responded_) deadline_.set(pool_.limits().firstByte);
  exchange_->end();
}

void Request::consumed(std::size_t bytes) {
  if (exchange_ != nullptr) exchange_->consumed(bytes);
}

std::size_t Request::bufferedBytes() const {
  return exchange_ != nullptr ? exchange_->bufferedBytes() : earlyBytes_;
}

void Request::cancel() { finish({ErrorCode::Aborted, "the request was cancelled"}); }

void Request::finish(const Error& error) {
  ownError_ = error;
  if (exchange_ != nullptr) {
    exchange_->cancel();  // Leads to onClosed().
    return;
  }
  close(std::unexpected(error), {});
}

void Request::submitTo(Connection& connection, http::ClientConnection& http, bool pooled) {
  pooled_ = pooled;
  connection_ = &connection;
  deadline_.set(pool_.limits().firstByte);
  exchange_ = &http.submit(head_, *this);
  if (body_) {
    if (!body_->empty()) exchange_->write(*body_);
    exchange_->end();
    return;
  }
  const bool hadEarly = !early_.empty();
  for (Bytes& chunk : std::exchange(early_, {})) exchange_->write(std::move(chunk));
  earlyBytes_ = 0;
  if (ended_ && head_.body != http::BodyKind::None) exchange_->end();
  // What waited here was counted against the caller's buffer.
  if (hadEarly && !ended_ && exchange_->bufferedBytes() == 0) sink_.onDrained();
}

void Request::onResponse(http::ResponseHead head) {
  responded_ = true;
  deadline_.clear();
  connection_->setEndIsEndOfBody(head.body == http::BodyKind::Unknown);
  sink_.onResponse(std::move(head));
}

void Request::onBody(Bytes chunk) { sink_.onBody(std::move(chunk)); }

void Request::onDrained() {
  if (!responded_) deadline_.set(pool_.limits().firstByte);
  sink_.onDrained();
}

void Request::onClosed(const Result<>& ok, http::HeaderList trailers) {
  const Connection* const connection = std::exchange(connection_, nullptr);
  exchange_ = nullptr;
  if (ok) return close(ok, std::move(trailers));
  if (ok.error().code == ErrorCode::Unavailable && mayRetry()) {
    retried_ = true;
    deadline_.set(pool_.limits().connect);
    pool_.retry(*this);
    return;
  }
  if (ownError_) return close(std::unexpected(*ownError_), {});
  // The connection knows more of why than its HTTP half.
  if (connection->error()) return close(std::unexpected(*connection->error()), {});
  close(ok, {});
}

/// A kept connection can turn out to be closed by the other side at the very moment it is used
/// again. Then nothing has happened yet, in all likelihood, and the request can be sent again if it
/// can and may (RFC 9110 section 9.2.2).
bool Request::mayRetry() const {
  const bool repeatable = body_.has_value() || head_.body == http::BodyKind::None;
  return pooled_ && !retried_ && !responded_ && !ownError_ && repeatable &&
         isIdempotent(head_.method) && !pool_.closing();
}

void Request::onDeadline(loop::DeadlineWheel::Deadline&) {
  finish({ErrorCode::Timeout, exchange_ == nullptr
                                  ? head_.authority + " could not be connected to in time"
                                  : head_.authority + " did not answer in time"});
}

void Request::close(const Result<>& result, http::HeaderList trailers) {
  deadline_.clear();
  if (!result && !(ownError_ && ownError_->code == ErrorCode::Aborted)) {
    pool_.mutableStats().failures.add();
  }
  // Taken out first, so that what the sink does finds a pool without it.
  const std::list<Request> last = pool_.release(*this);
  sink_.onClosed(result, std::move(trailers));
}

}  // namespace atolld::upstream
