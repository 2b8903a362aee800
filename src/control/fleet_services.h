#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "replication/fleet_view.h"
#include "store/database.h"
#include "store/join_token_store.h"
#include "store/node_store.h"

namespace atolld::control {

/// What the endpoints of the fleet work with. All borrowed for the handler's life; any thread.
struct FleetServices {
  store::Database& database;
  store::NodeStore& nodes;
  store::JoinTokenStore& joinTokens;
  replication::FleetView& view;
  const Clock& clock;
  std::string authorityFingerprint;  ///< Raw: what join tokens vouch for.
  std::uint16_t port = 0;            ///< Of the fleet's address.
  /// Makes a copy of all that a control plane is, and says where. May block.
  std::function<Result<std::string>()> backup;
};

}  // namespace atolld::control
