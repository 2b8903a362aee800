#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/command_line.h"
#include "listen/listener.h"
#include "loop/loop.h"
#include "loop/resolver.h"
#include "loop/thread_pool.h"
#include "loop/timer.h"
#include "node/bound.h"
#include "node/state.h"
#include "replication/fleet_client.h"
#include "replication/fleet_server.h"
#include "replication/fleet_view.h"
#include "replication/follower.h"
#include "replication/identity.h"
#include "replication/remote_kv_writer.h"
#include "replication/tail_relay.h"

namespace atolld::node {

/// The fleet's side of an edge: who it is, whom it follows, who follows it. Main thread only.
class FleetEdge {
 public:
  /// All outlive it.
  FleetEdge(const config::CommandLine& line, std::string version, const Clock& clock,
            loop::Loop& loop);
  ~FleetEdge();

  /// Who this node is: as it joined once, or by joining now. Runs the loop meanwhile.
  /// @error InvalidArgument (wrong usage), or why it may not or cannot join
  Result<> join();
  /// Everything but following: kvWriter() and status() are there. @error Unavailable, Io
  Result<> prepare(State& state);
  /// Follows. Returns at once if there is something to serve, else once everything has come.
  void start(State& state);

  store::KvWriter& kvWriter() { return *writer_; }
  const std::string& name() const { return identity_.name; }
  const Bound& bound() const { return bound_; }
  replication::FollowerStatus status() const { return follower_->status(); }
  void onCommitted(std::uint32_t familyBits);
  /// An operator wants this node to get no traffic. Any thread.
  bool isDrained() const { return isDrained_; }
  /// Asked at every report: what readyz says, in a word or two.
  void onReport(std::function<std::string()> health) { health_ = std::move(health); }
  std::uint64_t firstNeeded() const { return server_ ? server_->firstNeeded() : UINT64_MAX; }
  /// Nothing is written any more; scripts that wait for a write hear so.
  void closeWrites() { writer_->close(); }
  /// Nobody is called where nobody is served.
  void drain(std::function<void()> onDrained);

 private:
  Result<> findControl(replication::Identity& identity);
  Result<> enroll(replication::Identity& identity, const replication::JoinToken& token);
  Result<> keep(const replication::Identity& identity) const;
  Result<std::shared_ptr<const tls::ClientContext>> clientContext(std::string_view peerName) const;
  Result<> startRelay(State& state);
  void report();
  void renewIfDue();
  void useNewCertificate();
  void lookUpDrained();
  void addLoad(replication::NodeReport& report);
  void registerMetrics() const;

  const config::CommandLine& line_;
  const std::string version_;
  const Clock& clock_;
  loop::Loop& loop_;
  replication::Identity identity_;
  loop::ThreadPool lookups_{"lookup", 1};
  loop::Resolver resolver_;
  std::unique_ptr<replication::TailRelay> tails_;  // Goes after control_, which ends its calls.
  std::unique_ptr<replication::FleetClient> client_;
  std::unique_ptr<replication::FleetClient> control_;  ///< The same, to the control plane alone.
  std::unique_ptr<replication::Follower> follower_;
  std::unique_ptr<replication::RemoteKvWriter> writer_;
  Bound bound_;
  std::unique_ptr<replication::FleetServer> server_;
  std::unique_ptr<listen::Listener> listener_;  // Before server_ goes.
  loop::Timer reportTimer_;
  bool reporting_ = false;
  bool isControlSilent_ = false;
  bool wasRenewed_ = false;
  const store::Database* database_ = nullptr;
  std::atomic<bool> isDrained_{false};
  std::function<std::string()> health_;
  MonotonicTime reportedAt_{};
  std::chrono::nanoseconds cpuThen_{0};
  std::uint64_t requestsThen_ = 0;
  MonotonicTime renewedAt_{};
};

}  // namespace atolld::node
