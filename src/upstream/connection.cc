#include "upstream/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "upstream/pool.h"
#include "upstream/request.h"

namespace atolld::upstream {
namespace {

constexpr int kReadsPerRoundMax = 4;
constexpr std::size_t kSendBytesPerRoundMax = 1024 * 1024;
constexpr std::size_t kPiecesMax = 32;
/// Plaintext made into records before they are sent: bounds the ciphertext in memory.
constexpr std::size_t kRecordsBytesMax = 64 * 1024;

}  // namespace

Connection::Connection(Pool& pool, Origin& origin)
    : pool_(pool), origin_(origin), deadline_(pool.deadlines(), *this) {}

Connection::~Connection() {
  phase_ = Phase::Dead;  // Exchanges that end now may report output nobody will send.
}

void Connection::open() {
  deadline_.set(pool_.limits().connect);
  lookup_ = pool_.resolver().resolve(
      origin_.name.host, origin_.name.port,
      [this](const Result<loop::Resolver::Addresses>& addresses) { onAddresses(addresses); });
}

/// The system's first choice, and one of the other family, or else the next, to fall back to.
void Connection::onAddresses(const Result<loop::Resolver::Addresses>& addresses) {
  if (!addresses) return fail(addresses.error());
  Result<> allowed;
  loop::Resolver::Addresses usable;
  for (const loop::SocketAddress& address : *addresses) {
    if (Result<> verdict = pool_.mayConnect(address); verdict) {
      usable.push_back(address);
    } else {
      allowed = std::move(verdict);
    }
  }
  if (usable.empty()) return fail(allowed.error());
  const auto other = std::ranges::find_if(usable, [&](const loop::SocketAddress& address) {
    return address.family() != usable.front().family();
  });
  if (other != usable.end()) {
    candidates_.push_back(*other);
  } else if (usable.size() > 1) {
    candidates_.push_back(usable[1]);
  }
  candidates_.push_back(usable.front());
  phase_ = Phase::Connecting;
  connectNext();
}

void Connection::connectNext() {
  while (!candidates_.empty()) {
    const loop::SocketAddress address = candidates_.back();
    candidates_.pop_back();
    poll_.reset();
    auto socket = loop::startConnect(address);
    if (!socket) {
      error_ = socket.error();
      continue;
    }
    socket_ = std::move(*socket);
    auto poll = loop::Poll::open(pool_.eventLoop(), socket_.get(),
                                 [this](loop::Poll::Ready ready) { onReady(ready); });
    if (!poll) return fail(poll.error());
    poll_.emplace(std::move(*poll));
    poll_->watch(false, true);
    // An address that swallows packets must leave time for the other one.
    deadline_.set(pool_.limits().connect / (candidates_.empty() ? 1 : 2));
    return;
  }
  fail(*error_);
}

void Connection::onReady(loop::Poll::Ready ready) {
  switch (phase_) {
    case Phase::Resolving:
    case Phase::Dead:
      return;
    case Phase::Connecting:
      onConnected();
      break;
    case Phase::Handshaking:
    case Phase::Open:
      if (ready.writable) outputBlocked_ = false;
      if (ready.readable || ready.failed) readSome();
      break;
  }
  pool_.wantsFlush(*this);
}

void Connection::onConnected() {
  if (const int code = loop::takeSocketError(socket_.get()); code != 0) {
    error_ = Error{ErrorCode::Unavailable,
                   "cannot connect to " + origin_.name.host + ": " + loop::systemErrorText(code)};
    return connectNext();
  }
  error_.reset();
  candidates_.clear();
  pool_.mutableStats().connects.add();
  if (!origin_.name.secure) return startHttp(false);
  std::optional<std::string_view> protocol;
  if (origin_.name.http1Only) protocol = "http/1.1";
  if (origin_.name.bare) protocol = "";
  auto session = tls::Session::client(pool_.tls(), origin_.name.host, protocol);
  if (!session) return fail(session.error());
  session_.emplace(std::move(*session));
  phase_ = Phase::Handshaking;
}

void Connection::startHttp(bool http2) {
  const http::ClientLimits& limits = pool_.limits().http;
  http_ = http2 ? http::makeHttp2ClientConnection(*this, limits)
                : http::makeHttp1ClientConnection(*this, limits);
  origin_.protocol = http2 ? Origin::Protocol::Http2 : Origin::Protocol::Http1;
  phase_ = Phase::Open;
  wasOpen_ = true;
  pool_.wantsAssign(origin_);
}

bool Connection::canSubmit() const {
  return phase_ == Phase::Open && !peerEnded_ && http_->canSubmit() && !http_->shouldClose();
}

bool Connection::idle() const { return phase_ == Phase::Open && http_->idle(); }

void Connection::submit(Request& request) {
  const bool pooled = requestCount_++ > 0;
  if (pooled) pool_.mutableStats().reuses.add();
  deadline_.clear();
  request.submitTo(*this, *http_, pooled);
  pool_.wantsFlush(*this);
}

void Connection::onOutputReady() {
  if (!inFlush_ && phase_ != Phase::Dead) pool_.wantsFlush(*this);
}

void Connection::onDeadline(loop::DeadlineWheel::Deadline&) {
  pool_.wantsFlush(*this);
  if (phase_ == Phase::Open) {
    kill();  // Idle for long enough.
    return;
  }
  error_ = Error{ErrorCode::Timeout, origin_.name.host + " could not be connected to in time"};
  if (phase_ == Phase::Connecting) return connectNext();
  fail(*error_);
}

void Connection::fail(Error error) {
  error_ = std::move(error);
  phase_ = Phase::Dead;
  pool_.wantsFlush(*this);
}

// ---- Input

void Connection::readSome() {
  const std::span<char> buffer = pool_.receiveBuffer();
  for (int turn = 0; turn < kReadsPerRoundMax && phase_ != Phase::Dead; ++turn) {
    const ssize_t size = loop::receive(socket_.get(), buffer);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        fail({ErrorCode::Unavailable, "the connection to " + origin_.name.host +
                                          " was lost: " + loop::systemErrorText(errno)});
      }
      return;
    }
    if (size == 0) {
      peerEnded_ = true;
      if (phase_ != Phase::Open) {
        fail({ErrorCode::Unavailable, origin_.name.host + " closed the connection"});
      } else if (session_ && !session_->peerClosed() && endIsEndOfBody_ && !http_->idle()) {
        // Without close_notify nobody knows whether this is the end or somebody cut the line.
        fail({ErrorCode::Unavailable, "the TLS connection to " + origin_.name.host + " was cut"});
      } else {
        http_->receiveEnd();
      }
      return;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    if (session_) {
      decrypt(bytes);
    } else {
      http_->receive(bytes);
    }
    if (bytes.size() < buffer.size() || phase_ != Phase::Open || !http_->wantsInput()) return;
  }
}

