#include "http/http1_server.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/field_rules.h"

namespace atolld::http {
namespace {

/// Chunks are decoded in pieces of this size, so that a large read does not become one large copy.
constexpr std::size_t kDecodeBytesMax = 64 * 1024;
/// What chunk headers may cost on top of the body, besides one byte for each byte of it allowed.
constexpr std::uint64_t kChunkOverheadBytesMax = 1024 * 1024;
/// Longest method and version around a request target.
constexpr std::size_t kStartLineSlackBytes = 64;

std::size_t countHeadEnds(std::string_view bytes) {
  std::size_t count = 0;
  for (std::size_t at = bytes.find("\r\n\r\n"); at != std::string_view::npos;
       at = bytes.find("\r\n\r\n", at + 4)) {
    ++count;
  }
  return count;
}

}  // namespace

std::unique_ptr<ServerConnection> makeHttp1ServerConnection(
    ServerConnection::Owner& owner, Handler& handler, const ServerLimits& limits,
    std::shared_ptr<const ConnectionInfo> info) {
  return std::make_unique<Http1ServerConnection>(owner, handler, limits, std::move(info));
}

Http1ServerConnection::Http1ServerConnection(Owner& owner, Handler& handler,
                                             const ServerLimits& limits,
                                             std::shared_ptr<const ConnectionInfo> info)
    : owner_(owner),
      handler_(handler),
      limits_(limits),
      info_(std::move(info)),
      scanner_({.headBytesMax = limits.headBytesMax,
                .startLineBytesMax = limits.targetBytesMax + kStartLineSlackBytes,
                .fieldCountMax = limits.headerCountMax}),
      parser_(Http1Parser::Kind::Request) {}

Http1ServerConnection::~Http1ServerConnection() {
  const Result<> gone = fail(ErrorCode::Aborted, "the connection was closed");
  for (auto& exchange : std::exchange(flushing_, {})) closeExchange(std::move(exchange), gone);
  if (current_) closeExchange(std::move(current_), gone);
}

void Http1ServerConnection::receive(std::string_view bytes) {
  if (stopped_ || inputEnded_) return;
  pump(bytes);
}

void Http1ServerConnection::receiveEnd() {
  if (stopped_ || inputEnded_) return;
  inputEnded_ = true;
  pump({});
}

bool Http1ServerConnection::wantsInput() const {
  if (stopped_ || inputEnded_) return false;
  const std::size_t waitingBytes = input_.size() - inputStart_;
  if (!current_) {
    // A head, or a body to discard, unless the client does not read what it asked for.
    return output_.size() < Exchange::kHighWaterBytes;
  }
  if (current_->requestComplete_ || current_->responseEnded_) {
    return waitingBytes < limits_.receiveWindowBytes && headsWaiting_ < limits_.pipelinedMax;
  }
  return current_->unconsumed_ + waitingBytes < limits_.receiveWindowBytes;
}

std::size_t Http1ServerConnection::output(std::span<std::string_view> slices) {
  signalled_ = false;
  pump({});
  signalled_ = false;
  return output_.fill(slices);
}

bool Http1ServerConnection::consumeOutput(std::size_t bytes) {
  const std::size_t before = output_.size();
  output_.consume(bytes);
  settle();
  while (!flushing_.empty() && flushing_.front()->endPosition_ <= output_.consumed()) {
    std::unique_ptr<Http1Exchange> done = std::move(flushing_.front());
    flushing_.erase(flushing_.begin());
    closeExchange(std::move(done), {});
  }
  const bool drained =
      before >= Exchange::kLowWaterBytes && output_.size() < Exchange::kLowWaterBytes;
  if (drained && current_ && current_->responseStarted_) current_->sink_->onDrained();
  const bool inputWaits = inputStart_ < input_.size() || inputEnded_;
  return signalled_ || inputWaits || !output_.empty();
}

bool Http1ServerConnection::shouldClose() const {
  return stopped_ && (!current_ || current_->responseEnded_ || current_->aborted_);
}

void Http1ServerConnection::startDrain() {
  draining_ = true;
  if (current_ && current_->isTunnel_) current_->sink_->onDrain();
  const bool idle = !current_ && reading_ == Reading::Head && inputStart_ == input_.size();
  if (idle) stop();
  if (shouldClose()) signal();
}

void Http1ServerConnection::onTimeout() {
  settle();
  const Result<> late = fail(ErrorCode::Timeout, "the client was too slow");
  const bool stuck = !output_.empty();
  if (current_) {
    const bool bodyIsLate = !current_->responseStarted_ && !current_->requestComplete_;
    if (bodyIsLate && !stuck) {
      failExchange({408, "the request body did not arrive in time"}, ErrorCode::Timeout);
      return;
    }
    reset_ = true;
    stop();
    closeExchange(std::move(current_), late);
  } else if (!stuck && !stopped_ && reading_ == Reading::Head && inputStart_ < input_.size()) {
    refuse({408, "the request head did not arrive in time"}, false);
    return;
  }
  // Whatever the client did not read by now it never will.
  output_.consume(output_.size());
  for (auto& exchange : std::exchange(flushing_, {})) closeExchange(std::move(exchange), late);
  stop();
  signal();
}

Waiting Http1ServerConnection::waiting() const {
  if (!output_.empty()) return Waiting::ClientToRead;
  const bool partialHead = reading_ == Reading::Head && inputStart_ < input_.size();
  if (!current_) {
    if (reading_ != Reading::Head) return Waiting::RequestBody;
    return partialHead ? Waiting::RequestHead : Waiting::NextRequest;
  }
  // Who talks when is the tunnel's business.
  const bool wantsBody = !current_->isTunnel_ && !current_->requestComplete_ &&
                         current_->bodyStarted_ &&
                         current_->unconsumed_ < limits_.receiveWindowBytes;
  return wantsBody ? Waiting::RequestBody : Waiting::Handler;
}

std::size_t Http1ServerConnection::openExchanges() const {
  return flushing_.size() + (current_ ? 1 : 0);
}

void Http1ServerConnection::pump(std::string_view fresh) {
  if (pumping_) return;
  pumping_ = true;
  if (inputStart_ == input_.size()) {
    unread_ = fresh;
  } else {
    input_.append(fresh);
    headsWaiting_ += countHeadEnds(fresh);
    unread_ = std::string_view(input_).substr(inputStart_);
  }
  settle();
  while (!stopped_ && step()) settle();
  settle();
  keepUnread();
  pumping_ = false;
  if (!output_.empty() || shouldClose()) signal();
}

void Http1ServerConnection::keepUnread() {
  if (stopped_) unread_ = {};
  if (unread_.empty()) {
    input_.clear();
    inputStart_ = 0;
    headsWaiting_ = 0;
  } else if (inputStart_ == input_.size()) {
    input_.assign(unread_);
    headsWaiting_ = countHeadEnds(unread_);
    inputStart_ = 0;
  } else {
    inputStart_ = input_.size() - unread_.size();
    if (inputStart_ > input_.size() / 2) {
      input_.erase(0, inputStart_);
      inputStart_ = 0;
    }
  }
  unread_ = {};
}

/// Moves an exchange on whose response has ended; its sink hears of it when the transport has the
/// last byte.
void Http1ServerConnection::settle() {
  if (!current_) return;
  if (current_->aborted_) {
    reset_ = reset_ || current_->framing_ == Http1Framing::Body::UntilClose;
    closeExchange(std::move(current_), fail(ErrorCode::Aborted, "the response was aborted"));
  } else if (current_->responseEnded_) {
    discarded_ = 0;
    flushing_.push_back(std::move(current_));
  }
}

bool Http1ServerConnection::step() {
  if (current_ && current_->requestComplete_) {
    if (!current_->bodyStarted_ || current_->bodyEndTold_) return false;
    current_->bodyEndTold_ = true;
    current_->sink_->onBodyEnd(std::move(current_->trailers_));
    return true;
  }
  if (!current_ && draining_ && reading_ == Reading::Head && unread_.empty()) {
    stop();
    return false;
  }
  switch (reading_) {
    case Reading::Head:
      return stepHead();
    case Reading::Length:
      return stepLength();
    case Reading::Chunked:
      return stepChunked();
    case Reading::Tunnel:
      return stepTunnel();
  }
  return false;
}

/// More bytes are needed to go on; if none will come, this is the end.
bool Http1ServerConnection::stepMoreInput() {
  if (!inputEnded_) return false;
  stop();
  if (current_) {
    reset_ = reset_ || current_->framing_ == Http1Framing::Body::UntilClose;
    closeExchange(std::move(current_),
                  fail(ErrorCode::Aborted, "the client closed before its request was complete"));
  }
  return false;
}

bool Http1ServerConnection::stepHead() {
  if (output_.size() >= Exchange::kHighWaterBytes) return false;
  // RFC 9112 section 2.2: an empty line before a request line is ignored; one is enough.
  if (!blankSkipped_ && unread_.starts_with("\r\n")) {
    unread_.remove_prefix(2);
    blankSkipped_ = true;
  }
  if (unread_.empty() || (!blankSkipped_ && unread_ == "\r")) return stepMoreInput();
  switch (scanner_.scan(unread_)) {
    case HeadScanner::Verdict::Incomplete:
      return stepMoreInput();
    case HeadScanner::Verdict::Malformed:
      refuse({400, scanner_.problem()}, false);
      return false;
    case HeadScanner::Verdict::StartLineTooLong:
      refuse({414, "the request line is too long"}, false);
      return false;
    case HeadScanner::Verdict::FieldsTooLarge:
      refuse({431, "the header fields are too large or too many"}, false);
      return false;
    case HeadScanner::Verdict::Complete:
      break;
  }
  const std::string_view raw = unread_.substr(0, scanner_.headBytes());
  unread_.remove_prefix(raw.size());
  if (headsWaiting_ > 0) --headsWaiting_;
  acceptRequest(raw);
  return true;
}

void Http1ServerConnection::acceptRequest(std::string_view raw) {
  auto head = std::make_unique<RequestHead>();
  RequestFraming framing;
  const std::optional<Refusal> refusal = readRequestHead(
      raw, scanner_.startLineBytes(), limits_, info_ && info_->secure, parser_, *head, framing);
  scanner_.reset();
  blankSkipped_ = false;
  if (refusal) {
    refuse(*refusal, head->method == "HEAD");
    return;
  }
  head->connection = info_;
  bodyLeft_ = head->contentLength;
  bodySeen_ = chunkedRead_ = 0;
  if (framing.chunked) {
    reading_ = Reading::Chunked;
  } else if (bodyLeft_ > 0) {
    reading_ = Reading::Length;
  }
  current_ = std::make_unique<Http1Exchange>(*this, *head, framing);
  handler_.onRequest(*current_, std::move(head));
  ATOLL_CHECK(current_->sink_ != nullptr);
}

/// How many bytes of body may be read now.
std::size_t Http1ServerConnection::bodyRoom() const {
  if (!current_) return kDecodeBytesMax;
  if (!current_->bodyStarted_) return 0;
  const std::size_t window = limits_.receiveWindowBytes;
  return window - std::min(window, current_->unconsumed_);
}

bool Http1ServerConnection::stepLength() {
  const std::size_t room = bodyRoom();
  if (room == 0) return false;
  if (unread_.empty()) return stepMoreInput();
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>({bodyLeft_, unread_.size(), room}));
  const std::string_view piece = unread_.substr(0, size);
  unread_.remove_prefix(size);
  bodyLeft_ -= size;
  if (bodyLeft_ == 0) finishRequest();
  deliver(std::string(piece), size);
  return true;
}

