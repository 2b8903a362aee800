#include "control/tail_socket.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "websocket/handshake.h"

namespace atolld::control {
namespace {

// What watchers send is next to nothing.
constexpr std::size_t kMessageBytesMax = 64 * 1024;

// wrangler's first message is not masked, and it would not watch a server that minds.
constexpr websocket::ReaderLimits kLimits{.messageBytesMax = kMessageBytesMax,
                                          .takesUnmasked = true};

}  // namespace

TailSocket::TailSocket(http::Exchange& exchange, loop::Mailbox& mailbox,
                       std::function<void()> onEnd)
    : exchange_(&exchange),
      mailbox_(mailbox),
      onEnd_(std::move(onEnd)),
      reader_(websocket::Role::Server, std::nullopt, kLimits),
      writer_(websocket::Role::Server, std::nullopt) {}

void TailSocket::start(telemetry::TailHub& hub, const http::RequestHead& head, TailTicket ticket) {
  http::ResponseHead answer;
  answer.status = 101;
  answer.headers.add("sec-websocket-accept",
                     websocket::acceptFor(head.headers.find("sec-websocket-key").value_or("")));
  if (head.headers.find("sec-websocket-protocol") == kTailProtocol) {
    answer.headers.add("sec-websocket-protocol", kTailProtocol);
  }
  exchange_->respondHead(answer);
  exchange_->startBody();
  for (std::string& address : ticket.filter.clientAddresses) {
    if (address == "self") address = head.connection->clientAddress;
  }
  const std::weak_ptr<TailSocket> weak = weak_from_this();
  watch_ = hub.watch(ticket.tenant, ticket.script, std::move(ticket.filter), [this, weak] {
    mailbox_.post([weak] {
      if (const auto self = weak.lock()) self->sendWaiting();
    });
  });
  if (watch_ == nullptr) close(websocket::kCloseTryAgainLater, "the script has too many watchers");
}

void TailSocket::onBody(Bytes chunk) {
  std::string_view input = chunk.view();
  while (exchange_ != nullptr && !isClosing_) {
    const websocket::Incoming incoming = reader_.next(input);
    using Kind = websocket::Incoming::Kind;
    if (incoming.kind == Kind::NeedsInput) break;
    if (incoming.kind == Kind::Ping) {
      writer_.control(websocket::Opcode::Pong, incoming.payload, scratch_);
      sendScratch();
    } else if (incoming.kind == Kind::Close) {
      close(incoming.code == websocket::kCloseNoStatus ? websocket::kCloseNormal : incoming.code,
            {});
    } else if (incoming.kind == Kind::Violation) {
      close(incoming.code, incoming.payload);
    }
  }
  if (exchange_ != nullptr) exchange_->consumed(chunk.size());
}

void TailSocket::onBodyEnd(http::HeaderList) {
  if (exchange_ == nullptr || std::exchange(isClosing_, true)) return;
  watch_.reset();
  exchange_->end();
}

void TailSocket::onDrain() { close(websocket::kCloseGoingAway, "the server is shutting down"); }

void TailSocket::onClosed(const Result<>&) {
  exchange_ = nullptr;
  watch_.reset();
  onEnd_();
}

// As many as the watcher's connection takes; the others wait in the queue, which has its bounds.
void TailSocket::sendWaiting() {
  if (exchange_ == nullptr || isClosing_ || watch_ == nullptr) return;
  if (exchange_->bufferedBytes() >= http::Exchange::kHighWaterBytes) return;
  const telemetry::TailWatch::Taken taken = watch_->take();
  for (const auto& item : taken.items) send(tailJson(*item));
  if (taken.lostCount > 0) send(tailLossJson(taken.lostCount));
}

void TailSocket::send(const Json& message) {
  const std::string text = writeJson(message);
  const std::string_view rest = writer_.message(/*text=*/true, text, scratch_);
  scratch_ += rest;
  sendScratch();
}

void TailSocket::sendScratch() { exchange_->write(Bytes(std::exchange(scratch_, {}))); }

void TailSocket::close(std::uint16_t code, std::string_view reason) {
  if (exchange_ == nullptr || std::exchange(isClosing_, true)) return;
  watch_.reset();
  writer_.close(code, reason, scratch_);
  sendScratch();
  exchange_->end();
}

}  // namespace atolld::control
