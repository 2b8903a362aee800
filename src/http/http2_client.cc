#include "http/http2_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "http/field_rules.h"
#include "http/handler.h"
#include "http/outbound_request.h"

namespace atolld::http {
namespace {

constexpr std::size_t kConnectionWindows = 8;
constexpr std::size_t kWindowBytesMax = 0x7fffffff;
constexpr std::size_t kFieldOverheadBytes = 32;
constexpr std::size_t kResetBurst = 1000;
constexpr std::size_t kStuckOutputBytes = 1024 * 1024;

Error errorOf(std::uint32_t code) {
  switch (code) {
    // The origin says that it has not looked at the request: another try is safe.
    case NGHTTP2_REFUSED_STREAM:
      return {ErrorCode::Unavailable, "the origin refused the stream"};
    case NGHTTP2_NO_ERROR:
      return {ErrorCode::Protocol, "the origin ended the stream before its response was complete"};
    case NGHTTP2_CANCEL:
    case NGHTTP2_INTERNAL_ERROR:
      return {ErrorCode::Unavailable, "the origin gave the response up"};
    default:
      return {ErrorCode::Protocol,
              std::string("HTTP/2 stream error ") + nghttp2_http2_strerror(code)};
  }
}

}  // namespace

void Http2ClientExchange::write(Bytes chunk) {
  if (!sink_ || outbound_.ended || error_ || chunk.empty()) return;
  if (requestLeft_) {
    if (chunk.size() > *requestLeft_) {
      connection_.reset(*this,
                        {ErrorCode::InvalidArgument, "the request body is longer than announced"});
      return;
    }
    *requestLeft_ -= chunk.size();
  }
  outbound_.push(std::move(chunk));
  if (outbound_.size() >= Exchange::kLowWaterBytes) wasFull_ = connection_.anyFull_ = true;
  nghttp2_session_resume_data(connection_.session_.raw(), stream_);
  connection_.signal();
}

void Http2ClientExchange::end() {
  if (!sink_ || outbound_.ended || error_) return;
  if (requestLeft_.value_or(0) > 0) {
    connection_.reset(*this,
                      {ErrorCode::InvalidArgument, "the request body is shorter than announced"});
    return;
  }
  outbound_.ended = true;
  nghttp2_session_resume_data(connection_.session_.raw(), stream_);
  connection_.signal();
}

void Http2ClientExchange::consumed(std::size_t bytes) {
  bytes = std::min(bytes, unconsumed_);
  if (bytes == 0) return;
  unconsumed_ -= bytes;
  nghttp2_session_consume(connection_.session_.raw(), stream_, bytes);
  if (nghttp2_session_want_write(connection_.session_.raw()) != 0) connection_.signal();
}

void Http2ClientExchange::cancel() {
  if (!sink_) return;
  const Error cancelled{ErrorCode::Aborted, "the request was cancelled"};
  connection_.reset(*this, cancelled);
  connection_.closeSink(*this, std::unexpected(cancelled));
}

std::unique_ptr<ClientConnection> makeHttp2ClientConnection(ClientConnection::Owner& owner,
                                                            const ClientLimits& limits) {
  return std::make_unique<Http2ClientConnection>(owner, limits);
}

Http2ClientConnection::Http2ClientConnection(Owner& owner, const ClientLimits& limits)
    : owner_(owner), limits_(limits), session_(Http2Session::Role::Client, *this, kResetBurst) {
  const std::size_t window = std::min(limits_.receiveWindowBytes, kWindowBytesMax);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.headBytesMax)},
  };
  nghttp2_session* const raw = session_.raw();
  ATOLL_CHECK(nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  const std::size_t whole = std::min(window * kConnectionWindows, kWindowBytesMax);
  ATOLL_CHECK(nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0,
                                                    static_cast<std::int32_t>(whole)) == 0);
}

Http2ClientConnection::~Http2ClientConnection() {
  closeAll(fail(ErrorCode::Unavailable, "the connection was closed"));
}

