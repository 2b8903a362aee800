#include "listen/connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace atolld::listen {
namespace {

constexpr int kReadsPerRoundMax = 4;
constexpr std::size_t kSendBytesPerRoundMax = 1024 * 1024;
constexpr std::size_t kPiecesMax = 32;
constexpr std::size_t kRecordBytes = 16 * 1024;
/// Plaintext made into records before they are sent: bounds the ciphertext in memory.
constexpr std::size_t kRecordsBytesMax = 64 * 1024;

bool wouldBlock(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

/// send() takes the kernel less than sendmsg(), and most answers are one piece.
ssize_t sendPieces(int socket, std::span<const std::string_view> pieces) {
  if (pieces.size() == 1) return loop::transmit(socket, pieces[0]);
  std::array<iovec, kPiecesMax> vectors;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = pieces.size();
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

}  // namespace

Connection::Connection(ConnectionHost& host, loop::Descriptor socket,
                       const loop::SocketAddress& peer, std::uint16_t localPort,
                       std::optional<tls::Session> session)
    : host_(host),
      socket_(std::move(socket)),
      session_(std::move(session)),
      peer_(peer),
      localPort_(localPort),
      phase_(session_ ? Phase::Handshaking : Phase::Peeking),
      readDeadline_(host.deadlines(), *this),
      writeDeadline_(host.deadlines(), *this) {
  readDeadline_.set(session_ ? host.limits().handshake : host.limits().requestHead);
}

Connection::~Connection() {
  phase_ = Phase::Dead;  // Exchanges that end now may report output nobody will send.
}

Result<> Connection::start() {
  ATOLL_TRY(loop::Poll poll, loop::Poll::open(host_.eventLoop(), socket_.get(),
                                              [this](loop::Poll::Ready ready) { onReady(ready); }));
  poll_.emplace(std::move(poll));
  poll_->watch(true, false);
  return {};
}

void Connection::startDrain() {
  drainWanted_ = true;
  host_.wantsFlush(*this);
}

bool Connection::idle() const {
  return phase_ == Phase::Serving && !outputBlocked_ &&
         http_->waiting() == http::Waiting::NextRequest;
}

void Connection::onOutputReady() {
  // Inside flush() nothing is to be noted: it goes on until there is no output.
  if (!inFlush_ && phase_ != Phase::Dead) host_.wantsFlush(*this);
}

void Connection::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  ++requestCount_;
  host_.tallies().requests.add();
  host_.handler().onRequest(exchange, std::move(head));
}

// ---- Input

void Connection::onReady(loop::Poll::Ready ready) {
  if (phase_ == Phase::Dead) return;
  if (ready.failed) fail(host_.tallies().transportErrors);
  if (ready.writable) outputBlocked_ = false;
  if (ready.readable) readSome();
  host_.wantsFlush(*this);
}

void Connection::readSome() {
  const std::span<char> buffer = host_.receiveBuffer();
  for (int turn = 0; turn < kReadsPerRoundMax && phase_ != Phase::Dead; ++turn) {
    const ssize_t size = loop::receive(socket_.get(), buffer);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (!wouldBlock(errno)) fail(host_.tallies().transportErrors);
      return;
    }
    if (size == 0) {
      onInputEnd();
      return;
    }
    const auto count = static_cast<std::size_t>(size);
    receivedBytes_ += count;
    host_.tallies().bytesReceived.add(count);
    onBytes({buffer.data(), count});
    if (count < buffer.size() || !wantsInput()) return;
  }
}

void Connection::onBytes(std::string_view bytes) {
  switch (phase_) {
    case Phase::Peeking:
      return peek(bytes);
    case Phase::Handshaking:
      return decrypt(bytes);
    case Phase::Serving:
      if (session_) return decrypt(bytes);
      return http_->receive(bytes);
    case Phase::Closing:
    case Phase::Lingering:
    case Phase::Dead:
      return;  // Read and dropped, so that the client gets to read our end.
  }
}

