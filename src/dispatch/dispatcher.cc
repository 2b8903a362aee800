#include "dispatch/dispatcher.h"

#include <algorithm>
#include <utility>

#include "dispatch/asset_answer.h"
#include "dispatch/service_call.h"
#include "dispatch/tick.h"
#include "dispatch/worker_state.h"
#include "isolate/code_cache.h"
#include "telemetry/log.h"

namespace atolld::dispatch {

namespace host = isolate::host;

namespace {

constexpr std::chrono::milliseconds kSweepInterval{1000};
/// Files are answered without a worker, whose end would have the shard forget the version.
constexpr std::uint64_t kVersionIdleMillisMax = 60'000;
/// Scripts that call scripts that call scripts …
constexpr unsigned kServiceDepthMax = 32;

}  // namespace

Dispatcher::Dispatcher(const Node& node, loop::Loop& loop, loop::Mailbox& mailbox,
                       upstream::Client& upstream, const shard::SchedulerLimits& limits)
    : node_(node),
      loop_(loop),
      mailbox_(mailbox),
      upstream_(upstream),
      liveTable_(node.table),
      sweepTimer_(loop),
      requests_(telemetry::counter("atoll_requests_total", "Requests received for scripts.")) {
  scheduler_.emplace(loop, *this, limits);
  sweepTimer_.start(kSweepInterval, [this] { sweep(); });
}

Dispatcher::~Dispatcher() {
  jobs_->waitForAll();
  for (auto& [id, slot] : versions_) {
    for (Invocation* const invocation : std::exchange(slot.waiting, {})) {
      invocation->waiting_ = false;
      invocation->releaseIfOver();
    }
  }
  scheduler_.reset();
  beforeSlices();
}

void Dispatcher::Jobs::begin() {
  const std::scoped_lock lock(mutex_);
  ++count_;
}

void Dispatcher::Jobs::end() {
  const std::scoped_lock lock(mutex_);
  if (--count_ == 0) none_.notify_all();
}

void Dispatcher::Jobs::waitForAll() {
  std::unique_lock lock(mutex_);
  none_.wait(lock, [this] { return count_ == 0; });
}

void Dispatcher::beforeSlices() {
  for (Invocation* const invocation : std::exchange(launching_, {})) invocation->launch();
  for (Invocation* const invocation : std::exchange(buried_, {})) delete invocation;
  retiredInbound_.clear();
  retiredOutbound_.clear();
  retiredSockets_.clear();
}

void Dispatcher::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  requests_.add();
  Invocation& invocation = Invocation::begin(*this, exchange, std::move(head));
  const gateway::DeploymentRef& deployment =
      liveTable_.current().find(invocation.head()->authority, invocation.head()->target);
  if (!deployment) return invocation.fail(Refusal::NoRoute);
  if (asksForTick(*invocation.head()) && !invocation.becomeTick()) return;
  route(invocation, deployment);
}

void Dispatcher::callService(ServiceCall& call, std::unique_ptr<http::RequestHead> head,
                             std::unique_ptr<isolate::host::Service> service,
                             const std::shared_ptr<const deploy::Version>& asking, unsigned depth) {
  Invocation& invocation = Invocation::beginService(*this, call, std::move(head), *service, depth);
  if (depth > kServiceDepthMax) {
    return call.fail({ErrorCode::Overloaded,
                      "Subrequest depth limit exceeded. This request recursed through Workers too "
                      "many times: " +
                          std::to_string(kServiceDepthMax) + " are allowed."});
  }
  if (service->isAssets) {
    if (service->call.isRpc || !asking->assets) {
      return call.fail({ErrorCode::InvalidArgument,
                        "static files are fetched: this binding has no other methods"});
    }
    const assets::Site& site = *asking->assets;
    return answerFromSite(*this, invocation, site, site.find(invocation.head()->target));
  }
  if (service->script.empty()) return startOn(invocation, asking);
  const gateway::DeploymentRef& deployment =
      liveTable_.current().findScript(asking->tenant, service->script);
  if (!deployment) {
    return call.fail({ErrorCode::NotFound, "there is no deployed script \"" + service->script +
                                               "\" behind this service binding"});
  }
  route(invocation, deployment);
}

