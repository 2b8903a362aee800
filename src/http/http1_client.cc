#include "http/http1_client.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/field_rules.h"
#include "http/handler.h"
#include "http/outbound_request.h"

namespace atolld::http {
namespace {

constexpr std::size_t kStatusLineBytesMax = 8 * 1024;
constexpr std::size_t kFieldCountMax = 256;
constexpr std::size_t kDecodeBytesMax = 64 * 1024;
/// An origin that sends interim responses for ever must not keep us reading them.
constexpr std::size_t kInterimCountMax = 32;

/// "HTTP/1.1 200 OK"; the phrase may be empty, and so may the blank before it.
bool readStatusLine(std::string_view line, bool& http10, ResponseHead& head) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool shaped = line.size() >= 12 && line.starts_with("HTTP/1.") &&
                      (line[7] == '0' || line[7] == '1') && line[8] == ' ' && digit(line[9]) &&
                      digit(line[10]) && digit(line[11]) && (line.size() == 12 || line[12] == ' ');
  if (!shaped || !isFieldValue(line.substr(12))) return false;
  http10 = line[7] == '0';
  head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (line.size() > 13) head.reason = line.substr(13);
  return head.status >= 100;
}

bool usuallyHasBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

std::unique_ptr<ClientConnection> makeHttp1ClientConnection(ClientConnection::Owner& owner,
                                                            const ClientLimits& limits) {
  return std::make_unique<Http1ClientConnection>(owner, limits);
}

Http1ClientConnection::Http1ClientConnection(Owner& owner, const ClientLimits& limits)
    : owner_(owner),
      limits_(limits),
      scanner_({.headBytesMax = limits.headBytesMax,
                .startLineBytesMax = kStatusLineBytesMax,
                .fieldCountMax = kFieldCountMax}),
      parser_(Http1Parser::Kind::Response) {}

Http1ClientConnection::~Http1ClientConnection() {
  stopped_ = true;
  if (sink_) close(atolld::fail(ErrorCode::Unavailable, "the connection was closed"));
}

ClientExchange& Http1ClientConnection::submit(const RequestHead& head, ClientSink& sink) {
  ATOLL_CHECK(canSubmit());
  sink_ = &sink;
  isHead_ = head.method == "HEAD";
  asksForWebSocket_ = head.webSocket;
  isTunnel_ = false;
  reading_ = Reading::Head;
  unconsumed_ = interimCount_ = 0;
  trailers_.clear();
  if ((isBare_ = isBareConnection(head))) {
    isTunnel_ = true;
    bareOpened_ = requestEnded_ = keepAlive_ = false;
    reading_ = Reading::UntilClose;
    framing_ = Http1Framing::Body::UntilClose;
    signal();
    return *this;
  }
  refusedRequest_ = checkOutboundRequest(head);
  Http1Framing framing;
  if (head.webSocket) framing.connection = Http1Framing::Connection::WebSocket;
  if (head.body == BodyKind::Unknown) {
    framing.body = Http1Framing::Body::Chunked;
  } else if (head.body == BodyKind::Length || usuallyHasBody(head.method)) {
    framing.body = Http1Framing::Body::Length;
    framing.length = head.body == BodyKind::Length ? head.contentLength : 0;
  }
  framing_ = framing.body;
  requestLeft_ = framing.length;
  requestEnded_ = head.body == BodyKind::None;
  if (!refusedRequest_) writeRequestHead(output_.buffer(), head, framing);
  signal();
  return *this;
}

void Http1ClientConnection::write(Bytes chunk) {
  if (!sink_ || requestEnded_ || refusedRequest_ || chunk.empty()) return;
  if (framing_ == Http1Framing::Body::Chunked) {
    writeChunkHeader(output_.buffer(), chunk.size());
    output_.append(std::move(chunk));
    output_.append("\r\n");
  } else if (isTunnel_) {
    output_.append(std::move(chunk));
  } else if (chunk.size() > requestLeft_) {
    refusedRequest_ =
        Error{ErrorCode::InvalidArgument, "the request body is longer than announced"};
  } else {
    requestLeft_ -= chunk.size();
    output_.append(std::move(chunk));
  }
  signal();
}

void Http1ClientConnection::end() {
  if (!sink_ || requestEnded_ || refusedRequest_) return;
  requestEnded_ = true;
  if (framing_ == Http1Framing::Body::Chunked) {
    writeLastChunk(output_.buffer(), {});
  } else if (!isTunnel_ && requestLeft_ > 0) {
    refusedRequest_ =
        Error{ErrorCode::InvalidArgument, "the request body is shorter than announced"};
  }
  signal();
}

void Http1ClientConnection::consumed(std::size_t bytes) {
  ATOLL_CHECK(bytes <= unconsumed_);
  const bool wasFull = unconsumed_ >= limits_.receiveWindowBytes;
  unconsumed_ -= bytes;
  if (wasFull || !input_.empty()) signal();
}

void Http1ClientConnection::cancel() {
  if (!sink_) return;
  stopped_ = true;
  signal();
  close(atolld::fail(ErrorCode::Aborted, "the request was cancelled"));
}

void Http1ClientConnection::receive(std::string_view bytes) {
  if (stopped_ || inputEnded_ || bytes.empty()) return;
  pump(bytes);
}

void Http1ClientConnection::receiveEnd() {
  if (stopped_ || std::exchange(inputEnded_, true)) return;
  pump({});
}

bool Http1ClientConnection::wantsInput() const {
  // Also while idle: that is how the origin's close is noticed.
  if (stopped_ || inputEnded_) return false;
  if (reading_ == Reading::Head) return input_.size() <= limits_.headBytesMax;
  return unconsumed_ + input_.size() < limits_.receiveWindowBytes;
}

std::size_t Http1ClientConnection::output(std::span<std::string_view> slices) {
  pump({});
  signalled_ = false;
  return stopped_ ? 0 : output_.fill(slices);
}

void Http1ClientConnection::consumeOutput(std::size_t bytes) {
  const std::size_t before = output_.size();
  output_.consume(bytes);
  const bool drained =
      before >= Exchange::kLowWaterBytes && output_.size() < Exchange::kLowWaterBytes;
  if (drained && sink_ && !requestEnded_) sink_->onDrained();
}

void Http1ClientConnection::pump(std::string_view fresh) {
  if (std::exchange(pumping_, true)) return;
  const bool buffered = !input_.empty();
  if (buffered) {
    input_.append(fresh);
    unread_ = input_;
  } else {
    unread_ = fresh;
  }
  while (!stopped_ && step()) {
  }
  if (stopped_ || unread_.empty()) {
    input_.clear();
  } else if (buffered) {
    input_.erase(0, input_.size() - unread_.size());
  } else {
    input_.assign(unread_);
  }
  unread_ = {};
  pumping_ = false;
}

bool Http1ClientConnection::step() {
  if (!sink_) {
    // An idle connection that says something, or nothing any more, is of no use.
    if (!unread_.empty() || inputEnded_) {
      stopped_ = true;
      signal();
    }
    return false;
  }
  if (refusedRequest_) {
    stopped_ = true;
    signal();
    close(std::unexpected(*std::exchange(refusedRequest_, std::nullopt)));
    return false;
  }
  if (isBare_ && !std::exchange(bareOpened_, true)) {
    sink_->onResponse({.status = 200, .headers = {}, .body = BodyKind::Unknown});
    return true;
  }
  if (isTunnel_ && !isBare_ && requestEnded_ && output_.empty()) {
    finish();  // We have said all, and so has the other side.
    return false;
  }
  switch (reading_) {
    case Reading::Head:
      return stepHead();
    case Reading::Chunked:
      return stepChunked();
    case Reading::Length:
    case Reading::UntilClose:
      return stepBody();
  }
  return false;
}

bool Http1ClientConnection::stepMoreInput() {
  if (!inputEnded_) return false;
  if (reading_ == Reading::UntilClose) {
    finish();
  } else {
    fail(ErrorCode::Unavailable, "the origin closed before its response was complete");
  }
  return false;
}

bool Http1ClientConnection::stepHead() {
  if (unread_.empty()) return stepMoreInput();
  switch (scanner_.scan(unread_)) {
    case HeadScanner::Verdict::Incomplete:
      return stepMoreInput();
    case HeadScanner::Verdict::Malformed:
      fail(ErrorCode::Protocol, scanner_.problem());
      return false;
    case HeadScanner::Verdict::StartLineTooLong:
    case HeadScanner::Verdict::FieldsTooLarge:
      fail(ErrorCode::TooLarge, "the response head is too large");
      return false;
    case HeadScanner::Verdict::Complete:
      break;
  }
  const std::string_view raw = unread_.substr(0, scanner_.headBytes());
  ResponseHead head;
  const MaybeRefusal refusal = readHead(raw, head);
  unread_.remove_prefix(raw.size());
  scanner_.reset();
  if (refusal) {
    fail(ErrorCode::Protocol, refusal->problem);
    return false;
  }
  if (head.status < 200 && !isTunnel_) return true;
  const bool empty = head.body == BodyKind::None;
  sink_->onResponse(std::move(head));
  if (sink_ && empty) finish();
  return true;
}

MaybeRefusal Http1ClientConnection::readHead(std::string_view raw, ResponseHead& head) {
  bool http10 = false;
  if (!readStatusLine(raw.substr(0, scanner_.startLineBytes()), http10, head)) {
    return Refusal{502, "the status line is malformed"};
  }
  HeaderList& fields = head.headers;
  const MaybeRefusal syntax = parser_.parseHead(raw, fields);
  if (syntax && !parser_.headComplete()) return Refusal{502, "the response head is malformed"};
  Decisive decisive;
  if (const MaybeRefusal refusal = collectDecisive(fields, decisive)) return refusal;
  if (head.status == 101 && asksForWebSocket_ && !http10 && upgradesToWebSocket(fields, decisive)) {
    isTunnel_ = true;
    requestEnded_ = keepAlive_ = false;
    reading_ = Reading::UntilClose;
    head.body = BodyKind::Unknown;
    keepEndToEnd(fields, decisive);
    return std::nullopt;
  }
  if (head.status < 200) {
    // 101 otherwise answers an Upgrade that was not asked for.
    if (head.status == 101 || ++interimCount_ > kInterimCountMax) {
      return Refusal{502, "the origin sent interim responses that make no sense"};
    }
    return std::nullopt;
  }
  if (const MaybeRefusal refusal = readFraming(decisive, http10, head)) return refusal;
  keepAlive_ = (http10 ? decisive.connectionKeepAlive : true) && !decisive.connectionClose &&
               reading_ != Reading::UntilClose;
  keepEndToEnd(fields, decisive);
  return std::nullopt;
}

/// @spec RFC 9112 section 6.3
MaybeRefusal Http1ClientConnection::readFraming(const Decisive& decisive, bool http10,
                                                ResponseHead& head) {
  if (decisive.transferEncoding) {
    if (decisive.contentLength || http10 || checkTransferEncoding(*decisive.transferEncoding)) {
      return Refusal{502, "the response's transfer-encoding cannot be read in one way"};
    }
  }
  if (decisive.contentLength) {
    const Result<std::uint64_t> length = parseContentLength(*decisive.contentLength);
    if (!length) return Refusal{502, "the response's content-length is not a number of bytes"};
    head.contentLength = *length;
  }
  if (isHead_ || head.status == 204 || head.status == 304) {
    head.contentLength = 0;
    return std::nullopt;
  }
  if (decisive.transferEncoding) {
    reading_ = Reading::Chunked;
    head.body = BodyKind::Unknown;
  } else if (!decisive.contentLength) {
    reading_ = Reading::UntilClose;
    head.body = BodyKind::Unknown;
  } else if (head.contentLength > 0) {
    reading_ = Reading::Length;
    head.body = BodyKind::Length;
    bodyLeft_ = head.contentLength;
  }
  return std::nullopt;
}

bool Http1ClientConnection::stepBody() {
  if (unconsumed_ >= limits_.receiveWindowBytes) return false;
  if (unread_.empty()) return stepMoreInput();
  const std::size_t room = limits_.receiveWindowBytes - unconsumed_;
  std::size_t size = std::min(unread_.size(), room);
  if (reading_ == Reading::Length) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, bodyLeft_));
    bodyLeft_ -= size;
  }
  std::string body(unread_.substr(0, size));
  unread_.remove_prefix(size);
  deliver(std::move(body));
  if (sink_ && reading_ == Reading::Length && bodyLeft_ == 0) finish();
  return true;
}

