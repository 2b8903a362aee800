#include "node/edge_part.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "loop/machine.h"
#include "node/certificates.h"
#include "node/edge_engine.h"
#include "node/exit_guard.h"
#include "setup/options.h"
#include "tls/context.h"
#include "tls/ticket_keys.h"

namespace atolld::node {

EdgePart::~EdgePart() {
  const ExitGuard guard(std::chrono::seconds(10));
  shards_.clear();
  isolate::CodeCache::shared().setBacking(nullptr);
}

Result<> EdgePart::start() {
  node_.emplace(dispatch::Node{
      state_.table,
      state_.versions,
      state_.assets,
      state_.stacks,
      state_.kv,
      kvWriter_,
      *state_.cache,
      state_.tails,
      state_.storage,
      compute_,
      {.cpuMax = config_.script.cpuTimeMax,
       .wallMillisMax = static_cast<std::uint64_t>(config_.script.wallTimeMax.count()),
       .waitUntilMillisMax = static_cast<std::uint64_t>(config_.script.waitUntilTimeMax.count()),
       .concurrentMax = config_.script.concurrentMax,
       .queueMax = config_.script.queueMax,
       .showsErrors = config_.script.errors == "shown"}});
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t count = config_.shards == 0 ? cores : config_.shards;
  ATOLL_TRY(http_, bindAddress(config_.listen.http, count));
  ATOLL_TRY(https_, bindAddress(config_.listen.https, count));
  if (https_.port != 0) {
    ATOLL_TRY(certificates_, loadCertificates(config_, clock_));
  }
  ATOLL_TRY(upstreamOptions_, setup::outboundOptions(config_));
  return startShards(count);
}

Result<> EdgePart::startShards(std::size_t count) {
  isolate::IsolateLimits isolateLimits = setup::isolateLimits(config_);
  isolateLimits.inspector = inspector_;
  const shard::SchedulerLimits limits{
      .workersMax = std::max<std::size_t>(1, setup::isolatesMax(config_) / count),
      .poolCount = config_.script.isolatePool,
      .eventsMax = config_.script.shardQueueMax,
      .isolate = isolateLimits,
      .budget = std::make_shared<shard::MemoryBudget>(setup::memoryBytesMax(config_), count,
                                                      &loop::residentMemoryBytes)};
  // A profile is of one thread: what is debugged stays where it is.
  const auto quantum =
      inspector_ == nullptr ? config_.script.sliceQuantum : decltype(config_.script.sliceQuantum){};
  const shard::RunnerLimits runnerLimits{.cpuMax = config_.script.cpuTimeMax,
                                         .quantum = quantum,
                                         .sparesMax = config_.script.spareThreadsMax};
  const auto ticketKeys = std::make_shared<tls::TicketKeys>(clock_);
  for (std::size_t i = 0; i < count; ++i) {
    listen::ListenerOptions plain{.limits = setup::listenLimits(config_),
                                  .http = setup::httpLimits(config_)};
    listen::ListenerOptions secure{.limits = setup::listenLimits(config_),
                                   .http = setup::httpLimits(config_)};
    if (http_.port != 0) plain.socket = std::move(http_.sockets[i]);
    if (https_.port != 0) {
      secure.socket = std::move(https_.sockets[i]);
      ATOLL_TRY(secure.tls, tls::ServerContext::make(
                                {.certificates = certificates_, .ticketKeys = ticketKeys}));
    }
    Result<> started;
    shards_.push_back(std::make_unique<shard::Shard>(
        [&](loop::Loop& loop, loop::Mailbox& mailbox) {
          auto engine =
              std::make_unique<EdgeEngine>(*node_, loop, mailbox, limits, upstreamOptions_);
          if (plain.socket) started = engine->listen(std::move(plain));
          if (started && secure.socket) started = engine->listen(std::move(secure));
          return engine;
        },
        runnerLimits));
    ATOLL_TRY_VOID(std::move(started));
  }
  return {};
}

void EdgePart::onDeployed(const gateway::Publisher::Scripts& scripts) {
  for (const auto& shard : shards_) {
    shard->post([scripts](shard::Engine& engine) {
      for (const auto& changed : scripts) {
        static_cast<EdgeEngine&>(engine).onDeployed(changed.tenant, changed.script);
      }
    });
  }
}

void EdgePart::inspect(const std::string& tenant, const std::string& script) {
  for (const auto& shard : shards_) {
    shard->post([tenant, script](shard::Engine& engine) {
      static_cast<EdgeEngine&>(engine).inspect(tenant, script);
    });
  }
}

void EdgePart::sendAway() {
  for (const auto& shard : shards_) {
    shard->post([](shard::Engine& engine) { static_cast<EdgeEngine&>(engine).sendAway(); });
  }
}

void EdgePart::drain(const std::function<void()>& onDrained) {
  for (const auto& shard : shards_) {
    shard->post([this, onDrained](shard::Engine& engine) {
      static_cast<EdgeEngine&>(engine).drain([this, onDrained] { mailbox_.post(onDrained); });
    });
  }
}

}  // namespace atolld::node
