#pragma once

#include <memory>
#include <string>

#include "dispatch/body.h"
#include "dispatch/outbound_call.h"
#include "http/client_connection.h"
#include "isolate/host.h"
#include "upstream/client.h"

namespace atolld::dispatch {

class WorkerState;

/// One hop of a script's fetch(), between its op and upstream/: an op to be answered, then the
/// source of the response's body; and the target of the request's. Keeps itself alive until its
/// exchange is closed. Seat holder only.
class OutboundFetch final : public http::ClientSink,
                            public OutboundCall,
                            public BodySource,
                            public BodyTarget {
 public:
  /// Takes a whole body from `body`; a BodyRef in it is to be connected to the result. `worker` is
  /// borrowed until the op is answered or cancelled.
  static std::shared_ptr<OutboundFetch> start(WorkerState& worker, upstream::Client& client,
                                              isolate::host::FetchStart& effect);

  // ---- OutboundCall ----
  void cancel() override;

  // ---- http::ClientSink ----
  void onResponse(http::ResponseHead head) override;
  void onBody(Bytes chunk) override;
  void onDrained() override;
  void onClosed(const Result<>& ok, http::HeaderList trailers) override;

  // ---- BodySource: the response's body ----
  void startBody() override {}
  void bodyConsumed(std::size_t bytes) override;
  void cancelBody() override;

  // ---- BodyTarget: the request's body ----
  void setFeeder(BodyFeeder* feeder) override { feeder_ = feeder; }
  void writeBody(Bytes bytes) override;
  void endBody() override;
  void breakBody(const Error& error) override;
  std::size_t bufferedBody() const override;

 private:
  OutboundFetch(WorkerState& worker, const isolate::host::FetchStart& effect)
      : worker_(&worker), op_(effect.op), invocation_(effect.invocation), socket_(effect.socket) {}
  void askForWebSocket(http::RequestHead& head);
  void openWebSocket(WorkerState& worker, http::ResponseHead head);

  WorkerState* worker_;  ///< Null once the op was answered or cancelled.
  const isolate::host::OpId op_;
  const isolate::host::InvocationId invocation_;
  const isolate::host::SocketId socket_;  ///< 0: it is not to become a WebSocket.
  std::string socketKey_;
  bool isTunnel_ = false;
  http::ClientExchange* exchange_ = nullptr;
  BodyReceiver* responseBody_ = nullptr;
  BodyFeeder* feeder_ = nullptr;
  std::shared_ptr<OutboundFetch> self_;  ///< Until onClosed().
};

}  // namespace atolld::dispatch
