#include "control/message_socket.h"

#include <utility>

#include "websocket/handshake.h"

namespace atolld::control {

MessageSocket::MessageSocket(http::Exchange& exchange, const websocket::ReaderLimits& limits,
                             std::function<void()> onEnd)
    : exchange_(&exchange),
      onEnd_(std::move(onEnd)),
      reader_(websocket::Role::Server, std::nullopt, limits),
      writer_(websocket::Role::Server, std::nullopt) {}

void MessageSocket::accept(const http::RequestHead& head, std::string_view protocol) {
  http::ResponseHead answer;
  answer.status = 101;
  answer.headers.add("sec-websocket-accept",
                     websocket::acceptFor(head.headers.find("sec-websocket-key").value_or("")));
  if (!protocol.empty()) answer.headers.add("sec-websocket-protocol", protocol);
  exchange_->respondHead(answer);
  exchange_->startBody();
}

void MessageSocket::onBody(Bytes chunk) {
  std::string_view input = chunk.view();
  while (isOpen()) {
    websocket::Incoming incoming = reader_.next(input);
    using Kind = websocket::Incoming::Kind;
    if (incoming.kind == Kind::NeedsInput) break;
    if (incoming.kind == Kind::Ping) {
      writer_.control(websocket::Opcode::Pong, incoming.payload, scratch_);
      sendScratch();
    } else if (incoming.kind == Kind::Text) {
      onText(std::move(incoming.payload));
    } else if (incoming.kind == Kind::Close) {
      close(incoming.code == websocket::kCloseNoStatus ? websocket::kCloseNormal : incoming.code,
            {});
    } else if (incoming.kind == Kind::Violation) {
      close(incoming.code, incoming.payload);
    }
  }
  if (exchange_ != nullptr) exchange_->consumed(chunk.size());
}

void MessageSocket::onBodyEnd(http::HeaderList) {
  if (exchange_ == nullptr || std::exchange(isClosing_, true)) return;
  onGone();
  exchange_->end();
}

void MessageSocket::onDrain() { close(websocket::kCloseGoingAway, "the server is shutting down"); }

void MessageSocket::onClosed(const Result<>&) {
  exchange_ = nullptr;
  if (!std::exchange(isClosing_, true)) onGone();
  onEnd_();
}

void MessageSocket::send(std::string_view text) {
  if (!isOpen()) return;
  const std::string_view rest = writer_.message(/*text=*/true, text, scratch_);
  scratch_ += rest;
  sendScratch();
}

void MessageSocket::sendScratch() { exchange_->write(Bytes(std::exchange(scratch_, {}))); }

void MessageSocket::close(std::uint16_t code, std::string_view reason) {
  if (exchange_ == nullptr || std::exchange(isClosing_, true)) return;
  onGone();
  writer_.close(code, reason, scratch_);
  sendScratch();
  exchange_->end();
}

}  // namespace atolld::control
