#include "node/fleet_control.h"

#include <array>
#include <filesystem>
#include <format>
#include <utility>

#include "base/encoding.h"
#include "node/files.h"
#include "replication/control_calls.h"
#include "replication/fleet_client.h"
#include "setup/options.h"
#include "store/crypto.h"
#include "store/replica_directory.h"
#include "telemetry/metrics.h"
#include "tls/certificate_store.h"
#include "tls/context.h"

namespace atolld::node {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::days kAuthorityValidity{3650};
constexpr const char* kAuthorityFile = "fleet-authority.pem";

/// Made once: the certificates of all nodes are its.
Result<tls::Certificate> openAuthority(const config::Config& config, const Clock& clock) {
  const fs::path file = fs::path(config.dataDir) / kAuthorityFile;
  if (const auto kept = readFile(file)) return tls::Certificate::fromPem(*kept, *kept);
  ATOLL_TRY(const tls::Certificate made,
            tls::Certificate::authority("Atoll fleet", std::string(replication::kFleetDomain),
                                        kAuthorityValidity, clock));
  // Certificate and key in one file: there are both or none.
  ATOLL_TRY_VOID(writeSecretFile(file, made.chainPem() + made.privateKeyPem()));
  return made;
}

}  // namespace

Result<std::shared_ptr<const tls::ServerContext>> fleetServerContext(
    const tls::Certificate& own, const std::string& authorityPem) {
  tls::Certificates certificates;
  certificates.setDefault(own);
  return tls::ServerContext::make(
      {.certificates = std::make_shared<const tls::CertificateStore>(std::move(certificates)),
       .ticketKeys = nullptr,
       .clientAuthorityPem = authorityPem});
}

Result<std::unique_ptr<listen::Listener>> listenForFleet(loop::Loop& loop, Bound& bound,
                                                         const config::Config& config,
                                                         const tls::Certificate& own,
                                                         const std::string& authorityPem,
                                                         http::Handler& handler) {
  listen::ListenerOptions options{.socket = std::move(bound.sockets.front()),
                                  .limits = setup::listenLimits(config),
                                  .http = setup::httpLimits(config)};
  ATOLL_TRY(options.tls, fleetServerContext(own, authorityPem));
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
      replication::FleetServerOptions{
          .isRoot = true,
          .age = [] { return std::chrono::milliseconds(0); },
          .calls = replication::controlCalls(*state_.database, state_.kv, *authority_, state_.key,
                                             view_, state_.tails, clock_),
          .checkpointDirectory = config_.dataDir + "/checkpoints"});
  ATOLL_TRY(listener_,
            listenForFleet(loop_, bound_, config_, own, authority_->chainPem(), *server_));
  services_.emplace(control::FleetServices{.database = *state_.database,
                                           .nodes = nodes_,
                                           .joinTokens = joinTokens_,
                                           .view = view_,
                                           .clock = clock_,
                                           .authorityFingerprint = authority_->fingerprint(),
                                           .port = bound_.port,
                                           .backup = [this] { return backup(); }});
  telemetry::gauge("atoll_followers", "Nodes that follow this node's log now.",
                   [this] { return static_cast<double>(server_->followerCount()); });
  return {};
}

Result<std::string> FleetControl::backup() const {
  const fs::path data = config_.dataDir;
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  const std::string name = std::format("{:%Y%m%dT%H%M%SZ}-{}", now, toHex(store::randomBytes(3)));
  const fs::path part = data / "backups" / (name + ".part");
  std::error_code error;
  fs::create_directories(part, error);
  if (!error) fs::permissions(data / "backups", fs::perms::owner_all, error);
  if (!error) fs::permissions(part, fs::perms::owner_all, error);
  if (error) return fail(ErrorCode::Io, part.string() + ": " + error.message());
  const auto copy = [&]() -> Result<> {
    ATOLL_TRY_VOID(state_.database->checkpoint((part / store::kReplicaPrefix).string()));
    for (const fs::path& file : {fs::path(kAuthorityFile), fs::path(clusterKeyFile({})).filename(),
                                 fs::path(config::tokenFile(config_.dataDir)).filename()}) {
      const auto content = readFile(data / file);
      if (!content) continue;  // The owner may have taken the token away.
      ATOLL_TRY_VOID(writeSecretFile(part / file, *content));
    }
    return {};
  };
  const Result<> copied = copy();
  const fs::path whole = data / "backups" / name;
  if (copied) fs::rename(part, whole, error);  // Last: what has this name is whole.
  if (copied && !error) return whole.string();
  std::error_code ignored;
  fs::remove_all(part, ignored);
  if (!copied) return std::unexpected(copied.error());
  return fail(ErrorCode::Io, whole.string() + ": " + error.message());
}

void FleetControl::onCommitted(std::uint32_t familyBits) { server_->onCommitted(familyBits); }

void FleetControl::drain(std::function<void()> onDrained) {
  server_->drain();
  listener_->drain(std::move(onDrained));
}

}  // namespace atolld::node