ClientExchange& Http2ClientConnection::submit(const RequestHead& head, ClientSink& sink) {
  auto owned = std::make_unique<Http2ClientExchange>(*this, sink);
  Http2ClientExchange& exchange = *owned;
  exchange.isHead_ = head.method == "HEAD";
  if (head.body == BodyKind::Length) exchange.requestLeft_ = head.contentLength;
  if (head.body == BodyKind::None) exchange.outbound_.ended = true;
  exchange.error_ = checkOutboundRequest(head);
  if (!exchange.error_) {
    Http2Fields fields;
    fields.add(":method", head.method);
    fields.add(":scheme", head.scheme);
    fields.add(":authority", head.authority);
    fields.add(":path", head.target);
    fields.addAll(head.headers);
    const std::string length = std::to_string(head.contentLength);
    if (head.body == BodyKind::Length) fields.add("content-length", length);
    const nghttp2_data_provider2 provider = Http2Session::provider(exchange.outbound_);
    exchange.stream_ =
        nghttp2_submit_request2(session_.raw(), nullptr, fields.data(), fields.size(),
                                head.body == BodyKind::None ? nullptr : &provider, nullptr);
    if (exchange.stream_ < 0) {
      exchange.error_ = Error{ErrorCode::Unavailable, "the connection takes no more requests"};
    }
  }
  if (exchange.error_) {
    unsent_.push_back(std::move(owned));
  } else {
    exchanges_.insert_or_assign(exchange.stream_, std::move(owned));
  }
  signal();
  return exchange;
}

bool Http2ClientConnection::canSubmit() const {
  nghttp2_session* const raw = session_.raw();
  const std::uint32_t streamsMax =
      nghttp2_session_get_remote_settings(raw, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return !goawaySeen_ && !inputEnded_ && !session_.failed() && exchanges_.size() < streamsMax &&
         nghttp2_session_check_request_allowed(raw) != 0;
}

bool Http2ClientConnection::idle() const {
  return unsent_.empty() &&
         std::ranges::none_of(exchanges_, [](const auto& e) { return e.second->sink_ != nullptr; });
}

void Http2ClientConnection::receive(std::string_view bytes) {
  if (inputEnded_) return;
  session_.receive(bytes);
  if (session_.finished()) closeAll(fail(ErrorCode::Protocol, "the HTTP/2 connection failed"));
  if (nghttp2_session_want_write(session_.raw()) != 0 || shouldClose()) signal();
}

void Http2ClientConnection::receiveEnd() {
  if (std::exchange(inputEnded_, true)) return;
  closeAll(fail(ErrorCode::Unavailable, "the origin closed the connection"));
  signal();
}

bool Http2ClientConnection::wantsInput() const {
  return !inputEnded_ && !session_.failed() && session_.queue().size() < kStuckOutputBytes;
}

std::size_t Http2ClientConnection::output(std::span<std::string_view> slices) {
  refuseUnsent();
  session_.send();
  if (anyFull_) {
    tellDrained();
    session_.send();
  }
  if (session_.finished()) closeAll(fail(ErrorCode::Protocol, "the HTTP/2 connection failed"));
  signalled_ = false;
  return session_.queue().fill(slices);
}

void Http2ClientConnection::consumeOutput(std::size_t bytes) { session_.queue().consume(bytes); }

bool Http2ClientConnection::shouldClose() const {
  return inputEnded_ || session_.finished() || (goawaySeen_ && exchanges_.empty());
}

Http2ClientExchange* Http2ClientConnection::find(std::int32_t stream) {
  const auto found = exchanges_.find(stream);
  return found == exchanges_.end() ? nullptr : found->second.get();
}

void Http2ClientConnection::onBeginHeaders(const nghttp2_frame& frame) {
  Http2ClientExchange* const exchange = find(frame.hd.stream_id);
  if (!exchange) return;
  exchange->fieldBytes_ = 0;
  if (!exchange->responseStarted_) exchange->head_ = {};
}

bool Http2ClientConnection::onHeader(const nghttp2_frame& frame, std::string_view name,
                                     std::string_view value) {
  Http2ClientExchange* const exchange = find(frame.hd.stream_id);
  if (!exchange) return true;
  exchange->fieldBytes_ += name.size() + value.size() + kFieldOverheadBytes;
  if (exchange->fieldBytes_ > limits_.headBytesMax) {
    if (!exchange->error_) {
      exchange->error_ = Error{ErrorCode::TooLarge, "the response head is too large"};
    }
    return false;
  }
  if (exchange->responseStarted_) {
    if (isForbiddenInTrailer(name)) return false;
    exchange->trailers_.add(name, value);
    return true;
  }
  if (name == ":status") {
    const char* const end = value.data() + value.size();
    return std::from_chars(value.data(), end, exchange->head_.status).ptr == end;
  }
  switch (knownField(name)) {
    case KnownField::ContentLength: {
      const Result<std::uint64_t> length = parseContentLength(value);
      if (!length) return false;
      exchange->declaredLength_ = *length;
      exchange->head_.headers.add(name, value);
      return true;
    }
    case KnownField::Other:
    case KnownField::Date:
    case KnownField::Trailer:
      exchange->head_.headers.add(name, value);
      return true;
    default:
      return false;
  }
}

void Http2ClientConnection::onFrame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) {
    goawaySeen_ = true;
    signal();
    return;
  }
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  const bool endStream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  Http2ClientExchange* exchange = find(frame.hd.stream_id);
  if (!exchange) return;
  if (frame.hd.type == NGHTTP2_HEADERS && !exchange->responseStarted_) {
    if (exchange->head_.status < 200) return;
    onResponseHead(*exchange, endStream);
  }
  if (endStream) exchange->responseEnded_ = true;
}

