#include "http/http2_server.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "http/field_rules.h"
#include "http/target.h"

namespace atolld::http {
namespace {

/// How much of an unwanted request body is received before the client is told to stop.
constexpr std::uint64_t kDiscardBytesMax = 64 * 1024;
/// A connection's window, in windows of one stream: handlers that leave bodies unread hold that
/// many streams' worth of memory, not one window for each stream there may be.
constexpr std::size_t kConnectionWindows = 4;
constexpr std::size_t kWindowBytesMax = 0x7fffffff;
/// What RFC 9113 section 6.5.2 adds to each field when it counts a header list.
constexpr std::size_t kFieldOverheadBytes = 32;
/// From here on a header list that is too large anyway is not even counted.
constexpr std::size_t kHeaderListFactor = 4;
constexpr std::size_t kStuckOutputBytes = 256 * 1024;
constexpr std::uint8_t kDrainPing[9] = "atolldrn";

/// HTTP/2 splits cookies into fields that compress well; everyone else wants them in one.
/// @spec RFC 9113 section 8.2.3
void joinCookies(HeaderList& headers) {
  std::string joined;
  int count = 0;
  for (const auto [name, value] : headers) {
    if (name != "cookie") continue;
    if (count++ > 0) joined += "; ";
    joined += value;
  }
  if (count > 1) headers.set("cookie", joined);
}

}  // namespace

std::unique_ptr<ServerConnection> makeHttp2ServerConnection(
    ServerConnection::Owner& owner, Handler& handler, const ServerLimits& limits,
    std::shared_ptr<const ConnectionInfo> info) {
  return std::make_unique<Http2ServerConnection>(owner, handler, limits, std::move(info));
}

Http2ServerConnection::Http2ServerConnection(Owner& owner, Handler& handler,
                                             const ServerLimits& limits,
                                             std::shared_ptr<const ConnectionInfo> info)
    : owner_(owner),
      handler_(handler),
      limits_(limits),
      info_(std::move(info)),
      session_(Http2Session::Role::Server, *this,
               std::max<std::size_t>(200, std::size_t{limits.concurrentStreamsMax} * 4)) {
  const std::size_t window = std::min(limits_.receiveWindowBytes, kWindowBytesMax);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.concurrentStreamsMax},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.headBytesMax)},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  };
  nghttp2_session* const raw = session_.raw();
  ATOLL_CHECK(nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  const std::size_t whole = std::min(window * kConnectionWindows, kWindowBytesMax);
  ATOLL_CHECK(nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0,
                                                    static_cast<std::int32_t>(whole)) == 0);
}

Http2ServerConnection::~Http2ServerConnection() {
  const Result<> gone = fail(ErrorCode::Aborted, "the connection was closed");
  for (const auto& [stream, exchange] : exchanges_) closeSink(*exchange, gone);
}

void Http2ServerConnection::receive(std::string_view bytes) {
  if (inputEnded_ || stuck_) return;
  session_.receive(bytes);
  signalIfWork();
}

void Http2ServerConnection::receiveEnd() {
  if (std::exchange(inputEnded_, true)) return;
  for (const auto& [stream, exchange] : exchanges_) {
    if (!exchange->requestComplete_ && !exchange->responseEnded_) {
      exchange->reset(NGHTTP2_CANCEL);
    }
  }
  finishDrain();
  signalIfWork();
}

bool Http2ServerConnection::wantsInput() const {
  return !inputEnded_ && !stuck_ && !session_.failed() &&
         session_.queue().size() < kStuckOutputBytes && !session_.finished();
}

std::size_t Http2ServerConnection::output(std::span<std::string_view> slices) {
  signalled_ = false;
  if (stuck_) return 0;
  deliverWaiting();
  session_.send();
  if (anyFull_) {
    tellDrained();
    session_.send();
  }
  signalled_ = false;
  return session_.queue().fill(slices);
}

