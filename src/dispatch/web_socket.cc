#include "dispatch/web_socket.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "dispatch/dispatcher.h"
#include "dispatch/worker_state.h"
#include "http/handler.h"

namespace atolld::dispatch {

namespace host = isolate::host;
using Kind = websocket::Incoming::Kind;

namespace {

/// Messages posted to an isolate that has not run them yet; what a message's own size adds is the
/// reader's limit.
constexpr std::uint64_t kOutstandingBytesMax = 256 * 1024;
/// A peer that was silent for so long is asked whether it is there; twice as long, and it is not.
constexpr std::chrono::seconds kPingInterval{30};
/// How long the peer has to answer our Close.
constexpr std::chrono::seconds kCloseTimeout{10};
/// From here on a payload goes to the transport as it is, without a copy.
constexpr std::size_t kShareBytesMin = 4 * 1024;

}  // namespace

WebSocket::WebSocket(WorkerState& owner, std::uint64_t key, host::InvocationId invocation,
                     const WebSocketSetup& setup, BodySource& source, BodyTarget& target)
    : owner_(owner),
      key_(key),
      invocation_(invocation),
      source_(&source),
      target_(&target),
      reader_(setup.role, setup.compression, {}),
      writer_(setup.role, setup.compression),
      timer_(owner.dispatcher().eventLoop()) {
  target_->setFeeder(this);
  heardMillis_ = owner_.dispatcher().eventLoop().nowMillis();
  watch();
}

WebSocket::~WebSocket() {
  if (ended_) return;
  if (partner_ != nullptr) partner_->partner_ = nullptr;
  letGo(true);
}

// ---- The script's side

void WebSocket::accept(bool halfOpen) {
  accepted_ = true;
  halfOpen_ = halfOpen;
  pump();
}

void WebSocket::taken(std::uint64_t bytes) {
  outstanding_ -= std::min(outstanding_, bytes);
  pump();
}

void WebSocket::send(bool text, Bytes payload) {
  if (ended_ || closeSent_) return;
  unacknowledged_ += payload.size();
  const std::string_view rest = writer_.message(text, payload.view(), scratch_);
  flushScratch();
  if (!rest.empty() && target_ != nullptr) target_->writeBody(std::move(payload));
}

void WebSocket::close(std::uint16_t code, std::string_view reason) {
  if (ended_ || closeSent_) return;
  if (code == websocket::kCloseAbnormal) {
    tell(code, std::string(reason), false);
    return end(true);
  }
  sendClose(code, reason);
  if (closeReceived_) return end(false);
  watch();
}

void WebSocket::acknowledge() {
  if (ended_ || partner_ != nullptr || unacknowledged_ == 0 ||
      target_->bufferedBody() >= http::Exchange::kHighWaterBytes) {
    return;
  }
  owner_.post(host::SocketSent{id(), std::exchange(unacknowledged_, 0), invocation_});
}

void WebSocket::join(WebSocket& a, WebSocket& b) {
  for (WebSocket* const one : {&a, &b}) {
    one->partner_ = one == &a ? &b : &a;
    one->invocation_ = 0;
    one->told_ = true;
    one->owner_.pin();
  }
  a.pump();
  b.pump();
}

void WebSocket::onDrain() {
  if (ended_ || closeSent_) return;
  sendClose(websocket::kCloseGoingAway, "the server is shutting down");
  if (closeReceived_) return end(false);
  watch();
}

void WebSocket::abandon() {
  told_ = true;
  if (!ended_ && !closeSent_) sendClose(websocket::kCloseGoingAway, {});
  end(false);
}

// ---- The network's side

void WebSocket::receive(Bytes chunk) {
  if (ended_) return;
  heardMillis_ = owner_.dispatcher().eventLoop().nowMillis();
  input_.push_back(std::move(chunk));
  pump();
}

void WebSocket::finish() {
  source_ = nullptr;
  inputEnded_ = true;
  pump();
}

void WebSocket::breakOff(Error) {
  source_ = nullptr;
  lost();
}

void WebSocket::onTargetDrained() {
  acknowledge();
  pump();
  if (partner_ != nullptr) partner_->pump();
}

void WebSocket::onTargetGone(const Error&) {
  target_ = nullptr;
  lost();
}

bool WebSocket::mayRead() const {
  if (ended_ || closeReceived_ || target_->bufferedBody() >= http::Exchange::kHighWaterBytes) {
    return false;
  }
  if (partner_ != nullptr) {
    return !partner_->ended_ && partner_->target_->bufferedBody() < http::Exchange::kHighWaterBytes;
  }
  // With nobody left to read, all that matters is the peer's Close.
  return told_ || (accepted_ && outstanding_ < kOutstandingBytesMax);
}

/// Reads what has come, as far as its reader has room for it.
void WebSocket::pump() {
  if (std::exchange(pumping_, true)) return;
  while (mayRead() && (!input_.empty() || std::exchange(yielded_, false))) {
    Bytes front = input_.empty() ? Bytes() : std::move(input_.front());
    std::string_view rest = front.view();
    websocket::Incoming incoming = reader_.next(rest);
    const std::size_t used = front.size() - rest.size();
    if (!input_.empty()) {
      front.removePrefix(used);
      input_.front() = std::move(front);
      if (input_.front().empty()) input_.pop_front();
    }
    if (source_ != nullptr && used > 0) source_->bodyConsumed(used);
    if (!handle(std::move(incoming))) break;
  }
  pumping_ = false;
  if (inputEnded_ && input_.empty() && !yielded_ && !ended_ && !closeReceived_) lost();
}

/// False if it was enough for now.
bool WebSocket::handle(websocket::Incoming incoming) {
  switch (incoming.kind) {
    case Kind::NeedsInput:
      return true;
    case Kind::Yielded:
      yielded_ = true;
      if (!turn_) turn_.emplace(owner_.dispatcher().eventLoop());
      turn_->start(std::chrono::milliseconds(0), [this] { pump(); });
      return false;
    case Kind::Text:
    case Kind::Binary:
      deliver(incoming.kind == Kind::Text, std::move(incoming.payload));
      return true;
    case Kind::Ping:
      if (!closeSent_) {
        writer_.control(websocket::Opcode::Pong, incoming.payload, scratch_);
        flushScratch();
      }
      return true;
    case Kind::Pong:
      return true;
    case Kind::Close:
      onPeerClose(incoming.code, std::move(incoming.payload));
      return false;
    case Kind::Violation:
      violate(incoming.code, incoming.payload);
      return false;
  }
  return false;
}

void WebSocket::deliver(bool text, std::string payload) {
  if (partner_ != nullptr) return partner_->send(text, Bytes(std::move(payload)));
  // What comes after our own Close is read to its end, and is for nobody (the handler has gone).
  if (told_) return;
  outstanding_ += payload.size() + host::kSocketMessageOverheadBytes;
  owner_.post(host::SocketMessage{id(), text, Bytes(std::move(payload)), invocation_});
}

void WebSocket::onPeerClose(std::uint16_t code, std::string reason) {
  closeReceived_ = true;
  if (partner_ != nullptr) {
    partner_->close(code, reason);
  } else {
    tell(code, std::move(reason), true);
    if (halfOpen_ && !closeSent_) return watch();
  }
  if (!closeSent_) sendClose(code, {});
  end(false);
}

void WebSocket::violate(std::uint16_t code, std::string_view why) {
  if (!closeSent_) sendClose(code, why);
  if (partner_ != nullptr) partner_->close(websocket::kCloseGoingAway, {});
  tell(websocket::kCloseAbnormal, std::string(why), false);
  end(false);
}

void WebSocket::sendClose(std::uint16_t code, std::string_view reason) {
  closeSent_ = true;
  writer_.close(code, reason, scratch_);
  flushScratch();
}

/// The connection is gone, or of no use any more.
void WebSocket::lost() {
  if (ended_) return;
  if (partner_ != nullptr) partner_->close(websocket::kCloseGoingAway, {});
  tell(websocket::kCloseAbnormal, {}, false);
  end(true);
}

void WebSocket::tell(std::uint16_t code, std::string reason, bool clean) {
  if (std::exchange(told_, true)) return;
  owner_.post(host::SocketClosed{id(), code, std::move(reason), clean, invocation_});
}

void WebSocket::flushScratch() {
  if (target_ != nullptr && !scratch_.empty()) target_->writeBody(Bytes::copyOf(scratch_));
  scratch_.clear();
  if (scratch_.capacity() > kShareBytesMin * 4) std::string().swap(scratch_);
}

void WebSocket::watch() {
  timer_.start(closeSent_ ? std::chrono::milliseconds(kCloseTimeout)
                          : std::chrono::milliseconds(kPingInterval),
               [this] { onTimer(); });
}

void WebSocket::onTimer() {
  if (closeSent_) return lost();
  const auto silence =
      std::chrono::milliseconds(owner_.dispatcher().eventLoop().nowMillis() - heardMillis_);
  // What waits here unread says that the peer is there, and that we are slow.
  if (input_.empty() && silence >= 2 * kPingInterval) return lost();
  if (silence >= kPingInterval) {
    writer_.control(websocket::Opcode::Ping, {}, scratch_);
    flushScratch();
  }
  watch();
}

void WebSocket::end(bool broken) {
  if (ended_) return;
  if (WebSocket* const partner = std::exchange(partner_, nullptr)) {
    partner->partner_ = nullptr;
    owner_.unpin();
    partner->owner_.unpin();
  }
  letGo(broken);
  owner_.retire(*this);
}

/// Lets go of the connection: what was written still goes out, unless it is `broken`.
void WebSocket::letGo(bool broken) {
  ended_ = true;
  timer_.stop();
  if (turn_) turn_->stop();
  input_.clear();
  if (BodyTarget* const target = std::exchange(target_, nullptr)) {
    target->setFeeder(nullptr);
    if (broken) {
      target->breakBody({ErrorCode::Aborted, "the WebSocket is broken"});
    } else {
      target->endBody();
    }
  }
  if (BodySource* const source = std::exchange(source_, nullptr)) source->cancelBody();
}

}  // namespace atolld::dispatch