void Connection::decrypt(std::string_view bytes) {
  const bool ended = session_->peerClosed();
  const Result<> received =
      session_->receive(bytes, pool_.scratchBuffer(), [this](std::string_view plaintext) {
        if (phase_ == Phase::Handshaking) startHttp(session_->protocol() == "h2");
        if (phase_ == Phase::Open) http_->receive(plaintext);
      });
  if (!received) {
    const bool lost = phase_ == Phase::Open;
    sendEncrypted();  // The alert says why we leave.
    return fail({lost ? ErrorCode::Unavailable : ErrorCode::Protocol,
                 origin_.name.host + ": " + received.error().detail});
  }
  if (phase_ == Phase::Handshaking && session_->handshakeDone()) {
    startHttp(session_->protocol() == "h2");
  }
  if (!ended && session_->peerClosed() && phase_ == Phase::Open) {
    peerEnded_ = true;
    http_->receiveEnd();
  }
}

// ---- Output, once a round

void Connection::flush() {
  if (phase_ < Phase::Handshaking) return;
  inFlush_ = true;
  if (!outputBlocked_ && phase_ != Phase::Dead) {
    if (session_) {
      sendEncrypted();
    } else {
      sendPlain();
    }
  }
  if (phase_ == Phase::Open && !outputBlocked_ && http_->outputEnded()) endOutput();
  if (phase_ == Phase::Open && !outputBlocked_ && http_->shouldClose()) phase_ = Phase::Dead;
  if (phase_ == Phase::Open) {
    if (!http_->idle()) {
      deadline_.clear();
    } else if (peerEnded_) {
      phase_ = Phase::Dead;
    } else if (!deadline_.isSet() || requestCount_ == 0) {
      deadline_.set(pool_.limits().idle);
    }
    if (canSubmit() && !origin_.waiting.empty()) pool_.wantsAssign(origin_);
  }
  if (phase_ != Phase::Dead) {
    poll_->watch(!peerEnded_ && (phase_ != Phase::Open || http_->wantsInput()), outputBlocked_);
  } else {
    http_.reset();  // Its exchanges end while error() is there to ask.
  }
  inFlush_ = false;
}

