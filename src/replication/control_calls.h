#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.h"
#include "replication/fleet_server.h"
#include "replication/fleet_view.h"
#include "store/cluster_key.h"
#include "store/database.h"
#include "store/kv_store.h"
#include "telemetry/tail.h"
#include "tls/certificate.h"

namespace atolld::replication {

/// What a node's certificate is good for; renewed when a third is left.
inline constexpr std::chrono::days kNodeValidity{90};

/// The calls that only the control plane answers: join, renew, status, tail, kv. All borrowed for
/// as long as they are used. A node that joins gets `clusterKey`, with which it opens sealed
/// secrets.
std::map<std::string, FleetCall, std::less<>> controlCalls(
    store::Database& database, store::KvStore& kv, const tls::Certificate& authority,
    const store::ClusterKey& clusterKey, FleetView& view, telemetry::TailHub& tails,
    const Clock& clock);

}  // namespace atolld::replication
