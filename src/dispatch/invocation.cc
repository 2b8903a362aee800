#include "dispatch/invocation.h"

#include <algorithm>
#include <utility>

#include "dispatch/dispatcher.h"
#include "dispatch/error_page.h"
#include "dispatch/service_call.h"
#include "dispatch/tail.h"
#include "dispatch/tick.h"
#include "dispatch/worker_state.h"
#include "telemetry/log.h"
#include "websocket/handshake.h"

namespace atolld::dispatch {

namespace host = isolate::host;

namespace {

/// A list may stand in several fields.
std::string offeredExtensions(const http::RequestHead& head) {
  std::string all;
  for (const auto [name, value] : head.headers) {
    if (name != "sec-websocket-extensions") continue;
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

}  // namespace

Invocation& Invocation::begin(Dispatcher& dispatcher, http::Exchange& exchange,
                              std::unique_ptr<http::RequestHead> head) {
  auto* const invocation = new Invocation(dispatcher, exchange, std::move(head));
  exchange.setSink(*invocation);
  return *invocation;
}

Invocation& Invocation::beginService(Dispatcher& dispatcher, ServiceCall& call,
                                     std::unique_ptr<http::RequestHead> head, host::Service what,
                                     unsigned depth) {
  Invocation& invocation = begin(dispatcher, call, std::move(head));
  invocation.service_ = &call;
  // Who calls an entrypoint, or itself, means the code.
  invocation.mayBeFile_ = !what.call.isRpc && what.call.entrypoint.empty() && !what.script.empty();
  invocation.call_ = std::make_unique<host::ServiceCall>(std::move(what.call));
  invocation.depth_ = depth;
  return invocation;
}

Invocation::Invocation(Dispatcher& dispatcher, http::Exchange& exchange,
                       std::unique_ptr<http::RequestHead> head)
    : dispatcher_(dispatcher),
      exchange_(&exchange),
      head_(std::move(head)),
      isHead_(head_->method == "HEAD"),
      beganMillis_(dispatcher.nowMillis()),
      deadlineMillis_(beganMillis_ + dispatcher.limits().wallMillisMax) {
  dispatcher_.link(*this);
}

bool Invocation::becomeTick() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto tick = parseTick(head_->target, std::chrono::floor<std::chrono::milliseconds>(now).count());
  if (!tick) {
    responded_ = responseEnded_ = true;
    answerRefusal(*exchange_, Refusal::BadRequest, ray(), tick.error().detail);
    return false;
  }
  tick_ = std::make_unique<host::ScheduledEvent>(*std::move(tick));
  mayBeFile_ = false;
  return true;
}

void Invocation::watch(const deploy::Version& version) {
  if (!dispatcher_.tails().isWatched(version.tenant, version.script)) return;
  tail_ = {beginTail(*head_, version).release(), [&tails = dispatcher_.tails()](auto* item) {
             tails.publish(std::move(*std::unique_ptr<telemetry::TailItem>(item)));
           }};
}

void Invocation::watchFile(const deploy::Version& version) {
  if (service_ != nullptr) return;  // Part of what the script that asked does.
  watch(version);
  if (tail_) tail_->isFile = true;
}

void Invocation::start(WorkerState& worker) {
  ATOLL_CHECK(head_ && worker_ == nullptr);
  worker_ = &worker;
  id_ = worker.open(*this);
  const deploy::Version& version = *worker.worker().version();
  watch(version);
  if (tail_) worker.worker().measure();
  wantsPage_ = dispatcher_.limits().showsErrors && service_ == nullptr && acceptsHtml(*head_);
  if (head_->webSocket) {
    const auto value = [this](std::string_view name) {
      return std::string(head_->headers.find(name).value_or(""));
    };
    upgrade_ = std::make_unique<Upgrade>(value("sec-websocket-key"), offeredExtensions(*head_));
  }
  if (tick_) {
    tick_->invocation = id_;
    worker.post(std::move(*tick_));
    return;
  }
  if (head_->body == http::BodyKind::None) {
    worker.post(host::FetchEvent{id_, std::move(head_), host::NoBody{}, std::move(call_)});
    return;
  }
  launchBody_ = &worker.addInbound(*this, id_);
  requestBody_ = launchBody_;
  // A small body mostly arrives with its head: by the time slices run it may be here whole. One
  // that the client holds back until it is asked for waits for the script to read.
  if (!head_->expectsContinue) startBody();
  dispatcher_.launchBeforeSlices(*this);
}

void Invocation::launch() {
  InboundBody* const arriving = std::exchange(launchBody_, nullptr);
  if (worker_ == nullptr || arriving == nullptr) return;
  host::Body body;
  const host::BodyId bodyId = arriving->id();
  if (std::optional<Bytes> whole = arriving->takeWhole()) {
    body = *std::move(whole);
  } else {
    body = host::BodyRef{bodyId, head_->body == http::BodyKind::Length
                                     ? std::optional(head_->contentLength)
                                     : std::nullopt};
  }
  worker_->post(host::FetchEvent{id_, std::move(head_), std::move(body), std::move(call_)});
}

void Invocation::fail(Refusal refusal) {
  end(refusal);
  if (worker_ != nullptr) {
    worker_->post(host::InvocationOver{id_});
    worker_->close(id_);
  }
}

void Invocation::shed() {
  end(Refusal::OverCapacity);
  worker_->close(id_);
}

void Invocation::end(Refusal refusal) {
  dispatcher_.countRefusal(refusal);
  if (tail_) noteRefusal(*tail_, refusal);
  if (exchange_ != nullptr && !responded_) {
    responded_ = responseEnded_ = true;
    refuse(refusal, std::string(gateway::refusalInfo(refusal).text));
  } else if (exchange_ != nullptr && !responseEnded_ && !isTunnel_) {
    responseEnded_ = true;
    exchange_->abort();
  }
}

bool Invocation::respond(http::ResponseHead head, host::Body& body) {
  if (exchange_ == nullptr || responded_) return false;
  responded_ = true;
  if (tail_) tail_->status = head.status;
  if (auto* const bytes = std::get_if<Bytes>(&body)) {
    responseEnded_ = true;
    exchange_->respond(head, std::move(*bytes));
    return false;
  }
  const auto* const ref = std::get_if<host::BodyRef>(&body);
  if (ref == nullptr) {
    responseEnded_ = true;
    exchange_->respond(head, Bytes());
    return false;
  }
  head.body = ref->length ? http::BodyKind::Length : http::BodyKind::Unknown;
  head.contentLength = ref->length.value_or(0);
  exchange_->respondHead(head);
  if (!isHead_) return true;
  endBody();
  return false;
}

std::optional<WebSocketSetup> Invocation::upgrade(http::ResponseHead head) {
  if (exchange_ == nullptr || responded_ || !upgrade_) return std::nullopt;
  responded_ = isTunnel_ = true;
  if (tail_) tail_->status = 101;
  WebSocketSetup setup{.role = websocket::Role::Server};
  head.headers.remove("sec-websocket-extensions");
  if (auto agreed = websocket::chooseExtension(upgrade_->extensions)) {
    setup.compression = agreed->compression;
    head.headers.add("sec-websocket-extensions", agreed->extensions);
  }
  head.headers.set("sec-websocket-accept", websocket::acceptFor(upgrade_->key));
  exchange_->respondHead(head);
  return setup;
}

void Invocation::tunnelTo(BodyReceiver& receiver) {
  requestBody_ = &receiver;
  startBody();
}

/// Tells the log and who watches, with the stack as the script's author knows the code.
void Invocation::reportFailure(const host::Failed& failed) {
  const std::shared_ptr<const deploy::Version>& version = worker_->worker().version();
  if (tail_) noteException(*tail_, failed);
  const std::size_t place = tail_ ? tail_->exceptions.size() - 1 : 0;
  dispatcher_.mapStack(
      version, failed.stack,
      [version, tail = tail_, place, ray = ray(), message = failed.message](std::string stack) {
        telemetry::log(telemetry::Level::Info, "script_exception",
                       {{"tenant", std::string_view(version->tenant)},
                        {"script", std::string_view(version->script)},
                        {"ray", std::string_view(ray)},
                        {"message", std::string_view(message)},
                        {"stack", std::string_view(stack)}});
        if (tail) tail->exceptions[place].stack = std::move(stack);
      });
}

void Invocation::onScriptFailed(const host::Failed& failed) {
  reportFailure(failed);
  const Refusal refusal = failed.overSubrequests  ? Refusal::SubrequestLimit
                          : failed.gaveNoResponse ? Refusal::ScriptNoResponse
                                                  : Refusal::ScriptException;
  dispatcher_.countRefusal(refusal);
  if (exchange_ == nullptr || responseEnded_) return;
  const bool begun = std::exchange(responded_, true);
  responseEnded_ = true;
  if (begun) return exchange_->abort();
  if (!wantsPage_) return refuse(refusal, failed.message);
  // Reads the maps from the disk here and now: this is somebody's development machine.
  answerErrorPage(*exchange_, refusal, ray(), failed.message,
                  dispatcher_.stacks().map(*worker_->worker().version(), failed.stack));
}

void Invocation::refuse(Refusal refusal, std::string what) {
  if (service_ != nullptr) return service_->fail({ErrorCode::Script, std::move(what)});
  answerRefusal(*exchange_, refusal, ray());
}

void Invocation::detachWorker() {
  worker_ = nullptr;
  launchBody_ = nullptr;
  if (tick_ && !responded_ && exchange_ != nullptr) answerTick();
  if (exchange_ != nullptr && !responseEnded_ && feeder_ == nullptr) {
    // Done without an answer, or with a body that nobody will finish.
    responseEnded_ = true;
    if (std::exchange(responded_, true)) {
      exchange_->abort();
    } else {
      refuse(Refusal::ScriptHung,
             "The called script's code had hung and would never generate a response.");
    }
  }
  releaseIfOver();
}

/// The script has done all that the tick asked for.
void Invocation::answerTick() {
  http::ResponseHead head;
  head.headers.add("content-type", "text/plain; charset=utf-8");
  host::Body text = Bytes("ok");
  respond(std::move(head), text);
}

void Invocation::onDeadline() {
  deadlineMillis_ = UINT64_MAX;
  if (responseEnded_ || exchange_ == nullptr) {
    // Only waitUntil() work is left.
    if (worker_ == nullptr) return;
    worker_->post(host::InvocationOver{id_});
    worker_->close(id_);
    return;
  }
  if (!responded_) fail(Refusal::WallLimit);
}

bool Invocation::charge(std::chrono::nanoseconds cpu) noexcept {
  cpu_ += cpu;
  return cpu_ <= dispatcher_.limits().cpuMax;
}

void Invocation::onBody(Bytes chunk) {
  if (requestBody_ != nullptr) {
    requestBody_->receive(std::move(chunk));
  } else if (exchange_ != nullptr) {
    exchange_->consumed(chunk.size());
  }
}

void Invocation::onBodyEnd(http::HeaderList trailers) {
  if (BodyReceiver* const body = std::exchange(requestBody_, nullptr)) body->finish();
}

void Invocation::onDrained() {
  if (feeder_ != nullptr) feeder_->onTargetDrained();
}

void Invocation::onDrain() {
  if (feeder_ != nullptr) feeder_->onDrain();
}

void Invocation::onClosed(const Result<>& ok) {
  exchange_ = nullptr;
  if (!ok && tail_ && tail_->outcome == "ok") tail_->outcome = "canceled";
  if (requestBody_ != nullptr || feeder_ != nullptr) {
    const Error gone = ok ? Error{ErrorCode::Aborted, "the response is complete"} : ok.error();
    if (BodyReceiver* const body = std::exchange(requestBody_, nullptr)) body->breakOff(gone);
    if (BodyFeeder* const feeder = std::exchange(feeder_, nullptr)) feeder->onTargetGone(gone);
  }
  if (worker_ != nullptr) {
    if (!ok) worker_->post(host::ClientGone{id_});
    deadlineMillis_ = std::min(deadlineMillis_,
                               dispatcher_.nowMillis() + dispatcher_.limits().waitUntilMillisMax);
  }
  releaseIfOver();
}

void Invocation::startBody() {
  if (exchange_ != nullptr) exchange_->startBody();
}

void Invocation::bodyConsumed(std::size_t bytes) {
  if (exchange_ != nullptr) exchange_->consumed(bytes);
}

void Invocation::cancelBody() { requestBody_ = nullptr; }

void Invocation::writeBody(Bytes bytes) {
  if (exchange_ != nullptr && !responseEnded_) exchange_->write(std::move(bytes));
}

void Invocation::endBody() {
  if (std::exchange(responseEnded_, true) || exchange_ == nullptr) return;
  exchange_->end();
}

void Invocation::breakBody(const Error& error) {
  if (std::exchange(responseEnded_, true) || exchange_ == nullptr) return;
  exchange_->abort();
}

std::size_t Invocation::bufferedBody() const {
  return exchange_ == nullptr ? 0 : exchange_->bufferedBytes();
}

const std::string& Invocation::ray() {
  if (ray_.empty()) ray_ = makeRay();
  return ray_;
}

void Invocation::onLog(host::Log::Level level, const std::string& text) {
  if (tail_) noteLog(*tail_, level, text);
}

void Invocation::endTail() {
  tail_->cpu = cpu_;
  tail_->wall = std::chrono::milliseconds(dispatcher_.nowMillis() - beganMillis_);
  tail_.reset();
}

void Invocation::releaseIfOver() {
  if (exchange_ != nullptr || worker_ != nullptr || waiting_) return;
  if (tail_) endTail();
  dispatcher_.bury(*this);
}

}  // namespace atolld::dispatch