void Dispatcher::expect(std::string_view host) {
  const gateway::DeploymentRef& deployment = liveTable_.current().find(host, "/");
  if (deployment) expect(deployment, deployment->shares.front().versionId);
}

void Dispatcher::expectScript(std::string_view tenant, std::string_view script) {
  const gateway::DeploymentRef& deployment = liveTable_.current().findScript(tenant, script);
  if (deployment) expect(deployment, deployment->shares.front().versionId);
}

void Dispatcher::onDeployed(std::string_view tenant, std::string_view script) {
  const gateway::DeploymentRef deployment = liveTable_.current().findScript(tenant, script);
  const bool runsHere = std::ranges::any_of(workers_, [&](const auto& worker) {
    const deploy::Version& version = *worker.second->worker().version();
    return version.tenant == tenant && version.script == script;
  });
  if (!deployment || !runsHere) return;
  for (const deploy::Deployment::Share& share : deployment->shares)
    expect(deployment, share.versionId);
}

void Dispatcher::expect(const gateway::DeploymentRef& deployment, const std::string& versionId) {
  if (failedLoads_.find(versionId, nowMillis()) || limitBreaks_.find(versionId, nowMillis())) {
    return;
  }
  VersionSlot& slot = versions_[versionId];
  slot.usedMillis = nowMillis();
  if (slot.loading || slot.version) return;  // There is a worker, or will be.
  slot.version = findAtHand(*deployment, versionId);
  if (slot.version) return warm(slot.version);
  slot.expected = slot.loading = true;
  loadVersion(deployment, versionId);
}

void Dispatcher::warm(std::shared_ptr<const deploy::Version> version) {
  if (version->mainModule.empty()) return;  // Files need no worker.
  shard::Worker* const worker = scheduler_->warm(version);
  if (worker == nullptr) return forgetVersion(version->id);
  worker->attachment = std::make_unique<WorkerState>(*this, *worker);
}

void Dispatcher::route(Invocation& invocation, const gateway::DeploymentRef& deployment) {
  // A Weyl sequence: uniform over requests, and even over few of them.
  weyl_ += 0x9e3779b97f4a7c15ull;
  const std::string& versionId = gateway::pickShare(*deployment, weyl_).versionId;
  if (const auto refusal = failedLoads_.find(versionId, nowMillis())) {
    return invocation.fail(*refusal);
  }
  if (const auto refusal = limitBreaks_.find(versionId, nowMillis())) {
    return invocation.fail(*refusal);
  }
  VersionSlot& slot = versions_[versionId];
  if (!slot.version && !slot.loading) slot.version = findAtHand(*deployment, versionId);
  slot.usedMillis = nowMillis();
  if (slot.version) return startOn(invocation, slot.version);
  invocation.waiting_ = true;
  slot.waiting.push_back(&invocation);
  if (!std::exchange(slot.loading, true)) loadVersion(deployment, versionId);
}

/// A version for which there is nothing to wait: it and its compiled code are in memory.
std::shared_ptr<const deploy::Version> Dispatcher::findAtHand(const deploy::Deployment& deployment,
                                                              const std::string& versionId) {
  auto version = node_.versions.tryLoad(deployment.tenant, deployment.script, versionId);
  if (version != nullptr && !isolate::CodeCache::shared().holds(*version)) return nullptr;
  return version;
}