/// RFC 9113 section 3.3: a client that knows HTTP/2 is spoken here begins with the preface.
void Connection::peek(std::string_view bytes) {
  if (!peeked_.empty()) {
    peeked_ += bytes;
    bytes = peeked_;
  }
  const std::string_view preface = http::kHttp2Preface;
  const std::size_t common = std::min(bytes.size(), preface.size());
  if (bytes.substr(0, common) == preface.substr(0, common) && common < preface.size()) {
    if (peeked_.empty()) peeked_ = bytes;
    return;
  }
  serve(common == preface.size() && bytes.starts_with(preface));
  http_->receive(bytes);
  std::string().swap(peeked_);
}

void Connection::decrypt(std::string_view bytes) {
  const Result<> received =
      session_->receive(bytes, host_.scratchBuffer(), [this](std::string_view plaintext) {
        if (phase_ == Phase::Handshaking) serve(session_->protocol() == "h2");
        if (phase_ == Phase::Serving) http_->receive(plaintext);
      });
  if (!serverNameTold_ && !session_->serverName().empty()) {
    serverNameTold_ = true;
    host_.onServerName(session_->serverName());
  }
  if (!received) {
    (phase_ == Phase::Handshaking ? host_.tallies().handshakeErrors
                                  : host_.tallies().transportErrors)
        .add();
    phase_ = Phase::Closing;  // The session's alert is its last word.
    return;
  }
  if (phase_ == Phase::Handshaking && session_->handshakeDone()) {
    serve(session_->protocol() == "h2");
  }
  if (session_->peerClosed()) onInputEnd();
}

void Connection::onInputEnd() {
  if (std::exchange(peerEnded_, true)) return;
  if (phase_ == Phase::Peeking) {
    if (peeked_.empty()) {
      phase_ = Phase::Dead;
      return;
    }
    serve(false);
    http_->receive(peeked_);
  }
  if (phase_ == Phase::Serving) {
    http_->receiveEnd();
  } else {
    phase_ = Phase::Dead;  // Nobody is left to tell anything.
  }
}

void Connection::serve(bool http2) {
  auto info = std::make_shared<http::ConnectionInfo>();
  info->clientAddress = peer_.ip();
  info->clientPort = peer_.port();
  info->localPort = localPort_;
  if (session_) {
    info->secure = true;
    info->tlsVersion = session_->version();
    info->tlsCipher = session_->cipher();
    info->serverName = session_->serverName();
    if (auto peer = session_->peer()) {
      info->certificateName = std::move(peer->name);
      info->certificateKeyHash = std::move(peer->keyHash);
    }
    host_.tallies().handshakes.add();
    if (session_->resumed()) host_.tallies().resumptions.add();
  }
  const auto make = http2 ? &http::makeHttp2ServerConnection : &http::makeHttp1ServerConnection;
  http_ = make(*this, *this, host_.httpLimits(), std::move(info));
  phase_ = Phase::Serving;
}

void Connection::fail(Tally& tally) noexcept {
  if (phase_ != Phase::Lingering) tally.add();  // Then all was said: how it ends is no matter.
  phase_ = Phase::Dead;
}

// ---- Output, once a round

void Connection::flush() {
  inFlush_ = true;
  if (phase_ == Phase::Peeking && drainWanted_ && peeked_.empty()) {
    readSome();  // Accepted just before the drain, its request may be here.
    if (phase_ == Phase::Peeking && peeked_.empty()) phase_ = Phase::Dead;
  }
  if (drainWanted_ && http_ && !std::exchange(drainStarted_, true)) {
    closesIdle_ = idle();
    http_->startDrain();
  }
  if (!outputBlocked_) {
    if (session_) {
      sendEncrypted();
    } else if (http_) {
      sendPlain();
    }
  }
  settle();
  inFlush_ = false;
}

void Connection::sendPlain() {
  std::array<std::string_view, kPiecesMax> pieces;
  for (std::size_t sentNow = 0; phase_ == Phase::Serving;) {
    const std::size_t count = http_->output(pieces);
    if (count == 0) return;
    if (sentNow >= kSendBytesPerRoundMax) break;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) total += pieces[i].size();
    const ssize_t size = sendPieces(socket_.get(), std::span(pieces).first(count));
    if (size < 0) {
      if (errno == EINTR) continue;
      if (wouldBlock(errno)) break;
      return fail(host_.tallies().transportErrors);
    }
    const auto sent = static_cast<std::size_t>(size);
    sentNow += sent;
    sentBytes_ += sent;
    host_.tallies().bytesSent.add(sent);
    const bool more = http_->consumeOutput(sent);
    if (sent < total) break;
    if (!more) return;
  }
  outputBlocked_ = true;
}

