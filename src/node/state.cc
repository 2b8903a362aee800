#include "node/state.h"

#include <filesystem>

#include "node/files.h"
#include "store/replica_directory.h"

namespace atolld::node {

namespace fs = std::filesystem;

namespace {

Result<store::ClusterKey> clusterKey(const std::string& dataDir, bool follows) {
  const fs::path file = clusterKeyFile(dataDir);
  if (fs::exists(file)) {
    ATOLL_TRY(const std::string text, readFile(file));
    auto key = store::ClusterKey::parse(text);
    if (!key) return fail(key.error(), file.string());
    return key;
  }
  if (follows) {
    return fail(ErrorCode::NotFound, file.string() +
                                         ": is missing; copy it from the control plane, or let "
                                         "this node join again with an empty data directory");
  }
  const store::ClusterKey made = store::ClusterKey::random();
  ATOLL_TRY_VOID(writeSecretFile(file, made.toText() + "\n"));
  return made;
}

}  // namespace

std::string clusterKeyFile(const std::string& dataDir) { return dataDir + "/cluster.key"; }

Result<std::unique_ptr<State>> openState(const config::Config& config, const Clock& clock,
                                         bool follows) {
  std::error_code error;
  fs::create_directories(config.dataDir, error);
  if (error) {
    return fail(ErrorCode::Io, config.dataDir + ": cannot be made (" + error.message() +
                                   "); name a writable directory with --data");
  }
  ATOLL_TRY(const std::string replica, store::findReplica(config.dataDir));
  ATOLL_TRY(auto database,
            store::Database::open(
                {.path = replica, .blockCacheBytes = config.cache.blockBytes, .follows = follows},
                clock));
  store::removeFormerReplicas(config.dataDir);
  ATOLL_TRY(auto cache, store::CacheStore::open(config.dataDir + "/cache", clock, {}));
  // Before anything can be sealed with it: what is committed must open after a power cut.
  ATOLL_TRY(store::ClusterKey key, clusterKey(config.dataDir, follows));
  auto state =
      std::make_unique<State>(std::move(database), std::move(cache), std::move(key), clock, config);
  state->database->onCommitted(
      [&state = *state](const store::Position&, const store::Changes& changes) {
        gateway::Publisher::Scripts scripts = state.publisher.onCommitted(changes);
        const std::scoped_lock lock(state.listenerMutex);
        if (state.alsoListener) state.alsoListener(changes.familyBits, std::move(scripts));
      });
  if (!follows) {
    ATOLL_TRY_VOID(store::startTenancy(*state->database, clock, [&](const store::NewToken& token) {
      return writeSecretFile(config::tokenFile(config.dataDir), token.secret + "\n");
    }));
  }
  ATOLL_TRY_VOID(state->publisher.publish());
  return state;
}

}  // namespace atolld::node
