#include "node/node.h"

#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "loop/signal_watcher.h"
#include "setup/options.h"
#include "shard/trial.h"
#include "telemetry/log.h"

namespace atolld::node {
namespace {

constexpr std::chrono::seconds kExpiryInterval{60};
constexpr std::size_t kExpiryCountMax = 1000;

}  // namespace

Node::Node(const config::CommandLine& line, std::string_view version)
    : config_(line.config), version_(version) {}

Node::~Node() = default;

Result<> Node::start() {
  ATOLL_TRY(state_, openState(config_, clock_));
  ATOLL_TRY(control_, bindAddress(config_.listen.control, 1));
  ATOLL_TRY(admin_, bindAddress(config_.listen.admin, 1));
  edge_.emplace(config_, clock_, *state_, mailbox_);
  ATOLL_TRY_VOID(edge_->start());
  ATOLL_TRY_VOID(startControl());
  return startAdmin();
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
  line["token_file"] = config::tokenFile(config_.dataDir);
  if (edge_ && edge_->https().port != 0 && config_.tls.certificates.empty()) {
    line["ca_file"] = config::developmentCaFile(config_.dataDir);
  }
  line["pid"] = getpid();
  return line.dump();
}

void Node::run() {
  scheduleExpiry();
  const loop::SignalWatcher term(loop_, SIGTERM, [this] { drain("SIGTERM"); });
  const loop::SignalWatcher interrupt(loop_, SIGINT, [this] { drain("SIGINT"); });
  while (!drained_) {
    loop_.run(true);
    loop_.runDeferred();
  }
  edge_.reset();
  listeners_.clear();
  controlHandler_.reset();
  adminHandler_.reset();
  mailbox_.close();
}

Result<> Node::startControl() {
  controlHandler_ = std::make_unique<control::ControlHandler>(
      loop_,
      control::Services{.registry = state_->registry,
                        .kv = state_->kv,
                        .tokens = state_->tokens,
                        .clock = clock_,
                        .validate =
                            [limits = setup::trialLimits(config_)](const deploy::Version& version) {
                              return shard::tryLoad(version, limits);
                            },
                        .kvValueBytesMax = config_.kv.valueBytesMax,
                        .node = {.version = version_,
                                 .defaultDomain = config_.defaultDomain,
                                 .httpPort = edge_ ? edge_->http().port : std::uint16_t{0},
                                 .httpsPort = edge_ ? edge_->https().port : std::uint16_t{0}}},
      control::HandlerOptions{.bodyBytesMax = config_.control.bodyBytesMax,
                              .pendingBytesMax = config_.control.pendingBytesMax,
                              .threadCount = config_.control.threads,
                              .hostname = config_.control.hostname});
  return startListener(control_, *controlHandler_);
}

Result<> Node::startAdmin() {
  adminHandler_ = std::make_unique<control::AdminHandler>([this] { return !draining_; });
  return startListener(admin_, *adminHandler_);
}

Result<> Node::startListener(Bound& bound, http::Handler& handler) {
  if (bound.port == 0) return {};
  listen::ListenerOptions options{.socket = std::move(bound.sockets.front()),
                                  .limits = setup::listenLimits(config_),
                                  .http = setup::httpLimits(config_)};
  listeners_.push_back(std::make_unique<listen::Listener>(loop_, std::move(options), handler));
  return listeners_.back()->start();
}

/// Rows of expired KV entries go in small entries of the log, now and then.
void Node::scheduleExpiry() {
  expiryTimer_.start(kExpiryInterval, [this] {
    state_->storage.submit([this] {
      if (const auto collected = state_->kv.collectExpired(kExpiryCountMax); !collected) {
        telemetry::log(telemetry::Level::Warn, "kv_expiry_failed",
                       {{"error", std::string_view(collected.error().detail)}});
      }
    });
    scheduleExpiry();
  });
}

void Node::drain(const char* signal) {
  if (std::exchange(draining_, true)) return;
  telemetry::log(telemetry::Level::Info, "draining", {{"signal", std::string_view(signal)}});
  // The edge first: deploys in flight are answered while requests finish.
  pendingDrains_ = (edge_ ? edge_->shardCount() : 0) + listeners_.size();
  drained_ = pendingDrains_ == 0;
  const auto onDrained = [this] { drained_ = --pendingDrains_ == 0; };
  if (edge_) edge_->drain(onDrained);
  for (const auto& listener : listeners_) listener->drain(onDrained);
}

}  // namespace atolld::node
