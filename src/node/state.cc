#include "node/state.h"

#include <filesystem>

#include "node/files.h"

namespace atolld::node {

namespace fs = std::filesystem;

Result<std::unique_ptr<State>> openState(const config::Config& config, const Clock& clock) {
  std::error_code error;
  fs::create_directories(config.dataDir, error);
  if (error) {
    return fail(ErrorCode::Io, config.dataDir + ": cannot be made (" + error.message() +
                                   "); name a writable directory with --data");
  }
  ATOLL_TRY(auto database, store::Database::open({.path = config.dataDir + "/replica",
                                                  .blockCacheBytes = config.cache.blockBytes},
                                                 clock));
  ATOLL_TRY(auto cache, store::CacheStore::open(config.dataDir + "/cache", clock, {}));
  auto state = std::make_unique<State>(std::move(database), std::move(cache), clock, config);
  state->database->onCommitted(
      [publisher = &state->publisher](const store::Position&, std::uint32_t families) {
        publisher->onCommitted(families);
      });
  ATOLL_TRY(const auto first,
            store::startTenancy(*state->database, clock, [&](const store::NewToken& token) {
              return writeSecretFile(config::tokenFile(config.dataDir), token.secret + "\n");
            }));
  ATOLL_TRY_VOID(state->publisher.publish());
  return state;
}

}  // namespace atolld::node