bool Http2ServerConnection::consumeOutput(std::size_t bytes) {
  OutputQueue& queue = session_.queue();
  queue.consume(bytes);
  while (!ending_.empty() && ending_.front()->endPosition_ <= queue.consumed()) {
    Http2Exchange& exchange = *ending_.front();
    closeSink(exchange, {});
    if (exchange.streamClosed_) forget(exchange);
  }
  return true;  // Whoever waited for room is only asked in output().
}

bool Http2ServerConnection::shouldClose() const { return stuck_ || session_.finished(); }

void Http2ServerConnection::startDrain() {
  if (std::exchange(draining_, true)) return;
  for (const auto& [stream, exchange] : exchanges_) {
    if (exchange->isTunnel_ && exchange->sink_) exchange->sink_->onDrain();
  }
  if (exchanges_.empty()) {
    finishDrain();
  } else {
    // Streams that are already under way to us are still served: the final GOAWAY follows when the
    // client has surely seen this one.
    nghttp2_submit_shutdown_notice(session_.raw());
    nghttp2_submit_ping(session_.raw(), NGHTTP2_FLAG_NONE, kDrainPing);
  }
  signal();
}

void Http2ServerConnection::finishDrain() {
  if (std::exchange(finalGoaway_, true)) return;
  session_.ignoreUnknownStreams();
  nghttp2_session* const raw = session_.raw();
  nghttp2_submit_goaway(raw, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(raw),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2ServerConnection::onTimeout() {
  const Result<> late = fail(ErrorCode::Timeout, "the client was too slow");
  // A client that does not read gets no more: what it has of a frame cannot be completed.
  stuck_ = !session_.queue().empty();
  for (const auto& [stream, exchange] : exchanges_) closeSink(*exchange, late);
  if (stuck_) {
    session_.queue().consume(session_.queue().size());
  } else {
    session_.terminate(NGHTTP2_NO_ERROR);
  }
  signal();
}

Waiting Http2ServerConnection::waiting() const {
  if (!session_.queue().empty()) return Waiting::ClientToRead;
  if (!settingsSeen_ || headersOpen_) return Waiting::RequestHead;
  Waiting waiting = Waiting::NextRequest;
  for (const auto& [stream, exchange] : exchanges_) {
    // Queued, and yet not in the output: the client gives no window.
    if (exchange->outbound_.size() > 0) return Waiting::ClientToRead;
    const bool wantsBody = !exchange->isTunnel_ && !exchange->requestComplete_ &&
                           (exchange->bodyStarted_ || exchange->sink_ == nullptr) &&
                           exchange->unconsumed_ < limits_.receiveWindowBytes;
    if (wantsBody) {
      waiting = Waiting::RequestBody;
    } else if (waiting == Waiting::NextRequest) {
      waiting = Waiting::Handler;
    }
  }
  return waiting;
}

std::size_t Http2ServerConnection::openExchanges() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(exchanges_, [](const auto& e) { return e.second->sink_ != nullptr; }));
}

Http2Exchange* Http2ServerConnection::find(std::int32_t stream) {
  const auto found = exchanges_.find(stream);
  return found == exchanges_.end() ? nullptr : found->second.get();
}

void Http2ServerConnection::onBeginHeaders(const nghttp2_frame& frame) {
  headersOpen_ = true;
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return;
  auto exchange = std::make_unique<Http2Exchange>(*this, frame.hd.stream_id);
  exchange->head_ = std::make_unique<RequestHead>();
  exchanges_.insert_or_assign(frame.hd.stream_id, std::move(exchange));
}

bool Http2ServerConnection::onHeader(const nghttp2_frame& frame, std::string_view name,
                                     std::string_view value) {
  Http2Exchange* const exchange = find(frame.hd.stream_id);
  if (!exchange) return true;
  exchange->fieldBytes_ += name.size() + value.size() + kFieldOverheadBytes;
  ++exchange->fieldCount_;
  if (exchange->fieldBytes_ > limits_.headBytesMax * kHeaderListFactor) return false;
  const bool tooMuch = exchange->fieldBytes_ > limits_.headBytesMax ||
                       exchange->fieldCount_ > limits_.headerCountMax;
  if (exchange->head_ == nullptr) {
    // A trailer; what cannot be answered any more is reset.
    if (tooMuch || isForbiddenInTrailer(name)) return false;
    exchange->trailers_.add(name, value);
    return true;
  }
  if (tooMuch) {
    exchange->refusal_ = Refusal{431, "the header fields are too large or too many"};
    return true;
  }
  return onRequestField(*exchange, name, value);
}

