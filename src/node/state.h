#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "deploy/asset_cache.h"
#include "deploy/registry.h"
#include "deploy/stack_mapper.h"
#include "deploy/version_cache.h"
#include "gateway/live_table.h"
#include "gateway/publisher.h"
#include "loop/thread_pool.h"
#include "store/audit_log.h"
#include "store/cache_store.h"
#include "store/cluster_key.h"
#include "store/database.h"
#include "store/kv_store.h"
#include "store/token_store.h"
#include "telemetry/tail.h"

namespace atolld::node {

inline constexpr std::size_t kStorageThreadCount = 4;
inline constexpr std::uint64_t kVersionCacheBytes = 256ull * 1024 * 1024;
inline constexpr std::uint64_t kAssetCacheBytes = 64ull * 1024 * 1024;

/// The replica and all that reads and writes it; outlives every thread that does.
struct State {
  State(std::unique_ptr<store::Database> opened, std::unique_ptr<store::CacheStore> openedCache,
        store::ClusterKey openedKey, const Clock& clock, const config::Config& config)
      : key(std::move(openedKey)),
        database(std::move(opened)),
        cache(std::move(openedCache)),
        registry(*database, clock,
                 {.scriptBytesMax = config.script.sizeBytesMax,
                  .moduleCountMax = config.script.modulesMax,
                  .bindingCountMax = config.script.bindingsMax,
                  .bindingBytesMax = config.script.bindingBytesMax},
                 &key),
        versions(registry, kVersionCacheBytes),
        assets(registry, kAssetCacheBytes),
        stacks(registry),
        kv(*database, clock),
        tokens(*database, clock),
        tenants(*database, clock),
        audit(*database),
        publisher(registry, table,
                  {.defaultDomain = config.defaultDomain,
                   .defaultTenant = std::string(store::kDefaultTenant)}),
        storage("storage", kStorageThreadCount) {}

  const store::ClusterKey key;
  /// Of which families, and which scripts have another deployment.
  using CommitListener =
      std::function<void(std::uint32_t families, gateway::Publisher::Scripts scripts)>;
  /// Whom to tell of commits besides; on the commit thread. When this returns, the former is not
  /// being told any more.
  void alsoOnCommitted(CommitListener listener) {
    const std::scoped_lock lock(listenerMutex);
    alsoListener = std::move(listener);
  }

  std::mutex listenerMutex;
  CommitListener alsoListener;  ///< Guarded by listenerMutex.
  std::unique_ptr<store::Database> database;
  std::unique_ptr<store::CacheStore> cache;
  deploy::Registry registry;
  deploy::VersionCache versions;
  deploy::AssetCache assets;
  deploy::StackMapper stacks;
  store::KvStore kv;
  store::TokenStore tokens;
  store::TenantStore tenants;
  store::AuditLog audit;
  telemetry::TailHub tails;
  gateway::LiveTable table;
  gateway::Publisher publisher;
  loop::ThreadPool storage;  // Last: its jobs use all of the above.
};

/// What secrets are sealed with: made with the data directory, and kept beside the replica. An edge
/// gets it when it joins.
std::string clusterKeyFile(const std::string& dataDir);

/// Opens or makes the data directory. One that `follows` has no tenants and no cluster key of its
/// own making. @error Io, Corrupt, NotFound
Result<std::unique_ptr<State>> openState(const config::Config& config, const Clock& clock,
                                         bool follows);

}  // namespace atolld::node
