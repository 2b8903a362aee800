#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::store {

/// Which directory of a data directory holds the replica: "replica", or the one that a bootstrap
/// has put in its place. Changing it is one renamed file, so a crash leaves the one or the other.
/// @error Io
Result<std::string> findReplica(const std::string& dataDir);
/// Brings the replica `name` to the disk whole before it chooses it, and its choice too, so that a
/// power cut leaves the one or the other. @error Io
Result<> chooseReplica(const std::string& dataDir, std::string_view name);
/// Removes the replicas that were replaced.
void removeFormerReplicas(const std::string& dataDir);

inline constexpr std::string_view kReplicaPrefix = "replica";

}  // namespace atolld::store
