#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"
#include "store/node_store.h"

namespace atolld::store {

/// Column family "join_tokens": what lets one machine become one node, once. Only the secrets'
/// hashes are kept. Blocks on disk: storage threads only.
class JoinTokenStore {
 public:
  JoinTokenStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// @return the secret, 64 hex digits. @error InvalidArgument
  Result<std::string> create(std::chrono::seconds lifetime);

  /// Makes `node` one of the fleet in the entry that uses the token up. The same key may try again
  /// (its first answer was lost); nobody else.
  /// @error Unauthorized (unknown, expired or used), AlreadyExists (another node has that name),
  /// InvalidArgument
  Result<> join(std::string_view secret, const FleetNode& node);

  static constexpr std::chrono::seconds kLifetimeMax{30 * 24 * 3600};

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace atolld::store