void Dispatcher::startOn(Invocation& invocation,
                         const std::shared_ptr<const deploy::Version>& version) {
  if (version->assets && invocation.mayBeFile()) {
    const http::RequestHead& head = *invocation.head();
    const bool isNavigation = head.headers.find("sec-fetch-mode") == "navigate";
    const auto answer = version->assets->findBeforeScript(head.target, isNavigation);
    if (answer) {
      invocation.watchFile(*version);
      return answerFromSite(*this, invocation, *version->assets, *answer);
    }
  }
  if (version->mainModule.empty()) return invocation.fail(Refusal::ScriptLoadFailed);
  const Result<shard::Worker*> leased = scheduler_->lease(version);
  if (!leased) return invocation.fail(refusalOf(leased.error()));
  shard::Worker& worker = **leased;
  // Refused while that is cheap: the newest, so that those who wait longest are answered.
  if (worker.queueLength() >= limits().queueMax || worker.openCount() >= limits().concurrentMax ||
      !scheduler_->makeRoomFor(worker)) {
    return invocation.fail(Refusal::OverCapacity);
  }
  if (!worker.attachment) worker.attachment = std::make_unique<WorkerState>(*this, worker);
  invocation.start(static_cast<WorkerState&>(*worker.attachment));
}

void Dispatcher::loadAsset(const std::string& hash, std::uint32_t index,
                           std::function<void(Result<Bytes>)> then) {
  runOn(
      node_.storage, [&cache = node_.assets, hash, index] { return cache.load(hash, index); },
      std::move(then));
}

void Dispatcher::mapStack(const std::shared_ptr<const deploy::Version>& version, std::string stack,
                          std::function<void(std::string stack)> then) {
  constexpr std::size_t kWaitingStacksMax = 256;
  if (stack.empty() || version->sourceMaps.empty() || stacks_.size() == kWaitingStacksMax) {
    return then(std::move(stack));
  }
  stacks_.push_back({version, std::move(stack), std::move(then)});
  if (!std::exchange(isMapping_, true)) mapWaitingStacks();
}

/// One thread at a time: maps can be large, and others wait for storage threads too.
void Dispatcher::mapWaitingStacks() {
  runOn(
      node_.storage,
      [&mapper = node_.stacks, waiting = std::exchange(stacks_, {})]() mutable {
        for (WaitingStack& each : waiting) each.stack = mapper.map(*each.version, each.stack).text;
        return std::move(waiting);
      },
      [this](std::vector<WaitingStack> mapped) {
        for (WaitingStack& each : mapped) each.then(std::move(each.stack));
        isMapping_ = !stacks_.empty();
        if (isMapping_) mapWaitingStacks();
      });
}

void Dispatcher::loadVersion(const std::shared_ptr<const deploy::Deployment>& deployment,
                             const std::string& versionId) {
  runOn(
      node_.storage,
      [&versions = node_.versions, deployment, versionId] {
        auto version = versions.load(deployment->tenant, deployment->script, versionId);
        if (version) isolate::CodeCache::shared().fetch(**version);
        return version;
      },
      [this, versionId, start = std::chrono::steady_clock::now()](
          Result<std::shared_ptr<const deploy::Version>> version) {
        scheduler_->counters().lookupNanos.add(
            static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count()));
        onVersionLoaded(versionId, std::move(version));
      });
}

void Dispatcher::onVersionLoaded(const std::string& versionId,
                                 Result<std::shared_ptr<const deploy::Version>> version) {
  VersionSlot& slot = versions_[versionId];
  const std::vector<Invocation*> waiting = std::exchange(slot.waiting, {});
  slot.loading = false;
  const bool expected = std::exchange(slot.expected, false);
  if (version) {
    slot.version = *version;
    if (expected && waiting.empty()) return warm(*version);
  } else {
    telemetry::log(telemetry::Level::Error, "version_unreadable",
                   {{"version", std::string_view(versionId)},
                    {"error", std::string_view(version.error().detail)}});
    versions_.erase(versionId);
  }
  for (Invocation* const invocation : waiting) {
    invocation->waiting_ = false;
    if (invocation->exchange_ == nullptr) {
      invocation->releaseIfOver();
    } else if (version) {
      startOn(*invocation, *version);
    } else {
      invocation->fail(Refusal::Internal);
    }
  }
}

