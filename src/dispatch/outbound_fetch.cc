#include "dispatch/outbound_fetch.h"

#include <utility>

#include "dispatch/worker_state.h"
#include "websocket/handshake.h"

namespace atolld::dispatch {

namespace host = isolate::host;

std::shared_ptr<OutboundFetch> OutboundFetch::start(WorkerState& worker, upstream::Client& client,
                                                    host::FetchStart& effect) {
  const std::shared_ptr<OutboundFetch> fetch(new OutboundFetch(worker, effect));
  fetch->self_ = fetch;
  http::RequestHead& head = *effect.head;
  if (effect.socket != 0) fetch->askForWebSocket(head);
  if (auto* const bytes = std::get_if<Bytes>(&effect.body)) {
    fetch->exchange_ = &client.start(std::move(head), std::move(*bytes), *fetch);
    return fetch;
  }
  head.body = http::BodyKind::None;
  if (const auto* const ref = std::get_if<host::BodyRef>(&effect.body)) {
    head.body = ref->length ? http::BodyKind::Length : http::BodyKind::Unknown;
    head.contentLength = ref->length.value_or(0);
  }
  fetch->exchange_ = &client.start(std::move(head), *fetch);
  return fetch;
}

void OutboundFetch::cancel() {
  worker_ = nullptr;
  if (exchange_ != nullptr) exchange_->cancel();
}

void OutboundFetch::onResponse(http::ResponseHead head) {
  if (worker_ == nullptr) return;
  WorkerState& worker = *std::exchange(worker_, nullptr);
  if (head.status == 101) return openWebSocket(worker, std::move(head));
  host::Body body;
  if (head.body != http::BodyKind::None) {
    InboundBody& added = worker.addInbound(*this, invocation_);
    responseBody_ = &added;
    body = host::BodyRef{added.id(), head.body == http::BodyKind::Length
                                         ? std::optional(head.contentLength)
                                         : std::nullopt};
  }
  worker.finishOp(op_, host::FetchedResponse{std::move(head), std::move(body)});
}

void OutboundFetch::askForWebSocket(http::RequestHead& head) {
  head.webSocket = true;
  socketKey_ = websocket::makeKey();
  head.headers.set("sec-websocket-key", socketKey_);
  head.headers.set("sec-websocket-version", "13");
  head.headers.set("sec-websocket-extensions", websocket::kExtensionOffer);
}

/// @spec RFC 6455 section 4.1, the second list
void OutboundFetch::openWebSocket(WorkerState& worker, http::ResponseHead head) {
  const auto extensions = head.headers.find("sec-websocket-extensions").value_or("");
  auto compression = websocket::readAgreement(extensions);
  const bool accepted =
      head.headers.find("sec-websocket-accept").value_or("") == websocket::acceptFor(socketKey_);
  if (!accepted || !compression) {
    worker.finishOp(op_, accepted ? compression.error()
                                  : Error{ErrorCode::Protocol,
                                          "the server's answer to the WebSocket key is wrong"});
    exchange_->cancel();
    return;
  }
  isTunnel_ = true;
  const WebSocketSetup setup{websocket::Role::Client, *compression};
  responseBody_ = &worker.addSocket(socket_, invocation_, setup, *this, *this);
  worker.finishOp(op_, host::FetchedResponse{std::move(head), host::NoBody{}});
}

void OutboundFetch::onBody(Bytes chunk) {
  if (responseBody_ != nullptr) {
    responseBody_->receive(std::move(chunk));
  } else if (exchange_ != nullptr) {
    exchange_->consumed(chunk.size());
  }
}

void OutboundFetch::onDrained() {
  if (feeder_ != nullptr) feeder_->onTargetDrained();
}

void OutboundFetch::onClosed(const Result<>& ok, http::HeaderList trailers) {
  const std::shared_ptr<OutboundFetch> last = std::move(self_);
  exchange_ = nullptr;
  const Error gone = ok ? Error{ErrorCode::Aborted, "the response is complete"} : ok.error();
  if (BodyFeeder* const feeder = std::exchange(feeder_, nullptr)) feeder->onTargetGone(gone);
  if (BodyReceiver* const body = std::exchange(responseBody_, nullptr)) {
    if (ok) {
      body->finish();
    } else {
      body->breakOff(gone);
    }
  }
  if (WorkerState* const worker = std::exchange(worker_, nullptr)) worker->finishOp(op_, gone);
}

void OutboundFetch::bodyConsumed(std::size_t bytes) {
  if (exchange_ != nullptr) exchange_->consumed(bytes);
}

void OutboundFetch::cancelBody() {
  responseBody_ = nullptr;
  // A tunnel's own end closes it, once what was written is out.
  if (exchange_ != nullptr && !isTunnel_) exchange_->cancel();
}

void OutboundFetch::writeBody(Bytes bytes) {
  if (exchange_ != nullptr) exchange_->write(std::move(bytes));
}

void OutboundFetch::endBody() {
  if (exchange_ != nullptr) exchange_->end();
}

void OutboundFetch::breakBody(const Error& error) {
  if (exchange_ != nullptr) exchange_->cancel();
}

std::size_t OutboundFetch::bufferedBody() const {
  return exchange_ == nullptr ? 0 : exchange_->bufferedBytes();
}

}  // namespace atolld::dispatch
