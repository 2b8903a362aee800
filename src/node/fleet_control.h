#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "control/fleet_services.h"
#include "listen/listener.h"
#include "loop/loop.h"
#include "node/bound.h"
#include "node/state.h"
#include "replication/fleet_server.h"
#include "replication/fleet_view.h"
#include "store/join_token_store.h"
#include "store/node_store.h"
#include "tls/certificate.h"

namespace atolld::node {

/// The fleet's side of a control plane: its authority, made on first start, and what it answers to
/// nodes. Main thread only.
class FleetControl {
 public:
  /// All outlive it.
  FleetControl(const config::Config& config, const Clock& clock, loop::Loop& loop, State& state);
  ~FleetControl();

  /// @error Unavailable (the address), Io
  Result<> start();
  control::FleetServices& services() { return *services_; }
  const Bound& bound() const { return bound_; }
  void onCommitted(std::uint32_t familyBits);
  /// Makes a copy of this control plane, while it runs: a data directory of its own, below
  /// `backups` in this one's. Blocks on disk: storage threads only. @error Io
  Result<std::string> backup() const;
  /// For KvStore::setPace. Any thread but this one.
  void pace(std::uint64_t index, std::chrono::milliseconds atMost) { server_->pace(index, atMost); }
  std::uint64_t firstNeeded() const { return server_->firstNeeded(); }
  void drain(std::function<void()> onDrained);

 private:
  const config::Config& config_;
  const Clock& clock_;
  loop::Loop& loop_;
  State& state_;
  Bound bound_;
  std::optional<tls::Certificate> authority_;
  replication::FleetView view_;
  store::NodeStore nodes_;
  store::JoinTokenStore joinTokens_;
  std::optional<control::FleetServices> services_;
  std::unique_ptr<replication::FleetServer> server_;
  std::unique_ptr<listen::Listener> listener_;  // First to go: it calls server_.
};

/// Certificates on both sides. @error InvalidArgument
Result<std::shared_ptr<const tls::ServerContext>> fleetServerContext(
    const tls::Certificate& own, const std::string& authorityPem);
/// A listener for the fleet: certificates on both sides, long streams.
Result<std::unique_ptr<listen::Listener>> listenForFleet(loop::Loop& loop, Bound& bound,
                                                         const config::Config& config,
                                                         const tls::Certificate& own,
                                                         const std::string& authorityPem,
                                                         http::Handler& handler);

}  // namespace atolld::node