bool Http2ServerConnection::onRequestField(Http2Exchange& exchange, std::string_view name,
                                           std::string_view value) {
  RequestHead& head = *exchange.head_;
  if (name.starts_with(':')) {
    // nghttp2 has checked that each comes once, and before the others.
    if (name == ":method") head.method = value;
    if (name == ":scheme") head.scheme = value;
    if (name == ":authority") head.authority = value;
    if (name == ":path") head.target = value;
    if (name == ":protocol") exchange.protocol_ = value;
    return true;
  }
  switch (knownField(name)) {
    case KnownField::Host:
      exchange.host_ = value;
      break;
    case KnownField::Expect:
      exchange.expect_ = value;
      break;
    case KnownField::ContentLength: {
      const Result<std::uint64_t> length = parseContentLength(value);
      if (!length) return false;
      exchange.declaredLength_ = *length;
      head.headers.add(name, value);
      break;
    }
    case KnownField::Other:
    case KnownField::Date:
    case KnownField::Trailer:
      head.headers.add(name, value);
      break;
    case KnownField::Te:
      break;
    default:
      return false;
  }
  return true;
}

void Http2ServerConnection::onFrame(const nghttp2_frame& frame) {
  const bool endStream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      settingsSeen_ = true;
      break;
    case NGHTTP2_PING: {
      const bool ack = (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
      if (ack && std::memcmp(frame.ping.opaque_data, kDrainPing, 8) == 0) finishDrain();
      break;
    }
    case NGHTTP2_HEADERS: {
      headersOpen_ = false;
      Http2Exchange* const exchange = find(frame.hd.stream_id);
      if (!exchange) break;
      if (exchange->head_) {
        onHead(*exchange, endStream);
      } else if (endStream) {
        onRequestEnd(*exchange);
      }
      break;
    }
    case NGHTTP2_DATA:
      if (Http2Exchange* const exchange = find(frame.hd.stream_id); exchange && endStream) {
        onRequestEnd(*exchange);
      }
      break;
    default:
      break;
  }
}

void Http2ServerConnection::onHead(Http2Exchange& exchange, bool endStream) {
  std::unique_ptr<RequestHead> head = std::exchange(exchange.head_, nullptr);
  exchange.isHead_ = head->method == "HEAD";
  exchange.requestComplete_ = endStream;
  exchange.fieldBytes_ = exchange.fieldCount_ = 0;  // The trailers have their own allowance.
  if (!exchange.refusal_) exchange.refusal_ = checkHead(exchange, *head, endStream);
  if (exchange.refusal_) {
    refuse(exchange, *exchange.refusal_);
    return;
  }
  handler_.onRequest(exchange, std::move(head));
  ATOLL_CHECK(exchange.sink_ != nullptr);
}