void Http2ClientConnection::onResponseHead(Http2ClientExchange& exchange, bool endStream) {
  exchange.responseStarted_ = true;
  ResponseHead head = std::move(exchange.head_);
  if (!endStream) {
    head.body = exchange.declaredLength_ ? BodyKind::Length : BodyKind::Unknown;
    head.contentLength = exchange.declaredLength_.value_or(0);
    if (exchange.declaredLength_ && head.contentLength == 0) head.body = BodyKind::None;
  }
  if (exchange.sink_) exchange.sink_->onResponse(std::move(head));
}

void Http2ClientConnection::onData(std::int32_t stream, std::string_view data) {
  Http2ClientExchange* const exchange = find(stream);
  if (!exchange || !exchange->sink_ || exchange->error_) {
    nghttp2_session_consume_connection(session_.raw(), data.size());
    return;
  }
  exchange->unconsumed_ += data.size();
  exchange->sink_->onBody(Bytes::copyOf(data));
}

void Http2ClientConnection::onStreamClosed(std::int32_t stream, std::uint32_t code) {
  Http2ClientExchange* const exchange = find(stream);
  if (!exchange) return;
  const std::unique_ptr<Http2ClientExchange> last = std::move(exchanges_.at(stream));
  exchanges_.erase(stream);
  if (exchange->error_) {
    closeSink(*exchange, std::unexpected(*exchange->error_));
  } else if (exchange->responseEnded_ && code == NGHTTP2_NO_ERROR) {
    closeSink(*exchange, {});
  } else {
    closeSink(*exchange, std::unexpected(errorOf(code)));
  }
}

/// The sink hears of it when the stream is closed.
void Http2ClientConnection::reset(Http2ClientExchange& exchange, Error error) {
  if (exchange.error_) return;
  exchange.error_ = std::move(error);
  exchange.outbound_.clear();
  nghttp2_submit_rst_stream(session_.raw(), NGHTTP2_FLAG_NONE, exchange.stream_, NGHTTP2_CANCEL);
  signal();
}

void Http2ClientConnection::closeSink(Http2ClientExchange& exchange, const Result<>& ok) {
  if (exchange.unconsumed_ > 0) {
    nghttp2_session_consume_connection(session_.raw(), std::exchange(exchange.unconsumed_, 0));
  }
  ClientSink* const sink = std::exchange(exchange.sink_, nullptr);
  if (sink) sink->onClosed(ok, std::move(exchange.trailers_));
}

/// Tells every open exchange the end; their streams are of no use any more.
void Http2ClientConnection::closeAll(const Result<>& why) {
  refuseUnsent();
  // A sink may submit() again, elsewhere; this list does not grow, but may shrink.
  std::vector<Http2ClientExchange*> open;
  for (const auto& [stream, exchange] : exchanges_) open.push_back(exchange.get());
  for (Http2ClientExchange* const exchange : open) closeSink(*exchange, why);
}

void Http2ClientConnection::refuseUnsent() {
  for (auto& exchange : std::exchange(unsent_, {})) {
    closeSink(*exchange, std::unexpected(*exchange->error_));
  }
}

void Http2ClientConnection::tellDrained() {
  anyFull_ = false;
  std::vector<ClientSink*> drained;
  for (const auto& [stream, exchange] : exchanges_) {
    if (!exchange->wasFull_) continue;
    if (exchange->outbound_.size() >= Exchange::kLowWaterBytes) {
      anyFull_ = true;
      continue;
    }
    exchange->wasFull_ = false;
    if (exchange->sink_ && !exchange->outbound_.ended) exchange->sink_->onDrained();
  }
}

void Http2ClientConnection::signal() {
  if (std::exchange(signalled_, true)) return;
  owner_.onOutputReady();
}

}  // namespace atolld::http