void Connection::sendEncrypted() {
  std::array<std::string_view, kPiecesMax> pieces;
  const std::uint64_t sentBefore = sentBytes_;
  for (;;) {
    if (!sendRecords()) {
      outputBlocked_ = true;
      return;
    }
    if (phase_ != Phase::Serving) return;
    const std::size_t count = http_->output(pieces);
    if (count == 0) break;
    if (sentBytes_ - sentBefore >= kSendBytesPerRoundMax) {
      outputBlocked_ = true;
      return;
    }
    encrypt(std::span(pieces).first(count));
  }
  session_->releaseMemory();
}

/// False if the socket takes no more.
bool Connection::sendRecords() {
  while (phase_ != Phase::Dead && !session_->output().empty()) {
    const std::string_view records = session_->output();
    const ssize_t size = loop::transmit(socket_.get(), records);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (wouldBlock(errno)) return false;
      fail(host_.tallies().transportErrors);
      return true;
    }
    sentBytes_ += static_cast<std::size_t>(size);
    host_.tallies().bytesSent.add(static_cast<std::size_t>(size));
    session_->consumeOutput(static_cast<std::size_t>(size));
  }
  return true;
}

/// A head and a small body become one record; large pieces are encrypted where they are.
void Connection::encrypt(std::span<const std::string_view> pieces) {
  const std::span<char> scratch = host_.scratchBuffer().first(kRecordBytes);
  std::size_t gathered = 0, total = 0;
  bool ok = true;
  const auto writeGathered = [&] {
    if (gathered > 0) ok = ok && session_->write({scratch.data(), gathered}).has_value();
    gathered = 0;
  };
  for (std::string_view piece : pieces) {
    piece = piece.substr(0, kRecordsBytesMax - total);
    total += piece.size();
    while (!piece.empty()) {
      if (gathered == 0 && piece.size() >= kRecordBytes) {
        ok = ok && session_->write(piece.substr(0, kRecordBytes)).has_value();
        piece.remove_prefix(kRecordBytes);
        continue;
      }
      const std::size_t size = piece.copy(scratch.data() + gathered, kRecordBytes - gathered);
      gathered += size;
      piece.remove_prefix(size);
      if (gathered == kRecordBytes) writeGathered();
    }
  }
  writeGathered();
  if (!ok) return fail(host_.tallies().transportErrors);
  http_->consumeOutput(total);
}

void Connection::settle() {
  if (phase_ == Phase::Serving && !outputBlocked_ && (http_->shouldClose() || closeWhenSent_)) {
    beginClose();
  }
  if (phase_ == Phase::Closing && !outputBlocked_) endOutput();
  if (phase_ == Phase::Dead) {
    http_.reset();
    return;
  }
  followDeadlines();
  poll_->watch(wantsInput(), outputBlocked_);
}

