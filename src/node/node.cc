#include "node/node.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "setup/options.h"
#include "shard/trial.h"
#include "telemetry/log.h"

namespace atolld::node {
namespace {

constexpr std::chrono::seconds kExpiryInterval{60};
constexpr std::size_t kExpiryCountMax = 1000;
constexpr std::chrono::seconds kTrimInterval{2};

}  // namespace

Node::Node(const config::CommandLine& line, std::string_view version)
    : line_(line), config_(line.config), version_(version) {}

Node::~Node() {
  if (state_) state_->alsoOnCommitted(nullptr);  // What it tells goes first.
}

Result<> Node::start() {
  if (isEdge()) {
    fleetEdge_.emplace(line_, version_, clock_, loop_);
    ATOLL_TRY_VOID(fleetEdge_->join());
  }
  ATOLL_TRY(state_, openState(config_, clock_, isEdge()));
  ATOLL_TRY(control_, bindAddress(config_.listen.control, 1));
  ATOLL_TRY(admin_, bindAddress(config_.listen.admin, 1));
  ATOLL_TRY(inspect_, bindAddress(config_.listen.inspect, 1));
  if (!isEdge()) localKvWriter_.emplace(state_->kv);
  ATOLL_TRY_VOID(startFleet());
  if (line_.mode != config::Mode::Control) {
    store::KvWriter& writer =
        fleetEdge_ ? fleetEdge_->kvWriter() : static_cast<store::KvWriter&>(*localKvWriter_);
    if (config_.listen.inspect) {
      inspector_.emplace(isolate::Inspector::Options{
          .sourceRoot = config_.script.sourceRoot,
          .readSourceMap = [&registry = state_->registry](const deploy::Module& map) {
            const Result<Bytes> json = registry.moduleContent(map);
            return json ? std::string(json->view()) : std::string();
          }});
    }
    edge_.emplace(config_, clock_, *state_, writer, mailbox_, inspector_ ? &*inspector_ : nullptr);
    ATOLL_TRY_VOID(edge_->start());
  }
  if (!isEdge()) ATOLL_TRY_VOID(startControl());
  ATOLL_TRY_VOID(startAdmin());
  ATOLL_TRY_VOID(startInspect());
  // Whoever reads the ready line may send a signal before run().
  term_.emplace(loop_, SIGTERM, [this] { drain("SIGTERM"); });
  interrupt_.emplace(loop_, SIGINT, [this] { drain("SIGINT"); });
  return {};
}

Result<> Node::startFleet() {
  if (!isEdge() && config_.listen.fleet) {
    fleetControl_.emplace(config_, clock_, loop_, *state_);
    ATOLL_TRY_VOID(fleetControl_->start());
    state_->kv.setPace([this](std::uint64_t index, std::chrono::milliseconds atMost) {
      fleetControl_->pace(index, atMost);
    });
  }
  if (fleetEdge_) ATOLL_TRY_VOID(fleetEdge_->prepare(*state_));
  state_->alsoOnCommitted([this](std::uint32_t families, gateway::Publisher::Scripts scripts) {
    if (fleetControl_) fleetControl_->onCommitted(families);
    if (fleetEdge_) fleetEdge_->onCommitted(families);
    if (scripts.empty()) return;
    mailbox_.post([this, scripts = std::move(scripts)] {
      if (edge_) edge_->onDeployed(scripts);
      if (inspector_) inspectAttached();
    });
  });
  if (fleetEdge_) {
    fleetEdge_->onReport([this] { return health(); });
    fleetEdge_->start(*state_);
  }
  return {};
}

std::string Node::readyLine() const {
  nlohmann::ordered_json line{{"ready", true}};
  const auto add = [&line](const char* name, const Bound* bound) {
    line[name] = bound == nullptr || bound->port == 0 ? nlohmann::ordered_json()
                                                      : nlohmann::ordered_json(bound->address);
  };
  add("http", edge_ ? &edge_->http() : nullptr);
  add("https", edge_ ? &edge_->https() : nullptr);
  add("control", &control_);
  add("admin", &admin_);
  if (inspector_) add("inspect", &inspect_);
  if (fleetControl_) line["fleet"] = fleetControl_->bound().address;
  if (fleetEdge_) {
    add("fleet", &fleetEdge_->bound());
    line["node"] = fleetEdge_->name();
  } else {
    line["token_file"] = config::tokenFile(config_.dataDir);
  }
  if (edge_ && edge_->https().port != 0 && config_.tls.certificates.empty()) {
    line["ca_file"] = config::developmentCaFile(config_.dataDir);
  }
  line["pid"] = getpid();
  return line.dump();
}

void Node::run() {
  if (!isEdge()) scheduleExpiry();
  scheduleTrim();
  while (!drained_) {
    loop_.run(true);
    loop_.runDeferred();
  }
  if (fleetEdge_) fleetEdge_->closeWrites();  // Scripts that wait for one would keep the shards.
  edge_.reset();
  listeners_.clear();
  controlHandler_.reset();
  localKvWriter_.reset();  // With what it still writes: followers are asked for their pace.
  state_->alsoOnCommitted(nullptr);
  fleetControl_.reset();
  fleetEdge_.reset();
  adminHandler_.reset();
  inspectHandler_.reset();
  mailbox_.close();
}

Result<> Node::startControl() {
  controlHandler_ = std::make_unique<control::ControlHandler>(
      loop_,
      control::Services{.registry = state_->registry,
                        .kv = state_->kv,
                        .tokens = state_->tokens,
                        .tenants = state_->tenants,
                        .audit = state_->audit,
                        .tails = state_->tails,
                        .clock = clock_,
                        .validate =
                            [limits = setup::trialLimits(config_),
                             mayRun = edge_.has_value()](const deploy::Version& version) {
                              // No tenant's code runs in a control plane: what only running it
                              // would tell, the edges find out.
                              return mayRun ? shard::tryLoad(version, limits)
                                            : shard::tryLink(version);
                            },
                        .kvValueBytesMax = config_.kv.valueBytesMax,
                        .node = {.version = version_,
                                 .defaultDomain = config_.defaultDomain,
                                 .httpPort = edge_ ? edge_->http().port : std::uint16_t{0},
                                 .httpsPort = edge_ ? edge_->https().port : std::uint16_t{0}},
                        .fleet = fleetControl_ ? &fleetControl_->services() : nullptr},
      control::HandlerOptions{.bodyBytesMax = config_.control.bodyBytesMax,
                              .pendingBytesMax = config_.control.pendingBytesMax,
                              .threadCount = config_.control.threads,
                              .hostname = config_.control.hostname,
                              .callsPerSecond = config_.control.callsPerSecond,
                              .authFailuresPerMinute = config_.control.authFailuresPerMinute});
  return startListener(control_, *controlHandler_);
}

Result<> Node::startAdmin() {
  adminHandler_ = std::make_unique<control::AdminHandler>([this] { return readiness(); });
  return startListener(admin_, *adminHandler_);
}

Result<> Node::startInspect() {
  if (!inspector_) return {};
  inspectHandler_ = std::make_unique<control::InspectHandler>(
      *inspector_, state_->registry, mailbox_,
      control::InspectHandler::Options{.version = version_,
                                       .onWaiting = [this](const isolate::InspectedScript& script) {
                                         if (edge_)
                                           edge_->inspect(script.tenant(), script.script());
                                       }});
  return startListener(inspect_, *inspectHandler_);
}

/// A version that was deployed just now is loaded at once, so that breakpoints are in it.
void Node::inspectAttached() {
  if (!edge_) return;
  for (const auto& script : inspector_->attached()) {
    edge_->inspect(script->tenant(), script->script());
  }
}

Result<> Node::startListener(Bound& bound, http::Handler& handler) {
  if (bound.port == 0) return {};
  listen::ListenerOptions options{.socket = std::move(bound.sockets.front()),
                                  .limits = setup::listenLimits(config_),
                                  .http = setup::httpLimits(config_)};
  listeners_.push_back(std::make_unique<listen::Listener>(loop_, std::move(options), handler));
  return listeners_.back()->start();
}

/// Rows of expired KV entries and old audit records go in small entries of the log, now and then.
void Node::scheduleExpiry() {
  expiryTimer_.start(kExpiryInterval, [this] {
    state_->storage.submit([this] {
      for (const auto& collected :
           {state_->kv.collectExpired(kExpiryCountMax), state_->kv.collectRequests(kExpiryCountMax),
            state_->kv.collectUploads(), state_->audit.collect(config_.control.auditRecordsMax)}) {
        if (collected) continue;
        telemetry::log(telemetry::Level::Warn, "collecting_failed",
                       {{"error", std::string_view(collected.error().detail)}});
      }
    });
    scheduleExpiry();
  });
}

/// The log keeps what the operator said, and up to twice that for followers that need it.
void Node::scheduleTrim() {
  trimTimer_.start(kTrimInterval, [this] {
    scheduleTrim();
    const std::uint64_t end = state_->database->position().index + 1;
    const std::uint64_t most = config_.replication.logEntriesMax;
    if (end <= most) return;
    std::uint64_t needed = UINT64_MAX;
    if (fleetControl_) needed = fleetControl_->firstNeeded();
    if (fleetEdge_) needed = fleetEdge_->firstNeeded();
    const std::uint64_t bound = end > 2 * most ? end - 2 * most : 0;
    const std::uint64_t keepFrom = std::min(end - most, std::max(needed, bound));
    state_->storage.submit([this, keepFrom] {
      if (const auto trimmed = state_->database->trimLog(keepFrom); !trimmed) {
        telemetry::log(telemetry::Level::Warn, "log_not_trimmed",
                       {{"error", std::string_view(trimmed.error().detail)}});
      }
    });
  });
}

/// Clients of a drained node are sent elsewhere: what they keep open would bring them back.
std::string Node::health() {
  if (edge_ && !draining_ && fleetEdge_->isDrained()) edge_->sendAway();
  const std::string text = readiness().text;
  const std::string line = text.substr(0, text.find('\n'));
  return line.empty() ? "ready" : line;
}

control::AdminHandler::Readiness Node::readiness() const {
  if (draining_) return {.isReady = false, .text = "draining\n"};
  if (!fleetEdge_) return {};
  if (fleetEdge_->isDrained()) {
    return {.isReady = false, .text = "drained by an operator (atoll nodes undrain)\n"};
  }
  const auto age = fleetEdge_->status().age;
  const bool isOld =
      config_.replication.ageMax.count() > 0 && (!age || *age > config_.replication.ageMax);
  return {.isReady = !isOld,
          .text = std::string(isOld ? "too old" : "ready") + "\nknowledge_age_ms " +
                  (age ? std::to_string(age->count()) : "unknown") + "\n"};
}

void Node::drain(const char* signal) {
  if (std::exchange(draining_, true)) return;
  if (inspector_) inspector_->close();  // A script that stands at a breakpoint goes on.
  telemetry::log(telemetry::Level::Info, "draining", {{"signal", std::string_view(signal)}});
  // The edge first: deploys in flight are answered while requests finish.
  pendingDrains_ = (edge_ ? edge_->shardCount() : 0) + listeners_.size();
  const auto onDrained = [this] { drained_ = --pendingDrains_ == 0; };
  if (fleetControl_) ++pendingDrains_;
  if (fleetEdge_ && fleetEdge_->bound().port != 0) ++pendingDrains_;
  drained_ = pendingDrains_ == 0;
  if (fleetControl_) fleetControl_->drain(onDrained);
  if (fleetEdge_) fleetEdge_->drain(onDrained);
  if (edge_) edge_->drain(onDrained);
  for (const auto& listener : listeners_) listener->drain(onDrained);
}

}  // namespace atolld::node
