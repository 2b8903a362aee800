#include "dispatch/worker_state.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "dispatch/dispatcher.h"
#include "dispatch/invocation.h"
#include "dispatch/outbound_fetch.h"
#include "dispatch/service_call.h"
#include "isolate/cache_question.h"
#include "telemetry/log.h"

namespace atolld::dispatch {

namespace host = isolate::host;

namespace {

std::chrono::nanoseconds threadCpu() {
  timespec now{};
  ATOLL_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

WorkerState::WorkerState(Dispatcher& dispatcher, shard::Worker& worker)
    : dispatcher_(dispatcher), worker_(worker), serial_(dispatcher.registerWorker(*this)) {}

WorkerState::~WorkerState() {
  while (!invocations_.empty()) close(invocations_.front()->id());  // Only when the shard ends.
  dispatcher_.unregisterWorker(*this);
}

host::InvocationId WorkerState::open(Invocation& invocation) {
  worker_.invocationOpened();
  invocations_.push_back(&invocation);
  if (++lastInvocation_ == 0) ++lastInvocation_;
  return lastInvocation_;
}

void WorkerState::close(host::InvocationId id) {
  const auto found = place(id);
  if (found == invocations_.end()) return;
  Invocation& invocation = **found;
  invocations_.erase(found);
  std::erase_if(timers_, [id](const auto& entry) { return entry.second.invocation == id; });
  for (auto it = ops_.begin(); it != ops_.end();) {
    if (it->second.invocation != id) {
      ++it;
      continue;
    }
    const std::shared_ptr<OutboundCall> call = std::move(it->second.call);
    it = ops_.erase(it);
    if (call) call->cancel();
  }
  // By id: cancelling one body may end another, that was handed to the fetch it came from.
  std::erase_if(computes_, [id](const auto& compute) { return compute.invocation == id; });
  std::vector<host::BodyId> unread;
  for (const auto& [bodyId, inbound] : inbound_) {
    if (inbound.owner == id) unread.push_back(bodyId);
  }
  for (const host::BodyId bodyId : unread) {
    if (InboundBody* const body = findInbound(bodyId)) body->cancel();
  }
  std::vector<WebSocket*> ownSockets;
  for (const auto& [key, socket] : sockets_) {
    if (socket->invocation() == id) ownSockets.push_back(socket.get());
  }
  for (WebSocket* const socket : ownSockets) socket->abandon();
  invocation.detachWorker();
  worker_.invocationClosed();
}

InboundBody& WorkerState::addInbound(BodySource& source, host::InvocationId owner) {
  lastInbound_ += 2;
  if (lastInbound_ == 0) lastInbound_ += 2;
  auto body = std::make_unique<InboundBody>(*this, lastInbound_, source, owner);
  InboundBody& added = *body;
  inbound_.emplace(lastInbound_, Inbound{owner, std::move(body)});
  return added;
}

void WorkerState::retire(InboundBody& body) {
  auto node = inbound_.extract(body.id());
  if (!node.empty()) dispatcher_.bury(std::move(node.mapped().body));
}

void WorkerState::retire(OutboundBody& body) {
  auto node = outbound_.extract(body.id());
  if (!node.empty()) dispatcher_.bury(std::move(node.mapped()));
}

WebSocket& WorkerState::addSocket(std::uint64_t key, host::InvocationId owner,
                                  const WebSocketSetup& setup, BodySource& source,
                                  BodyTarget& target) {
  auto socket = std::make_unique<WebSocket>(*this, key, owner, setup, source, target);
  return *(sockets_[key] = std::move(socket));
}

void WorkerState::retire(WebSocket& socket) {
  auto node = sockets_.extract(socket.key());
  if (!node.empty()) dispatcher_.bury(std::move(node.mapped()));
}

void WorkerState::finishOp(host::OpId op, host::OpValue value) {
  const auto found = ops_.extract(op);
  if (!found.empty()) post(host::OpDone{op, std::move(value), found.mapped().invocation});
}

void WorkerState::apply(host::Outbox& outbox, std::span<const shard::Charge> charges) {
  // Before the effects, which may be an invocation's last; what they end is not refused any more.
  std::vector<host::InvocationId> over;
  for (const shard::Charge& charge : charges) {
    Invocation* const charged = find(charge.invocation);
    if (charged != nullptr && !charged->charge(charge.cpu)) over.push_back(charge.invocation);
  }
  for (host::Effect& effect : outbox) {
    std::visit([this](auto& each) { on(each); }, effect);
  }
  outbox.clear();
  for (auto it = outbound_.begin(); it != outbound_.end();) {
    OutboundBody& body = *it->second;
    ++it;
    body.acknowledge();
  }
  for (const host::SocketId id : std::exchange(written_, {})) {
    if (WebSocket* const socket = findSocket(id)) socket->acknowledge();
  }
  for (const host::InvocationId id : over) {
    if (Invocation* const invocation = find(id)) invocation->fail(Refusal::CpuLimit);
  }
  if (worker_.isQuiet()) endHungInvocations();
}

bool WorkerState::anythingAwaited() const {
  if (!ops_.empty() || !timers_.empty()) return true;
  for (const auto& [id, inbound] : inbound_) {
    if (inbound.body->awaited()) return true;
  }
  for (const auto& [id, body] : outbound_) {
    if (body->awaited()) return true;
  }
  for (const auto& [key, socket] : sockets_) {
    if (socket->invocation() != 0) return true;
  }
  return false;
}

void WorkerState::endHungInvocations() {
  if (invocations_.empty() || anythingAwaited()) return;
  std::vector<Invocation*> hung;
  for (Invocation* const invocation : invocations_) {
    if (!invocation->launching()) hung.push_back(invocation);
  }
  for (Invocation* const invocation : hung) {
    if (invocation->responded()) {
      // Nothing left to do it, but waitUntil() promises or a body were never settled.
      post(host::InvocationOver{invocation->id()});
      close(invocation->id());
    } else {
      invocation->fail(Refusal::ScriptHung);
    }
  }
}

void WorkerState::shed(host::InvocationId id) {
  if (Invocation* const invocation = find(id)) invocation->shed();
}

void WorkerState::failAll(const Error& error) {
  while (!invocations_.empty()) invocations_.front()->fail(refusalOf(error));
}

std::vector<Invocation*>::iterator WorkerState::place(host::InvocationId id) {
  // A busy isolate's ids run over within days: order is by distance, as of sequence numbers.
  const auto before = [](host::InvocationId a, host::InvocationId b) {
    return static_cast<std::int32_t>(a - b) < 0;
  };
  const auto found = std::ranges::lower_bound(invocations_, id, before, &Invocation::id);
  return found != invocations_.end() && (*found)->id() == id ? found : invocations_.end();
}

Invocation* WorkerState::find(host::InvocationId id) {
  const auto found = place(id);
  return found == invocations_.end() ? nullptr : *found;
}

InboundBody* WorkerState::findInbound(host::BodyId id) {
  const auto found = inbound_.find(id);
  return found == inbound_.end() ? nullptr : found->second.body.get();
}

WebSocket* WorkerState::findSocket(host::SocketId id) {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? nullptr : found->second.get();
}

void WorkerState::connect(const host::BodyRef& body, BodyTarget& target,
                          host::InvocationId invocation) {
  if (body.id % 2 == 1) {
    outbound_.emplace(body.id, std::make_unique<OutboundBody>(*this, body.id, target, invocation));
  } else if (InboundBody* const inbound = findInbound(body.id)) {
    inbound->pipeTo(target);
  } else {
    target.breakBody({ErrorCode::Aborted, "the body is gone"});
  }
}

void WorkerState::discard(const host::BodyRef& body) {
  if (body.id % 2 == 1) {
    post(host::BodyGone{body.id, {ErrorCode::Aborted, "nobody reads this body"}});
  } else if (InboundBody* const inbound = findInbound(body.id)) {
    inbound->cancel();
  }
}

/// Answers with a WebSocket: the script's own, or one that it opened elsewhere and hands on.
void WorkerState::upgrade(host::Respond& effect) {
  Invocation* const invocation = find(effect.invocation);
  WebSocket* const handed = findSocket(effect.socket);
  const auto setup =
      invocation == nullptr ? std::nullopt : invocation->upgrade(std::move(effect.head));
  if (!setup) {
    if (handed != nullptr) {
      handed->abandon();
    } else {
      post(host::SocketClosed{effect.socket, websocket::kCloseAbnormal, "the client is gone"});
    }
    return;
  }
  const std::uint64_t key = handed == nullptr ? effect.socket : ++lastHandedKey_;
  WebSocket& socket = addSocket(key, invocation->id(), *setup, *invocation, *invocation);
  if (handed != nullptr) WebSocket::join(socket, *handed);
  invocation->tunnelTo(socket);
}

void WorkerState::on(host::SocketAccept& effect) {
  if (WebSocket* const socket = findSocket(effect.socket)) socket->accept(effect.halfOpen);
}

void WorkerState::on(host::SocketTaken& effect) {
  if (WebSocket* const socket = findSocket(effect.socket)) socket->taken(effect.bytes);
}

void WorkerState::on(host::SocketSend& effect) {
  WebSocket* const socket = findSocket(effect.socket);
  if (socket == nullptr) return;
  socket->send(effect.text, std::move(effect.payload));
  if (written_.empty() || written_.back() != effect.socket) written_.push_back(effect.socket);
}

void WorkerState::on(host::SocketClose& effect) {
  if (WebSocket* const socket = findSocket(effect.socket))
    socket->close(effect.code, effect.reason);
}

void WorkerState::on(host::Respond& effect) {
  if (effect.socket != 0) return upgrade(effect);
  Invocation* const invocation = find(effect.invocation);
  const auto* const ref = std::get_if<host::BodyRef>(&effect.body);
  // A request's body that becomes its own response is asked for (100-continue) before the answer.
  InboundBody* const inbound = ref == nullptr ? nullptr : findInbound(ref->id);
  if (inbound != nullptr) inbound->start();
  const bool wanted =
      invocation != nullptr && invocation->respond(std::move(effect.head), effect.body);
  if (ref == nullptr) return;
  if (wanted) {
    connect(*ref, *invocation, invocation->id());
  } else {
    discard(*ref);
  }
}

void WorkerState::on(host::Failed& effect) {
  if (Invocation* const invocation = find(effect.invocation)) invocation->onScriptFailed(effect);
}

void WorkerState::on(host::Done& effect) { close(effect.invocation); }

void WorkerState::on(host::BodyWrite& effect) {
  const auto found = outbound_.find(effect.body);
  if (found != outbound_.end()) found->second->write(std::move(effect.bytes));
}

void WorkerState::on(host::BodyClose& effect) {
  const auto found = outbound_.find(effect.body);
  if (found != outbound_.end()) found->second->close(std::move(effect.error));
}

void WorkerState::on(host::BodyPull& effect) {
  if (InboundBody* const body = findInbound(effect.body)) body->pull(effect.bytes);
}

void WorkerState::on(host::BodyCollect& effect) {
  if (InboundBody* const body = findInbound(effect.body)) {
    body->collect(effect.op, effect.bytesMax);
  } else {
    post(host::OpDone{effect.op, Error{ErrorCode::Aborted, "the body is gone"}});
  }
}

void WorkerState::on(host::BodyCancel& effect) {
  if (InboundBody* const body = findInbound(effect.body)) body->cancel();
}

void WorkerState::on(host::TimerStart& effect) {
  if (find(effect.invocation) == nullptr) return;
  const host::TimerId id = effect.timer;
  TimerEntry& entry =
      timers_.try_emplace(id, effect.invocation, loop::Timer(dispatcher_.loop_)).first->second;
  entry.timer.start(std::chrono::milliseconds(effect.delayMillis),
                    [this, id, invocation = effect.invocation] {
                      timers_.erase(id);
                      post(host::TimerFired{id, invocation});
                    });
}

void WorkerState::on(host::TimerCancel& effect) { timers_.erase(effect.timer); }

bool WorkerState::openOp(host::OpId op, host::InvocationId invocation) {
  if (find(invocation) == nullptr) return false;
  ops_.insert_or_assign(op, Op{invocation, nullptr});
  return true;
}

template <class Work>
void WorkerState::runOnStorage(host::OpId op, Work work) {
  dispatcher_.runOn(dispatcher_.node_.storage, std::move(work),
                    [&dispatcher = dispatcher_, serial = serial_, op](host::OpValue value) {
                      if (WorkerState* const state = dispatcher.findWorker(serial)) {
                        state->finishOp(op, std::move(value));
                      }
                    });
}

void WorkerState::on(host::FetchStart& effect) {
  if (!openOp(effect.op, effect.invocation)) return;
  if (effect.service) return startService(effect);
  if (effect.head->scheme == host::kCacheScheme) return askCache(effect);
  const std::shared_ptr<OutboundFetch> fetch =
      OutboundFetch::start(*this, dispatcher_.upstream_, effect);
  ops_[effect.op].call = fetch;
  if (const auto* const ref = std::get_if<host::BodyRef>(&effect.body)) {
    connect(*ref, *fetch, effect.invocation);
  }
}

void WorkerState::on(host::OpCancel& effect) {
  auto op = ops_.extract(effect.op);
  std::erase_if(computes_, [&effect](const auto& compute) { return compute.op == effect.op; });
  if (!op.empty() && op.mapped().call) op.mapped().call->cancel();
}

void WorkerState::startService(host::FetchStart& effect) {
  const Invocation& caller = *find(effect.invocation);
  const std::shared_ptr<ServiceCall> call = ServiceCall::start(*this, effect);
  ops_[effect.op].call = call;
  if (const auto* const ref = std::get_if<host::BodyRef>(&effect.body)) {
    connect(*ref, *call, effect.invocation);
  }
  dispatcher_.callService(*call, std::move(effect.head), std::move(effect.service),
                          worker_.version(), caller.depth() + 1);
}

void WorkerState::on(host::KvGet& effect) {
  if (!openOp(effect.op, effect.invocation)) return;
  store::KvStore& kv = dispatcher_.node_.kv;
  if (auto cached = kv.tryGet(effect.namespaceId, effect.key)) {
    return finishOp(effect.op,
                    *cached ? host::OpValue(**std::move(cached)) : host::OpValue(cached->error()));
  }
  runOnStorage(
      effect.op,
      [&kv, ns = std::move(effect.namespaceId), key = std::move(effect.key)]() -> host::OpValue {
        auto entry = kv.get(ns, key);
        if (!entry) return std::move(entry).error();
        return *std::move(entry);
      });
}

void WorkerState::on(host::KvList& effect) {
  if (!openOp(effect.op, effect.invocation)) return;
  store::KvStore& kv = dispatcher_.node_.kv;
  runOnStorage(effect.op, [&kv, list = std::move(effect)]() -> host::OpValue {
    auto listing = kv.list(list.namespaceId, list.prefix, list.limit, list.cursor);
    if (!listing) return std::move(listing).error();
    return *std::move(listing);
  });
}

void WorkerState::on(host::KvWrite& effect) {
  if (!openOp(effect.op, effect.invocation)) return;
  const auto answer = [&dispatcher = dispatcher_, serial = serial_, op = effect.op](Result<> done) {
    WorkerState* const state = dispatcher.findWorker(serial);
    if (state == nullptr) return;
    state->finishOp(op, done ? host::OpValue(std::monostate{}) : host::OpValue(done.error()));
  };
  dispatcher_.node_.kvWriter.write(std::move(effect.namespaceId), std::move(effect.puts),
                                   std::move(effect.removals),
                                   dispatcher_.expectAnswer<Result<>>(answer));
}

void WorkerState::on(host::Compute& effect) {
  if (!openOp(effect.op, effect.invocation)) return;
  computes_.push_back(std::move(effect));
  startNextCompute();
}

void WorkerState::startNextCompute() {
  if (!computing_ && !computes_.empty()) {
    host::Compute next = std::move(computes_.front());
    computes_.pop_front();
    computing_ = true;
    dispatcher_.runOn(
        dispatcher_.node_.compute,
        [work = std::move(next.work)]() mutable {
          const std::chrono::nanoseconds before = threadCpu();
          Result<Bytes> result = work();
          return std::pair(std::move(result), threadCpu() - before);
        },
        [&dispatcher = dispatcher_, serial = serial_, op = next.op,
         invocation = next.invocation](std::pair<Result<Bytes>, std::chrono::nanoseconds> done) {
          WorkerState* const state = dispatcher.findWorker(serial);
          if (state == nullptr) return;
          auto& [result, cpu] = done;
          state->onComputed(
              op, invocation,
              result ? host::OpValue(*std::move(result)) : host::OpValue(std::move(result).error()),
              cpu);
        });
  }
}

std::chrono::nanoseconds WorkerState::cpuUsed(host::InvocationId id) {
  const Invocation* const invocation = find(id);
  return invocation == nullptr ? std::chrono::nanoseconds(0) : invocation->cpu();
}

void WorkerState::onComputed(host::OpId op, host::InvocationId invocation, host::OpValue value,
                             std::chrono::nanoseconds cpu) {
  computing_ = false;
  Invocation* const charged = find(invocation);
  if (charged != nullptr && !charged->charge(cpu)) charged->fail(Refusal::CpuLimit);
  finishOp(op, std::move(value));
  startNextCompute();
}

void WorkerState::on(host::Log& effect) {
  if (Invocation* const of = find(effect.invocation)) of->onLog(effect.level, effect.text);
  const deploy::Version& version = *worker_.version();
  const auto level = effect.level == host::Log::Level::Error  ? telemetry::Level::Error
                     : effect.level == host::Log::Level::Warn ? telemetry::Level::Warn
                                                              : telemetry::Level::Info;
  telemetry::log(level, "console",
                 {{"tenant", std::string_view(version.tenant)},
                  {"script", std::string_view(version.script)},
                  {"text", std::string_view(effect.text)}});
}

}  // namespace atolld::dispatch