void Connection::beginClose() {
  const bool reset = http_->shouldReset();
  http_.reset();
  readDeadline_.clear();
  if (reset) {
    // To the client the response must not look complete: an RST instead of a FIN.
    const linger abort{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    phase_ = Phase::Dead;
    return;
  }
  phase_ = Phase::Closing;
  if (session_) {
    session_->close();
    sendEncrypted();
  }
}

/// Closing a socket with unread input sends an RST, which can destroy our last words on their way:
/// so we end our direction, and read on until the client ends its own.
void Connection::endOutput() {
  // Nothing was said that could get lost; an end that many idle clients answer late, or never.
  const bool nothingToLose = closesIdle_ && acknowledgedBytes() == sentBytes_;
  if (peerEnded_ || nothingToLose || shutdown(socket_.get(), SHUT_WR) != 0) {
    phase_ = Phase::Dead;
    return;
  }
  phase_ = Phase::Lingering;
  readDeadline_.set(host_.limits().linger);
}

bool Connection::wantsInput() const {
  if (peerEnded_) return false;
  return phase_ != Phase::Serving || http_->wantsInput();
}

// ---- Time

void Connection::followDeadlines() {
  if (!outputBlocked_) {
    writeDeadline_.clear();
  } else if (!writeDeadline_.isSet()) {
    acknowledgedMark_ = acknowledgedBytes();
    writeDeadline_.set(host_.limits().writeProgress);
  }
  if (phase_ != Phase::Serving || closeWhenSent_) return;
  if (!http_->wantsInput()) pausedInSpan_ = true;
  const http::Waiting now = http_->waiting();
  if (waiting_ == now && waitingSinceRequest_ == requestCount_) return;
  waiting_ = now;
  waitingSinceRequest_ = requestCount_;
  switch (now) {
    case http::Waiting::NextRequest:
      return readDeadline_.set(host_.limits().idle);
    case http::Waiting::RequestHead:
      return readDeadline_.set(host_.limits().requestHead);
    case http::Waiting::RequestBody:
      receivedMark_ = receivedBytes_;
      pausedInSpan_ = false;
      return readDeadline_.set(host_.limits().bodyProgress);
    case http::Waiting::ClientToRead:
      // With room in the socket it is HTTP/2's flow control that the client keeps shut; without,
      // writeDeadline_ watches too.
      windowMark_ = acknowledgedBytes();
      return readDeadline_.set(host_.limits().writeProgress);
    case http::Waiting::Handler:
      return readDeadline_.clear();
  }
}

void Connection::onDeadline(loop::DeadlineWheel::Deadline& passed) {
  if (phase_ == Phase::Dead) return;
  if (&passed == &readDeadline_) {
    onReadDeadline();
  } else {
    onWriteDeadline();
  }
  host_.wantsFlush(*this);
}

void Connection::onReadDeadline() {
  const ListenLimits& limits = host_.limits();
  if (phase_ == Phase::Peeking && !peeked_.empty()) {
    serve(false);
    http_->receive(peeked_);
    host_.tallies().timeouts.add();
    closeWhenSent_ = true;
    if (http_->waiting() == http::Waiting::RequestHead) http_->onTimeout();
    return;
  }
  if (phase_ != Phase::Serving) {
    if (phase_ == Phase::Lingering) {
      phase_ = Phase::Dead;
    } else {
      fail(host_.tallies().timeouts);
    }
    return;
  }
  if (waiting_ == http::Waiting::NextRequest) {
    drainWanted_ = true;
    closeWhenSent_ = true;
    return;
  }
  if (waiting_ == http::Waiting::RequestBody &&
      (pausedInSpan_ || enough(receivedBytes_ - receivedMark_, limits.bodyProgress))) {
    receivedMark_ = receivedBytes_;
    pausedInSpan_ = false;
    readDeadline_.set(limits.bodyProgress);
    return;
  }
  if (waiting_ == http::Waiting::ClientToRead) {
    const std::uint64_t acknowledged = acknowledgedBytes();
    if (outputBlocked_ || enough(acknowledged - windowMark_, limits.writeProgress)) {
      windowMark_ = acknowledged;
      readDeadline_.set(limits.writeProgress);
      return;
    }
  }
  host_.tallies().timeouts.add();
  http_->onTimeout();
  closeWhenSent_ = true;
}

void Connection::onWriteDeadline() {
  const std::uint64_t acknowledged = acknowledgedBytes();
  if (enough(acknowledged - acknowledgedMark_, host_.limits().writeProgress)) {
    acknowledgedMark_ = acknowledged;
    writeDeadline_.set(host_.limits().writeProgress);
    return;
  }
  if (phase_ == Phase::Serving) http_->onTimeout();
  fail(host_.tallies().timeouts);
}

/// What the client's end of the connection confirmed: the socket's own buffer may take minutes to
/// send to a slow but honest reader.
std::uint64_t Connection::acknowledgedBytes() const noexcept {
  int queued = 0;
  if (ioctl(socket_.get(), SIOCOUTQ, &queued) != 0) queued = 0;
  return sentBytes_ - std::min<std::uint64_t>(sentBytes_, static_cast<std::uint64_t>(queued));
}

bool Connection::enough(std::uint64_t bytes, std::chrono::milliseconds span) const noexcept {
  const std::uint64_t least =
      host_.limits().progressBytesPerSecondMin * static_cast<std::uint64_t>(span.count()) / 1000;
  return bytes >= std::max<std::uint64_t>(least, 1);
}

}  // namespace atolld::listen
