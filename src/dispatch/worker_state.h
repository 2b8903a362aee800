#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "dispatch/body.h"
#include "dispatch/web_socket.h"
#include "isolate/host.h"
#include "loop/timer.h"
#include "shard/scheduler.h"

namespace atolld::dispatch {

class Dispatcher;
class Invocation;
class OutboundCall;

/// What dispatch keeps for one worker: its open invocations, bodies, operations and timers, by the
/// ids that script and host use for them. Carries out the worker's effects. Seat holder only.
class WorkerState final : public shard::Worker::Attachment, public BodyOwner {
 public:
  WorkerState(Dispatcher& dispatcher, shard::Worker& worker);
  ~WorkerState() override;

  /// The worker's own serial number in this dispatcher: what answers of other threads find it by.
  std::uint64_t serial() const noexcept { return serial_; }
  shard::Worker& worker() noexcept { return worker_; }
  Dispatcher& dispatcher() noexcept { return dispatcher_; }

  void post(isolate::host::Event&& event) override { worker_.post(std::move(event)); }
  void retire(InboundBody& body) override;
  void retire(OutboundBody& body) override;
  void retire(WebSocket& socket);
  void pin() override { worker_.invocationOpened(); }
  void unpin() override { worker_.invocationClosed(); }

  /// Adopts the invocation until close().
  isolate::host::InvocationId open(Invocation& invocation);
  /// The script is done with it: its operations, timers and unread bodies end.
  void close(isolate::host::InvocationId id);

  InboundBody& addInbound(BodySource& source, isolate::host::InvocationId owner);

  /// `source` and `target` are an open connection's two directions.
  WebSocket& addSocket(std::uint64_t key, isolate::host::InvocationId owner,
                       const WebSocketSetup& setup, BodySource& source, BodyTarget& target);

  /// An answer from another thread or an outbound fetch; dropped if the op is no longer open.
  void finishOp(isolate::host::OpId op, isolate::host::OpValue value);

  /// What a slice did, and the CPU time that it took; ends invocations that had too much.
  void apply(isolate::host::Outbox& outbox, std::span<const shard::Charge> charges);
  std::chrono::nanoseconds cpuUsed(isolate::host::InvocationId id);
  /// Ends an invocation whose event was taken back.
  void shed(isolate::host::InvocationId id);
  /// Every invocation of a lost isolate ends with `error`.
  void failAll(const Error& error);

 private:
  struct Op {
    isolate::host::InvocationId invocation = 0;
    std::shared_ptr<OutboundCall> call;  ///< Of a fetch, or of a call of another script.
  };
  struct TimerEntry {
    isolate::host::InvocationId invocation = 0;
    loop::Timer timer;
  };
  struct Inbound {
    isolate::host::InvocationId owner = 0;
    std::unique_ptr<InboundBody> body;
  };

  void on(isolate::host::Respond& effect);
  void on(isolate::host::Failed& effect);
  void on(isolate::host::Done& effect);
  void on(isolate::host::BodyWrite& effect);
  void on(isolate::host::BodyClose& effect);
  void on(isolate::host::BodyPull& effect);
  void on(isolate::host::BodyCollect& effect);
  void on(isolate::host::BodyCancel& effect);
  void on(isolate::host::TimerStart& effect);
  void on(isolate::host::TimerCancel& effect);
  void on(isolate::host::FetchStart& effect);
  /// A question to the node's cache: isolate/cache_question.h. Its op is open.
  void askCache(isolate::host::FetchStart& effect);
  void matchInCache(isolate::host::FetchStart& effect, std::string_view tenant);
  void putInCache(isolate::host::FetchStart& effect, std::string_view tenant);
  void on(isolate::host::OpCancel& effect);
  void on(isolate::host::KvGet& effect);
  void on(isolate::host::KvList& effect);
  void on(isolate::host::KvWrite& effect);
  void on(isolate::host::Compute& effect);
  void on(isolate::host::Log& effect);
  void on(isolate::host::SocketAccept& effect);
  void on(isolate::host::SocketTaken& effect);
  void on(isolate::host::SocketSend& effect);
  void on(isolate::host::SocketClose& effect);

  std::vector<Invocation*>::iterator place(isolate::host::InvocationId id);
  Invocation* find(isolate::host::InvocationId id);
  InboundBody* findInbound(isolate::host::BodyId id);
  WebSocket* findSocket(isolate::host::SocketId id);
  void upgrade(isolate::host::Respond& effect);
  /// Connects `body` (a script's or a handed-through one) to where it goes.
  void connect(const isolate::host::BodyRef& body, BodyTarget& target,
               isolate::host::InvocationId invocation);
  /// Opens the op; false if its invocation is over.
  bool openOp(isolate::host::OpId op, isolate::host::InvocationId invocation);
  template <class Work>
  void runOnStorage(isolate::host::OpId op, Work work);
  void startNextCompute();
  void onComputed(isolate::host::OpId op, isolate::host::InvocationId invocation,
                  isolate::host::OpValue value, std::chrono::nanoseconds cpu);
  bool anythingAwaited() const;
  /// Ends invocations that nothing can wake any more.
  void endHungInvocations();
  void discard(const isolate::host::BodyRef& body);
  /// A fetch that another script of the tenant answers.
  void startService(isolate::host::FetchStart& effect);

  Dispatcher& dispatcher_;
  shard::Worker& worker_;
  const std::uint64_t serial_;
  isolate::host::InvocationId lastInvocation_ = 0;
  isolate::host::BodyId lastInbound_ = 0;
  std::vector<Invocation*> invocations_;  ///< Open ones, in order of their ids.
  std::unordered_map<isolate::host::BodyId, Inbound> inbound_;
  std::unordered_map<isolate::host::BodyId, std::unique_ptr<OutboundBody>> outbound_;
  std::unordered_map<isolate::host::OpId, Op> ops_;
  std::unordered_map<isolate::host::TimerId, TimerEntry> timers_;
  std::deque<isolate::host::Compute> computes_;  ///< Waiting: an isolate has one thread at a time.
  bool computing_ = false;
  std::unordered_map<std::uint64_t, std::unique_ptr<WebSocket>> sockets_;  ///< By their key.
  std::vector<isolate::host::SocketId> written_;  ///< Sockets this outbox sent to.
  /// Of sockets that no script knows: above all ids.
  std::uint64_t lastHandedKey_ = std::uint64_t{1} << 32;
};

}  // namespace atolld::dispatch
