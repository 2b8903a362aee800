#include "node/fleet_control.h"

#include <array>
#include <filesystem>
#include <utility>

#include "node/files.h"
#include "replication/control_calls.h"
#include "replication/fleet_client.h"
#include "setup/options.h"
#include "telemetry/metrics.h"
#include "tls/certificate_store.h"
#include "tls/context.h"

namespace atolld::node {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::days kAuthorityValidity{3650};

/// Made once: the certificates of all nodes are its.
Result<tls::Certificate> openAuthority(const config::Config& config, const Clock& clock) {
  const fs::path file = fs::path(config.dataDir) / "fleet-authority.pem";
  if (const auto kept = readFile(file)) return tls::Certificate::fromPem(*kept, *kept);
  ATOLL_TRY(const tls::Certificate made,
            tls::Certificate::authority("Atoll fleet", std::string(replication::kFleetDomain),
                                        kAuthorityValidity, clock));
  // Certificate and key in one file: there are both or none.
  ATOLL_TRY_VOID(writeSecretFile(file, made.chainPem() + made.privateKeyPem()));
  return made;
}

}  // namespace

Result<std::unique_ptr<listen::Listener>> listenForFleet(loop::Loop& loop, Bound& bound,
                                                         const config::Config& config,
                                                         const tls::Certificate& own,
                                                         const std::string& authorityPem,
                                                         http::Handler& handler) {
  tls::Certificates certificates;
  certificates.setDefault(own);
  listen::ListenerOptions options{.socket = std::move(bound.sockets.front()),
                                  .limits = setup::listenLimits(config),
                                  .http = setup::httpLimits(config)};
  ATOLL_TRY(options.tls,
            tls::ServerContext::make({.certificates = std::make_shared<const tls::CertificateStore>(
                                          std::move(certificates)),
                                      .ticketKeys = nullptr,
                                      .clientAuthorityPem = authorityPem}));
  auto listener = std::make_unique<listen::Listener>(loop, std::move(options), handler);
  ATOLL_TRY_VOID(listener->start());
  return listener;
}

FleetControl::FleetControl(const config::Config& config, const Clock& clock, loop::Loop& loop,
                           State& state)
    : config_(config),
      clock_(clock),
      loop_(loop),
      state_(state),
      nodes_(*state.database),
      joinTokens_(*state.database, clock) {}

FleetControl::~FleetControl() = default;

Result<> FleetControl::start() {
  ATOLL_TRY(authority_, openAuthority(config_, clock_));
  ATOLL_TRY(bound_, bindAddress(config_.listen.fleet, 1));
  const std::array names{std::string(replication::kControlName),
                         std::string(replication::kNodeName)};
  ATOLL_TRY(const tls::Certificate leaf,
            tls::Certificate::issued(*authority_, names, kAuthorityValidity, clock_));
  ATOLL_TRY(const tls::Certificate own, leaf.chainedTo(*authority_));
  server_ = std::make_unique<replication::FleetServer>(
      loop_, *state_.database,
      replication::FleetServerOptions{.isRoot = true,
                                      .age = [] { return std::chrono::milliseconds(0); },
                                      .calls = replication::controlCalls(
                                          *state_.database, state_.kv, *authority_, state_.key, view_, clock_),
                                      .checkpointDirectory = config_.dataDir + "/checkpoints"});
  ATOLL_TRY(listener_,
            listenForFleet(loop_, bound_, config_, own, authority_->chainPem(), *server_));
  services_.emplace(control::FleetServices{.database = *state_.database,
                                           .nodes = nodes_,
                                           .joinTokens = joinTokens_,
                                           .view = view_,
                                           .clock = clock_,
                                           .authorityFingerprint = authority_->fingerprint(),
                                           .port = bound_.port});
  telemetry::gauge("atoll_followers", "Nodes that follow this node's log now.",
                   [this] { return static_cast<double>(server_->followerCount()); });
  return {};
}

void FleetControl::onCommitted(std::uint32_t familyBits) { server_->onCommitted(familyBits); }

void FleetControl::drain(std::function<void()> onDrained) {
  server_->drain();
  listener_->drain(std::move(onDrained));
}

}  // namespace atolld::node