bool Http1ServerConnection::stepTunnel() {
  const std::size_t room = bodyRoom();
  if (room == 0) return false;
  if (unread_.empty()) {
    if (!inputEnded_) return false;
    current_->requestComplete_ = true;
    return true;
  }
  const std::string_view piece = unread_.substr(0, room);
  unread_.remove_prefix(piece.size());
  deliver(std::string(piece), piece.size());
  return true;
}

bool Http1ServerConnection::stepChunked() {
  const std::size_t room = std::min(bodyRoom(), kDecodeBytesMax);
  if (room == 0) return false;
  if (unread_.empty()) return stepMoreInput();
  std::string body;
  HeaderList ignored;
  HeaderList& trailers = current_ ? current_->trailers_ : ignored;
  const Http1Parser::TrailerLimits trailerLimits{.countMax = limits_.headerCountMax};
  Http1Parser::Chunks chunks =
      parser_.parseChunks(unread_.substr(0, room), body, trailers, trailerLimits);
  unread_.remove_prefix(chunks.taken);
  bodySeen_ += body.size();
  chunkedRead_ += chunks.taken;
  if (!chunks.refusal && bodySeen_ > limits_.bodyBytesMax) {
    chunks.refusal = {413, "the request body is too large"};
  }
  if (!chunks.refusal && chunkedRead_ - bodySeen_ > kChunkOverheadBytesMax + limits_.bodyBytesMax) {
    chunks.refusal = {413, "the request body is cut into too many chunks"};
  }
  const bool smuggles = std::ranges::any_of(
      trailers, [](HeaderList::Field field) { return isForbiddenInTrailer(field.name); });
  if (!chunks.refusal && smuggles) {
    chunks.refusal = {400, "a trailer holds a field that belongs in the head"};
  }
  if (!chunks.refusal && chunks.complete) finishRequest();
  deliver(std::move(body), chunks.taken);
  if (!chunks.refusal) return true;
  settle();
  if (current_) {
    const bool large = chunks.refusal->status == 413;
    failExchange(*chunks.refusal, large ? ErrorCode::TooLarge : ErrorCode::Protocol);
  } else {
    stop();  // The response is out; there is no other answer to give.
  }
  return false;
}