std::optional<Refusal> Http2ServerConnection::checkHead(Http2Exchange& exchange, RequestHead& head,
                                                        bool endStream) {
  if (!isToken(head.method)) return Refusal{400, "the method is not a token"};
  if (head.method == "CONNECT") {
    // RFC 8441 section 4. Names the protocol of what a GET with Upgrade would have asked for.
    if (exchange.protocol_ != "websocket") {
      return Refusal{501, "CONNECT is supported for WebSockets only"};
    }
    if (head.headers.find("sec-websocket-version").value_or("") != "13") {
      return Refusal{400, "the only WebSocket version spoken here is 13"};
    }
    if (endStream) return Refusal{400, "a WebSocket's stream is closed before it opened"};
    head.method = "GET";
    head.webSocket = true;
  }
  if (head.scheme != "http" && head.scheme != "https") {
    return Refusal{400, "the scheme is neither http nor https"};
  }
  const bool secure = info_ && info_->secure;
  Result<std::string> authority =
      parseAuthority(head.authority.empty() ? exchange.host_ : head.authority);
  if (!authority) return Refusal{400, "the authority is not a valid host"};
  if (!exchange.host_.empty()) {
    const Result<std::string> host = parseAuthority(exchange.host_);
    if (!host || !sameAuthority(*host, *authority, secure)) {
      return Refusal{400, "the authority and the host field name different hosts"};
    }
  }
  if (head.target.size() > limits_.targetBytesMax) {
    return Refusal{414, "the request target is too long"};
  }
  if (!isOriginForm(head.target) && !(head.target == "*" && head.method == "OPTIONS")) {
    return Refusal{400, "the request target is malformed"};
  }
  const std::uint64_t length = exchange.declaredLength_.value_or(0);
  if (length > limits_.bodyBytesMax) return Refusal{413, "the request body is too large"};

  head.version = Version::Http2;
  head.connection = info_;
  head.authority = *std::move(authority);
  head.scheme = secure ? "https" : "http";
  if (!endStream && !head.webSocket) {
    head.body = exchange.declaredLength_ ? BodyKind::Length : BodyKind::Unknown;
    if (exchange.declaredLength_ && length == 0) head.body = BodyKind::None;
    head.contentLength = length;
  }
  if (!exchange.expect_.empty()) {
    if (!equalsIgnoringCase(exchange.expect_, "100-continue")) {
      return Refusal{417, "the only expectation understood is 100-continue"};
    }
    head.expectsContinue = exchange.awaitsContinue_ = head.body != BodyKind::None;
  }
  joinCookies(head.headers);
  return std::nullopt;
}

void Http2ServerConnection::onData(std::int32_t stream, std::string_view data) {
  Http2Exchange* const exchange = find(stream);
  if (!exchange || !exchange->sink_ || exchange->responseEnded_ || exchange->aborted_) {
    nghttp2_session_consume_connection(session_.raw(), data.size());
    if (exchange) discard(*exchange, data.size());
    return;
  }
  exchange->bodySeen_ += data.size();
  exchange->unconsumed_ += data.size();
  if (exchange->bodySeen_ > limits_.bodyBytesMax && !exchange->isTunnel_) {
    const std::string_view problem = "the request body is too large";
    if (exchange->responseStarted_) {
      exchange->reset(NGHTTP2_CANCEL);
    } else {
      refuse(*exchange, {413, problem});
    }
    closeSink(*exchange, fail(ErrorCode::TooLarge, std::string(problem)));
  } else if (exchange->bodyStarted_ && exchange->waiting_.empty()) {
    exchange->sink_->onBody(Bytes::copyOf(data));
  } else {
    exchange->waiting_ += data;
  }
}

void Http2ServerConnection::onRequestEnd(Http2Exchange& exchange) {
  exchange.requestComplete_ = true;
  exchange.awaitsContinue_ = false;
  const bool tell = exchange.sink_ && exchange.bodyStarted_ && exchange.waiting_.empty() &&
                    !exchange.responseEnded_ && !exchange.aborted_;
  if (!tell || std::exchange(exchange.bodyEndTold_, true)) return;
  exchange.sink_->onBodyEnd(std::move(exchange.trailers_));
}

void Http2ServerConnection::deliverWaiting() {
  for (const std::int32_t stream : std::exchange(ready_, {})) {
    Http2Exchange* const exchange = find(stream);
    if (!exchange || !exchange->sink_ || exchange->responseEnded_ || exchange->aborted_) continue;
    if (!exchange->waiting_.empty()) {
      exchange->sink_->onBody(Bytes(std::exchange(exchange->waiting_, {})));
    }
    if (exchange->requestComplete_) onRequestEnd(*exchange);
  }
}

