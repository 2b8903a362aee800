#include "dispatch/service_call.h"

#include <utility>

#include "dispatch/dispatcher.h"
#include "dispatch/worker_state.h"

namespace atolld::dispatch {

namespace host = isolate::host;

std::shared_ptr<ServiceCall> ServiceCall::start(WorkerState& caller, host::FetchStart& effect) {
  const std::shared_ptr<ServiceCall> call(new ServiceCall(caller, effect));
  call->self_ = call;
  http::RequestHead& head = *effect.head;
  if (auto* const bytes = std::get_if<Bytes>(&effect.body)) {
    head.body = http::BodyKind::Length;
    head.contentLength = bytes->size();
    call->writeBody(std::move(*bytes));
    call->endBody();
  } else if (const auto* const ref = std::get_if<host::BodyRef>(&effect.body)) {
    head.body = ref->length ? http::BodyKind::Length : http::BodyKind::Unknown;
    head.contentLength = ref->length.value_or(0);
  } else {
    head.body = http::BodyKind::None;
  }
  return call;
}

ServiceCall::ServiceCall(WorkerState& caller, const host::FetchStart& effect)
    : caller_(&caller),
      op_(effect.op),
      invocation_(effect.invocation),
      turn_(caller.dispatcher().loop(), [this] { turn(); }) {}

void ServiceCall::fail(Error error) {
  if (outcome_) return;
  if (WorkerState* const caller = std::exchange(caller_, nullptr)) caller->finishOp(op_, error);
  if (InboundBody* const body = std::exchange(responseBody_, nullptr)) body->breakOff(error);
  finish({});
}

void ServiceCall::cancel() {
  caller_ = nullptr;
  finish(std::unexpected(Error{ErrorCode::Aborted, "the calling script gave up"}));
}

// ---- the callee's side --------------------------------------------------------------------------

void ServiceCall::startBody() {
  bodyStarted_ = true;
  if (!requestQueue_.empty() || requestEnded_) turn_.schedule();
}

void ServiceCall::consumed(std::size_t bytes) {
  requestBuffered_ -= bytes;
  if (requestBuffered_ < kLowWaterBytes && feeder_ != nullptr) feeder_->onTargetDrained();
}

void ServiceCall::answer(http::ResponseHead head, host::Body body) {
  WorkerState* const caller = std::exchange(caller_, nullptr);
  if (caller != nullptr) {
    caller->finishOp(op_, host::FetchedResponse{std::move(head), std::move(body)});
  }
}

void ServiceCall::respond(const http::ResponseHead& head, Bytes body) {
  if (outcome_) return;
  answer(head, body.empty() ? host::Body(host::NoBody{}) : host::Body(std::move(body)));
  finish({});
}

void ServiceCall::respondHead(const http::ResponseHead& head) {
  if (outcome_ || caller_ == nullptr) return;
  responseBody_ = &caller_->addInbound(*this, invocation_);
  answer(head, host::BodyRef{responseBody_->id(), head.body == http::BodyKind::Length
                                                      ? std::optional(head.contentLength)
                                                      : std::nullopt});
}

void ServiceCall::write(Bytes chunk) {
  if (responseBody_ == nullptr || chunk.empty()) return;
  responseBuffered_ += chunk.size();
  responseBody_->receive(std::move(chunk));
}

void ServiceCall::end(http::HeaderList) {
  if (outcome_) return;
  if (InboundBody* const body = std::exchange(responseBody_, nullptr)) body->finish();
  finish({});
}

void ServiceCall::abort() {
  fail({ErrorCode::Aborted, "the called script could not complete its response"});
}

// ---- the caller's side --------------------------------------------------------------------------

void ServiceCall::bodyConsumed(std::size_t bytes) {
  responseBuffered_ -= bytes;
  if (responseBuffered_ >= kLowWaterBytes) return;
  drainWanted_ = true;
  turn_.schedule();
}

void ServiceCall::cancelBody() {
  responseBody_ = nullptr;
  finish(std::unexpected(Error{ErrorCode::Aborted, "the calling script reads no more"}));
}

void ServiceCall::writeBody(Bytes bytes) {
  if (outcome_ || bytes.empty()) return;
  requestBuffered_ += bytes.size();
  requestQueue_.push_back(std::move(bytes));
  if (bodyStarted_) turn_.schedule();
}

void ServiceCall::endBody() {
  requestEnded_ = true;
  if (bodyStarted_) turn_.schedule();
}

void ServiceCall::breakBody(const Error& error) { finish(std::unexpected(error)); }

// ---- both ---------------------------------------------------------------------------------------

void ServiceCall::finish(Result<> outcome) {
  if (outcome_) return;
  outcome_ = std::move(outcome);
  turn_.schedule();
}

void ServiceCall::turn() {
  const std::shared_ptr<ServiceCall> keep = self_;
  if (sink_ == nullptr) return;
  while (!outcome_ && bodyStarted_ && !requestQueue_.empty()) {
    Bytes chunk = std::move(requestQueue_.front());
    requestQueue_.pop_front();
    sink_->onBody(std::move(chunk));
  }
  if (!outcome_ && bodyStarted_ && requestEnded_ && !std::exchange(requestEndTold_, true)) {
    sink_->onBodyEnd({});
  }
  if (!outcome_ && std::exchange(drainWanted_, false)) sink_->onDrained();
  if (!outcome_) return;
  const Error gone = *outcome_ ? Error{ErrorCode::Aborted, "the call is over"} : outcome_->error();
  if (WorkerState* const caller = std::exchange(caller_, nullptr)) caller->finishOp(op_, gone);
  if (InboundBody* const body = std::exchange(responseBody_, nullptr)) body->breakOff(gone);
  if (BodyFeeder* const feeder = std::exchange(feeder_, nullptr)) feeder->onTargetGone(gone);
  http::ExchangeSink* const sink = std::exchange(sink_, nullptr);
  self_.reset();
  sink->onClosed(*outcome_);
}

}  // namespace atolld::dispatch
