#include "setup/options.h"

#include <algorithm>
#include <utility>

#include "loop/machine.h"
#include "upstream/address_rules.h"

namespace atolld::setup {

std::size_t isolatesMax(const config::Config& config) {
  if (config.script.isolatesMax > 0) return config.script.isolatesMax;
  constexpr std::uint64_t kBytesEach = 4ull * 1024 * 1024, kMin = 50, kMax = 20'000;
  // Each has about ten mappings, and the kernel allows a process so many.
  constexpr std::uint64_t kMappingsEach = 16;
  const std::uint64_t most = std::max(kMin, loop::mappingsMax() / kMappingsEach);
  return std::clamp(loop::usableMemoryBytes() / kBytesEach, kMin, std::min(kMax, most));
}

std::uint64_t memoryBytesMax(const config::Config& config) {
  if (config.script.memoryBytesMax > 0) return config.script.memoryBytesMax;
  return loop::usableMemoryBytes() / 4 * 3;
}

listen::ListenLimits listenLimits(const config::Config& config) {
  listen::ListenLimits limits;
  limits.handshake = config.listen.handshakeTimeout;
  limits.requestHead = config.listen.headTimeout;
  limits.bodyProgress = config.listen.bodyTimeout;
  limits.writeProgress = config.listen.writeTimeout;
  limits.idle = config.listen.idleTimeout;
  limits.progressBytesPerSecondMin =
      static_cast<std::uint32_t>(config.listen.progressBytesPerSecondMin);
  limits.linger = config.listen.lingerTimeout;
  limits.drain = config.listen.drainTimeout;
  limits.connectionCountMax = config.listen.connectionsMax;
  return limits;
}

http::ServerLimits httpLimits(const config::Config& config) {
  return {.headBytesMax = config.http.headBytesMax,
          .targetBytesMax = config.http.targetBytesMax,
          .headerCountMax = config.http.headerCountMax,
          .bodyBytesMax = config.http.bodyBytesMax,
          .receiveWindowBytes = config.http.receiveWindowBytes,
          .concurrentStreamsMax = static_cast<std::uint32_t>(config.http.concurrentStreamsMax),
          .pipelinedMax = config.http.pipelinedMax};
}

isolate::IsolateLimits isolateLimits(const config::Config& config) {
  return {.heapBytesMax = config.script.heapBytesMax,
          .bufferBytesMax = config.script.bufferBytesMax};
}

shard::TrialLimits trialLimits(const config::Config& config) {
  return {.isolate = isolateLimits(config), .cpuMax = config.script.startupCpuTimeMax};
}

Result<upstream::ClientOptions> outboundOptions(const config::Config& config) {
  upstream::ClientOptions options;
  ATOLL_TRY(options.tls, tls::ClientContext::make({}));
  auto rules = upstream::AddressRules::make(config.outbound.allowNetworks);
  if (!rules) {
    return fail(ErrorCode::InvalidArgument, "outbound.allow_networks: " + rules.error().detail);
  }
  options.addressFilter = [rules = *std::move(rules)](const loop::SocketAddress& address) {
    return rules.check(address);
  };
  return options;
}

}  // namespace atolld::setup