/// Counts body that is thrown away. Once the response is out and it becomes too much, the client
/// is told to stop sending.
void Http2ServerConnection::discard(Http2Exchange& exchange, std::size_t bytes) {
  exchange.discarded_ += bytes;
  if (exchange.endSent_ && !exchange.requestComplete_ && !exchange.aborted_ &&
      exchange.discarded_ > kDiscardBytesMax) {
    exchange.reset(NGHTTP2_NO_ERROR);
  }
}

/// The response is complete and the request is not.
void Http2ServerConnection::giveUpBody(Http2Exchange& exchange) {
  const std::uint64_t declared = exchange.declaredLength_.value_or(0);
  const bool muchLeft = declared > exchange.bodySeen_ + kDiscardBytesMax;
  if (muchLeft || exchange.awaitsContinue_) {
    exchange.reset(NGHTTP2_NO_ERROR);
  } else {
    discard(exchange, 0);
  }
}

void Http2ServerConnection::onFrameSent(const nghttp2_frame& frame) {
  const bool content = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!content || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  Http2Exchange* const exchange = find(frame.hd.stream_id);
  if (!exchange) return;
  exchange->endSent_ = true;
  exchange->endPosition_ = session_.queue().appended();
  if (exchange->sink_) ending_.push_back(exchange);
  if (!exchange->requestComplete_) giveUpBody(*exchange);
}

void Http2ServerConnection::onStreamClosed(std::int32_t stream, std::uint32_t code) {
  headersOpen_ = false;
  Http2Exchange* const exchange = find(stream);
  if (!exchange) return;
  exchange->streamClosed_ = true;
  exchange->outbound_.clear();
  if (!exchange->endSent_) {
    const bool ours = exchange->aborted_;
    closeSink(*exchange,
              fail(code == NGHTTP2_PROTOCOL_ERROR ? ErrorCode::Protocol : ErrorCode::Aborted,
                   ours ? "the response was aborted" : "the client reset the stream"));
  }
  if (!exchange->sink_) forget(*exchange);
}

void Http2ServerConnection::refuse(Http2Exchange& exchange, const Refusal& refusal) {
  ResponseHead head;
  head.status = refusal.status;
  head.headers.add("content-type", "text/plain; charset=utf-8");
  head.headers.add("atoll-error", refusalName(refusal.status));
  head.body = BodyKind::Length;
  head.contentLength = refusal.problem.size() + 1;
  exchange.respond(head, Bytes(std::string(refusal.problem) + '\n'));
}

void Http2ServerConnection::tellDrained() {
  anyFull_ = false;
  for (const auto& [stream, exchange] : exchanges_) {
    if (!exchange->wasFull_) continue;
    if (exchange->outbound_.size() >= Exchange::kLowWaterBytes) {
      anyFull_ = true;
      continue;
    }
    exchange->wasFull_ = false;
    if (exchange->sink_ && !exchange->responseEnded_) exchange->sink_->onDrained();
  }
}

/// The sink's last call, if it has not had it.
void Http2ServerConnection::closeSink(Http2Exchange& exchange, const Result<>& ok) {
  std::erase(ending_, &exchange);
  if (exchange.unconsumed_ > 0) {
    nghttp2_session_consume_connection(session_.raw(), std::exchange(exchange.unconsumed_, 0));
  }
  exchange.waiting_ = {};
  if (ExchangeSink* const sink = std::exchange(exchange.sink_, nullptr)) sink->onClosed(ok);
}

void Http2ServerConnection::forget(Http2Exchange& exchange) {
  exchanges_.erase(exchange.stream_);
  if (draining_ && exchanges_.empty()) {
    finishDrain();
    signalIfWork();
  }
}

void Http2ServerConnection::signal() {
  if (std::exchange(signalled_, true)) return;
  owner_.onOutputReady();
}

void Http2ServerConnection::signalIfWork() {
  const bool work = !session_.queue().empty() || !ready_.empty() || shouldClose() ||
                    nghttp2_session_want_write(session_.raw()) != 0;
  if (work) signal();
}

}  // namespace atolld::http