void Dispatcher::forgetVersion(const std::string& versionId) {
  const auto found = versions_.find(versionId);
  if (found != versions_.end() && !found->second.loading) versions_.erase(found);
}

void Dispatcher::onEffects(shard::Worker& worker, host::Outbox& outbox,
                           std::span<const shard::Charge> charges) {
  failedLoads_.onLoaded(worker.version()->id);
  static_cast<WorkerState&>(*worker.attachment).apply(outbox, charges);
}

std::chrono::nanoseconds Dispatcher::cpuUsed(shard::Worker& worker, host::InvocationId invocation) {
  if (!worker.attachment) return {};
  return static_cast<WorkerState&>(*worker.attachment).cpuUsed(invocation);
}

void Dispatcher::onWorkerLost(shard::Worker& worker, const Error& error) {
  const deploy::Version& version = *worker.version();
  telemetry::log(telemetry::Level::Warn, "isolate_lost",
                 {{"tenant", std::string_view(version.tenant)},
                  {"script", std::string_view(version.script)},
                  {"version", std::string_view(version.id)},
                  {"error", std::string_view(error.detail)}});
  const Refusal refusal = refusalOf(error);
  // Of the script's own doing; a node without room may have some in a moment.
  const bool isScripts = refusal == Refusal::ScriptLoadFailed || refusal == Refusal::CpuLimit ||
                         refusal == Refusal::MemoryLimit;
  if (!worker.isLoaded() && isScripts) failedLoads_.onFailed(version.id, refusal, nowMillis());
  if (worker.isLoaded()) limitBreaks_.onBroken(version.id, refusal, nowMillis());
  if (worker.attachment) static_cast<WorkerState&>(*worker.attachment).failAll(error);
}

void Dispatcher::onShed(shard::Worker& worker, host::InvocationId invocation) {
  static_cast<WorkerState&>(*worker.attachment).shed(invocation);
}

void Dispatcher::link(Invocation& invocation) {
  invocation.next_ = open_;
  if (open_ != nullptr) open_->previous_ = &invocation;
  open_ = &invocation;
  ++openCount_;
}

void Dispatcher::bury(Invocation& invocation) {
  if (invocation.previous_ != nullptr) invocation.previous_->next_ = invocation.next_;
  if (invocation.next_ != nullptr) invocation.next_->previous_ = invocation.previous_;
  if (open_ == &invocation) open_ = invocation.next_;
  --openCount_;
  std::erase(launching_, &invocation);
  buried_.push_back(&invocation);
}

void Dispatcher::countRefusal(Refusal refusal) {
  telemetry::counter("atoll_refusals_total", "Requests answered by the node for the script.",
                     "code=\"" + std::string(gateway::refusalInfo(refusal).code) + "\"")
      .add();
}

std::uint64_t Dispatcher::registerWorker(WorkerState& state) {
  workers_.emplace(++lastSerial_, &state);
  return lastSerial_;
}

void Dispatcher::unregisterWorker(WorkerState& state) {
  workers_.erase(state.serial());
  forgetVersion(state.worker().version()->id);
}

WorkerState* Dispatcher::findWorker(std::uint64_t serial) {
  const auto found = workers_.find(serial);
  return found == workers_.end() ? nullptr : found->second;
}

void Dispatcher::sweep() {
  const std::uint64_t now = nowMillis();
  for (Invocation* invocation = open_; invocation != nullptr;) {
    Invocation* const next = invocation->next_;
    if (invocation->deadlineMillis() <= now) invocation->onDeadline();
    invocation = next;
  }
  scheduler_->relieve();
  std::erase_if(versions_, [now](const auto& item) {
    const VersionSlot& slot = item.second;
    return slot.waiting.empty() && !slot.loading && slot.usedMillis + kVersionIdleMillisMax < now;
  });
  failedLoads_.sweep(now);
  limitBreaks_.sweep(now);
  sweepTimer_.start(kSweepInterval, [this] { sweep(); });
}

}  // namespace atolld::dispatch
