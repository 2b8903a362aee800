#pragma once

#include <cstddef>

#include "base/result.h"
#include "config/config.h"
#include "http/server_connection.h"
#include "isolate/isolate.h"
#include "listen/limits.h"
#include "shard/trial.h"
#include "upstream/client.h"

/// What the operator's configuration means to each module.
namespace atolld::setup {

/// Isolates of the whole node: the configured number, or one for every 4 MB that the process may
/// use, and as many as the kernel lets it map.
std::size_t isolatesMax(const config::Config& config);
/// Memory of the process above which idle isolates go.
std::uint64_t memoryBytesMax(const config::Config& config);

listen::ListenLimits listenLimits(const config::Config& config);
http::ServerLimits httpLimits(const config::Config& config);

isolate::IsolateLimits isolateLimits(const config::Config& config);
shard::TrialLimits trialLimits(const config::Config& config);

/// How scripts reach others.
/// @error InvalidArgument  a network that is none; Io  no trusted certificates.
Result<upstream::ClientOptions> outboundOptions(const config::Config& config);

}  // namespace atolld::setup
