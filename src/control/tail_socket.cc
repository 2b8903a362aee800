#include "control/tail_socket.h"

#include <nlohmann/json.hpp>
#include <utility>

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
    : MessageSocket(exchange, kLimits, std::move(onEnd)), mailbox_(mailbox) {}

void TailSocket::start(telemetry::TailHub& hub, const http::RequestHead& head, TailTicket ticket) {
  accept(head, head.headers.find("sec-websocket-protocol") == kTailProtocol ? kTailProtocol : "");
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

// As many as the watcher's connection takes; the others wait in the queue, which has its bounds.
void TailSocket::sendWaiting() {
  if (!isOpen() || watch_ == nullptr || bufferedBytes() >= http::Exchange::kHighWaterBytes) return;
  const telemetry::TailWatch::Taken taken = watch_->take();
  for (const auto& item : taken.items) send(writeJson(tailJson(*item)));
  if (taken.lostCount > 0) send(writeJson(tailLossJson(taken.lostCount)));
}

}  // namespace atolld::control