bool Http1ClientConnection::stepChunked() {
  if (unconsumed_ >= limits_.receiveWindowBytes) return false;
  if (unread_.empty()) return stepMoreInput();
  const std::size_t room = std::min(limits_.receiveWindowBytes - unconsumed_, kDecodeBytesMax);
  std::string body;
  const Http1Parser::Chunks chunks =
      parser_.parseChunks(unread_.substr(0, room), body, trailers_, {});
  unread_.remove_prefix(chunks.taken);
  if (!body.empty()) deliver(std::move(body));
  if (!sink_) return false;
  if (chunks.refusal) {
    fail(ErrorCode::Protocol, chunks.refusal->problem);
    return false;
  }
  if (chunks.complete) {
    const bool smuggles = std::ranges::any_of(
        trailers_, [](HeaderList::Field field) { return isForbiddenInTrailer(field.name); });
    if (smuggles) {
      fail(ErrorCode::Protocol, "a trailer holds a field that belongs in the head");
    } else {
      finish();
    }
  }
  return true;
}

void Http1ClientConnection::deliver(std::string body) {
  unconsumed_ += body.size();
  sink_->onBody(Bytes(std::move(body)));
}

/// The response is complete. The connection is good for another request if this one was sent
/// whole, and if neither side means to close.
void Http1ClientConnection::finish() {
  if (!keepAlive_ || !requestEnded_ || inputEnded_) {
    stopped_ = true;
    signal();
  }
  close({});
}

void Http1ClientConnection::fail(ErrorCode code, std::string_view problem) {
  stopped_ = true;
  signal();
  close(atolld::fail(code, std::string(problem)));
}

void Http1ClientConnection::close(const Result<>& ok) {
  unconsumed_ = 0;
  reading_ = Reading::Head;
  // Everything is in order for another submit() from inside the call.
  ClientSink* const sink = std::exchange(sink_, nullptr);
  sink->onClosed(ok, std::exchange(trailers_, {}));
}

void Http1ClientConnection::signal() {
  if (std::exchange(signalled_, true)) return;
  owner_.onOutputReady();
}

}  // namespace atolld::http
