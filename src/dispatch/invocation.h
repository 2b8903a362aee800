#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/recycled.h"
#include "deploy/deployment.h"
#include "dispatch/answers.h"
#include "dispatch/body.h"
#include "dispatch/web_socket.h"
#include "http/handler.h"
#include "isolate/host.h"
#include "telemetry/tail.h"

namespace atolld::dispatch {

class Dispatcher;
class ServiceCall;
class WorkerState;

/// One request's life between its exchange (the client's side) and its worker (the script's side).
/// Either may go first; when both are gone the dispatcher buries it. Seat holder only.
class Invocation final : public http::ExchangeSink,
                         public BodySource,
                         public BodyTarget,
                         public Recycled<Invocation> {
 public:
  /// Sets itself as the exchange's sink.
  static Invocation& begin(Dispatcher& dispatcher, http::Exchange& exchange,
                           std::unique_ptr<http::RequestHead> head);

  /// Makes of a request that asksForTick() the tick; false, and the request is answered, if it says
  /// something wrong. Before start().
  bool becomeTick();

  /// The same for a call of a script by a script: `depth` calls led to it.
  static Invocation& beginService(Dispatcher& dispatcher, ServiceCall& call,
                                  std::unique_ptr<http::RequestHead> head,
                                  isolate::host::Service what, unsigned depth);

  /// A static file of that version is about to answer it.
  void watchFile(const deploy::Version& version);
  /// Opens the worker's side; the event goes out at once, or by launch() if a body comes with it.
  void start(WorkerState& worker);
  /// Posts the event of a request with a body: whole if it is here by now.
  void launch();
  /// Ends it without a script's answer: before start(), or because of a broken limit.
  void fail(Refusal refusal);
  /// Ends it where its event was taken back before the script saw it.
  void shed();

  ~Invocation() override = default;

  // ---- the script's side ----
  /// Takes a whole body from `body`; true when a BodyRef in it is to be connected to this target.
  bool respond(http::ResponseHead head, isolate::host::Body& body);
  /// Answers with status 101; nothing if the client is gone, was answered, or asked for no
  /// WebSocket.
  std::optional<WebSocketSetup> upgrade(http::ResponseHead head);
  /// After upgrade(): the client's bytes go to `receiver`.
  void tunnelTo(BodyReceiver& receiver);
  void onScriptFailed(const isolate::host::Failed& failed);
  /// The worker is done with it, or lost.
  void detachWorker();
  bool responded() const noexcept { return responded_; }
  bool launching() const noexcept { return launchBody_ != nullptr; }
  /// Whether a static file may answer it, where the version has some.
  bool mayBeFile() const noexcept { return mayBeFile_; }
  isolate::host::InvocationId id() const noexcept { return id_; }
  /// How many calls of scripts by scripts led to it; 0 for a client's request.
  unsigned depth() const noexcept { return depth_; }
  const http::RequestHead* head() const noexcept { return head_.get(); }
  /// Milliseconds of the loop's clock at which the dispatcher ends it (0: not yet known).
  std::uint64_t deadlineMillis() const noexcept { return deadlineMillis_; }
  void onDeadline();
  /// Adds CPU time spent for it, in its isolate or off it; false if it had too much.
  bool charge(std::chrono::nanoseconds cpu) noexcept;
  std::chrono::nanoseconds cpu() const noexcept { return cpu_; }
  void onLog(isolate::host::Log::Level level, const std::string& text);

  // ---- http::ExchangeSink ----
  void onBody(Bytes chunk) override;
  void onBodyEnd(http::HeaderList trailers) override;
  void onDrained() override;
  void onDrain() override;
  void onClosed(const Result<>& ok) override;

  // ---- BodySource: the request's body ----
  void startBody() override;
  void bodyConsumed(std::size_t bytes) override;
  void cancelBody() override;

  // ---- BodyTarget: the response's body ----
  void setFeeder(BodyFeeder* feeder) override { feeder_ = feeder; }
  void writeBody(Bytes bytes) override;
  void endBody() override;
  void breakBody(const Error& error) override;
  std::size_t bufferedBody() const override;

 private:
  friend class Dispatcher;  // Keeps it in its list of open invocations.

  Invocation(Dispatcher& dispatcher, http::Exchange& exchange,
             std::unique_ptr<http::RequestHead> head);
  /// Notes what becomes of it, if somebody watches the script.
  void watch(const deploy::Version& version);
  /// The client's side of fail().
  void end(Refusal refusal);
  /// Tells whoever asked that there is no answer; `what` is for scripts only.
  void refuse(Refusal refusal, std::string what);
  void releaseIfOver();
  void endTail();
  void answerTick();
  void reportFailure(const isolate::host::Failed& failed);
  const std::string& ray();

  Dispatcher& dispatcher_;
  http::Exchange* exchange_;
  ServiceCall* service_ = nullptr;  ///< The exchange, where another script asked.
  std::unique_ptr<isolate::host::ServiceCall> call_;
  std::unique_ptr<isolate::host::ScheduledEvent> tick_;  ///< Instead of a FetchEvent.
  unsigned depth_ = 0;
  WorkerState* worker_ = nullptr;
  std::unique_ptr<http::RequestHead> head_;  ///< Until start() gives it to the script.
  isolate::host::InvocationId id_ = 0;
  BodyReceiver* requestBody_ = nullptr;  ///< Until its end was told, or nobody wants it.
  InboundBody* launchBody_ = nullptr;    ///< From start() to launch().
  /// What a client that asks for a WebSocket said; the script has its head.
  struct Upgrade {
    std::string key;
    std::string extensions;
  };
  std::unique_ptr<Upgrade> upgrade_;
  BodyFeeder* feeder_ = nullptr;
  bool mayBeFile_ = true;
  bool responded_ = false;
  bool responseEnded_ = false;
  bool isHead_ = false;
  std::chrono::nanoseconds cpu_{};  ///< What charge() added up.
  bool isTunnel_ = false;           ///< A WebSocket ends it.
  bool waiting_ = false;            ///< The dispatcher holds it until its version is loaded.
  std::uint64_t beganMillis_ = 0;
  std::uint64_t deadlineMillis_ = 0;
  /// Where somebody watches the script. Shared with stacks that are being mapped: who lets go of it
  /// last publishes it.
  std::shared_ptr<telemetry::TailItem> tail_;
  bool wantsPage_ = false;  ///< Its client is a browser that may see errors.
  std::string ray_;
  Invocation* previous_ = nullptr;
  Invocation* next_ = nullptr;
};

}  // namespace atolld::dispatch
