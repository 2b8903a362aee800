#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "dispatch/dispatcher.h"
#include "isolate/inspector.h"
#include "loop/mailbox.h"
#include "loop/thread_pool.h"
#include "node/bound.h"
#include "node/kept_code.h"
#include "node/state.h"
#include "shard/shard.h"
#include "store/kv_writer.h"
#include "tls/certificate_store.h"
#include "upstream/client.h"

namespace atolld::node {

/// What serves end users: the shards with their listeners. Main thread only.
class EdgePart {
 public:
  /// All outlive it; `mailbox` is the main loop's. Null `inspector`: there is nothing to debug.
  EdgePart(const config::Config& config, const Clock& clock, State& state,
           store::KvWriter& kvWriter, loop::Mailbox& mailbox, isolate::Inspector* inspector)
      : config_(config),
        clock_(clock),
        state_(state),
        kvWriter_(kvWriter),
        mailbox_(mailbox),
        inspector_(inspector),
        keptCode_(std::make_shared<KeptCode>(*state.cache, state.storage)) {
    isolate::CodeCache::shared().setBacking(keptCode_);
  }
  ~EdgePart();

  /// Binds the addresses and starts the shards. @error Unavailable, Io, InvalidArgument
  Result<> start();
  const Bound& http() const { return http_; }
  const Bound& https() const { return https_; }

  std::size_t shardCount() const { return shards_.size(); }
  /// `onDrained` is called on the main loop, once for each shard.
  void drain(const std::function<void()>& onDrained);
  /// Their new versions are made ready where their old ones run.
  void onDeployed(const gateway::Publisher::Scripts& scripts);
  /// A debugger waits for that script: it is loaded if it was not, and gets a slice.
  void inspect(const std::string& tenant, const std::string& script);
  /// Open connections close once their requests are answered; new ones are served.
  void sendAway();

 private:
  Result<> startShards(std::size_t count);

  const config::Config& config_;
  const Clock& clock_;
  State& state_;
  store::KvWriter& kvWriter_;
  loop::Mailbox& mailbox_;
  isolate::Inspector* const inspector_;
  // Scripts' long computations share the cores with the shards: half of them is a fair part.
  loop::ThreadPool compute_{"compute",
                            std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2)};
  std::optional<dispatch::Node> node_;
  upstream::ClientOptions upstreamOptions_;
  std::shared_ptr<const tls::CertificateStore> certificates_;
  Bound http_, https_;
  const std::shared_ptr<KeptCode> keptCode_;
  std::vector<std::unique_ptr<shard::Shard>> shards_;
};

}  // namespace atolld::node