void Connection::endOutput() {
  if (std::exchange(outputEnded_, true)) return;
  if (session_) {
    session_->close();
    sendEncrypted();
  } else {
    shutdown(socket_.get(), SHUT_WR);
  }
}

/// False if nothing more can be sent now.
bool Connection::sendBytes(std::string_view bytes, std::size_t& sent) {
  ssize_t size = 0;
  do {
    size = loop::transmit(socket_.get(), bytes);
  } while (size < 0 && errno == EINTR);
  sent = size > 0 ? static_cast<std::size_t>(size) : 0;
  if (size >= 0) return sent == bytes.size();
  if (errno != EAGAIN && errno != EWOULDBLOCK) {
    // What the other side said before it closed may still be there to read: its answer counts.
    if (phase_ == Phase::Open) readSome();
    if (phase_ != Phase::Dead) {
      fail({ErrorCode::Unavailable,
            "the connection to " + origin_.name.host + " was lost while sending"});
    }
  }
  return false;
}

void Connection::sendPlain() {
  std::array<std::string_view, kPiecesMax> pieces;
  for (std::size_t total = 0; phase_ == Phase::Open && total < kSendBytesPerRoundMax;) {
    const std::size_t count = http_->output(pieces);
    if (count == 0) return;
    // A head and a small body in one segment; large pieces as they are.
    std::string_view next = pieces[0];
    const std::span<char> scratch = pool_.scratchBuffer();
    if (count > 1 && next.size() < scratch.size()) {
      std::size_t gathered = 0;
      for (std::size_t i = 0; i < count; ++i) {
        gathered += pieces[i].copy(scratch.data() + gathered, scratch.size() - gathered);
      }
      next = {scratch.data(), gathered};
    }
    std::size_t sent = 0;
    const bool all = sendBytes(next, sent);
    if (phase_ != Phase::Open) return;
    http_->consumeOutput(sent);
    total += sent;
    if (!all) break;
  }
  outputBlocked_ = true;
}

void Connection::sendEncrypted() {
  std::array<std::string_view, kPiecesMax> pieces;
  for (std::size_t total = 0;;) {
    while (!session_->output().empty()) {
      std::size_t sent = 0;
      const bool all = sendBytes(session_->output(), sent);
      if (phase_ == Phase::Dead) return;
      session_->consumeOutput(sent);
      total += sent;
      if (!all || total >= kSendBytesPerRoundMax) {
        outputBlocked_ = true;
        return;
      }
    }
    if (phase_ != Phase::Open) return;
    const std::size_t count = http_->output(pieces);
    if (count == 0) break;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count && taken < kRecordsBytesMax; ++i) {
      const std::string_view piece = pieces[i].substr(0, kRecordsBytesMax - taken);
      if (const Result<> written = session_->write(piece); !written) return fail(written.error());
      taken += piece.size();
    }
    http_->consumeOutput(taken);
  }
  session_->releaseMemory();
}

}  // namespace atolld::upstream
