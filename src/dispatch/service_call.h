#pragma once

#include <deque>
#include <memory>

#include "dispatch/body.h"
#include "dispatch/outbound_call.h"
#include "http/handler.h"
#include "isolate/host.h"
#include "loop/loop.h"

namespace atolld::dispatch {

class Invocation;
class WorkerState;

/// One script calling another through a service binding, on the same shard: towards the callee it
/// is an exchange like a client's, towards the caller the op of a fetch, the source of the
/// response's body and the target of the request's. Keeps itself alive until its exchange is
/// closed. Seat holder only.
class ServiceCall final : public http::Exchange,
                          public OutboundCall,
                          public BodySource,
                          public BodyTarget {
 public:
  /// Takes head and body from `effect`; a BodyRef in it is to be connected to the result. The
  /// callee must become its sink at once. `caller` is borrowed until the op is answered or
  /// cancelled.
  static std::shared_ptr<ServiceCall> start(WorkerState& caller, isolate::host::FetchStart& effect);
  ~ServiceCall() override = default;

  /// Instead of a response: the op, or the response's body, ends with `error`.
  void fail(Error error);

  // ---- OutboundCall ----
  void cancel() override;

  // ---- http::Exchange: the callee's side ----
  void setSink(http::ExchangeSink& sink) override { sink_ = &sink; }
  void startBody() override;
  void consumed(std::size_t bytes) override;
  void respond(const http::ResponseHead& head, Bytes body) override;
  void respondHead(const http::ResponseHead& head) override;
  void write(Bytes chunk) override;
  void end(http::HeaderList trailers = {}) override;
  void abort() override;
  std::size_t bufferedBytes() const override { return responseBuffered_; }

  // ---- BodySource: the response's body, read by the caller ----
  void bodyConsumed(std::size_t bytes) override;
  void cancelBody() override;

  // ---- BodyTarget: the request's body, written by the caller ----
  void setFeeder(BodyFeeder* feeder) override { feeder_ = feeder; }
  void writeBody(Bytes bytes) override;
  void endBody() override;
  void breakBody(const Error& error) override;
  std::size_t bufferedBody() const override { return requestBuffered_; }

 private:
  ServiceCall(WorkerState& caller, const isolate::host::FetchStart& effect);
  void answer(http::ResponseHead head, isolate::host::Body body);
  void finish(Result<> outcome);
  void turn();

  WorkerState* caller_;  ///< Null once the op was answered or cancelled.
  const isolate::host::OpId op_;
  const isolate::host::InvocationId invocation_;
  http::ExchangeSink* sink_ = nullptr;
  BodyFeeder* feeder_ = nullptr;
  InboundBody* responseBody_ = nullptr;

  bool bodyStarted_ = false;
  bool requestEnded_ = false;
  bool requestEndTold_ = false;
  std::deque<Bytes> requestQueue_;
  std::size_t requestBuffered_ = 0;  ///< Queued or given to the callee, not yet consumed.
  std::size_t responseBuffered_ = 0;
  bool drainWanted_ = false;
  std::optional<Result<>> outcome_;  ///< Set: the exchange is over, and the sink is to be told.

  loop::Deferred turn_;  ///< What the callee is told is told from here, never from its own calls.
  std::shared_ptr<ServiceCall> self_;  ///< Until the sink was told.
};

}  // namespace atolld::dispatch