/// `taken` is what it took of the input.
void Http1ServerConnection::deliver(std::string body, std::size_t taken) {
  if (current_) {
    if (body.empty()) return;
    current_->unconsumed_ += body.size();
    current_->sink_->onBody(Bytes(std::move(body)));
    return;
  }
  discarded_ += taken;
  if (discarded_ > kDiscardBytesMax) stop();
}

void Http1ServerConnection::finishRequest() {
  reading_ = Reading::Head;
  if (current_) current_->requestComplete_ = true;
}

void Http1ServerConnection::stop() { stopped_ = true; }

/// Answers instead of a handler, as the connection's last word.
void Http1ServerConnection::refuse(const Refusal& refusal, bool isHead) {
  std::string text(refusal.problem);
  text += '\n';
  HeaderList headers;
  headers.add("content-type", "text/plain; charset=utf-8");
  headers.add("atoll-error", refusalName(refusal.status));
  if (refusal.status == 426) headers.add("sec-websocket-version", "13");
  const Http1Framing framing{.body = Http1Framing::Body::Length,
                             .length = text.size(),
                             .connection = Http1Framing::Connection::Close};
  writeResponseHead(output_.buffer(), refusal.status, headers, framing);
  if (!isHead) output_.append(text);
  stop();
  signal();
}

/// The request turned out bad after the handler saw its head.
void Http1ServerConnection::failExchange(const Refusal& refusal, ErrorCode code) {
  std::unique_ptr<Http1Exchange> exchange = std::move(current_);
  if (!exchange->responseStarted_) {
    refuse(refusal, exchange->isHead_);
  } else {
    reset_ = reset_ || exchange->framing_ == Http1Framing::Body::UntilClose;
    stop();
    signal();
  }
  closeExchange(std::move(exchange), fail(code, std::string(refusal.problem)));
}

void Http1ServerConnection::closeExchange(std::unique_ptr<Http1Exchange> exchange,
                                          const Result<>& ok) {
  exchange->sink_->onClosed(ok);
}

void Http1ServerConnection::signal() {
  if (std::exchange(signalled_, true)) return;
  owner_.onOutputReady();
}

}  // namespace atolld::http
