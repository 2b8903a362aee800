#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "deploy/deployment.h"
#include "deploy/registry.h"

namespace atolld::deploy {

/// Versions with their code, shared by everyone who runs them. Holds at most `bytesMax` (module
/// contents, bindings and a little for each version), the least recently used go first; a version
/// somebody still holds lives on outside. Any thread.
class VersionCache {
 public:
  /// `registry` is borrowed for the cache's life.
  VersionCache(const Registry& registry, std::uint64_t bytesMax);
  ~VersionCache();

  /// What is kept here; null: ask a storage thread with load(). Any thread, loop threads included.
  std::shared_ptr<const Version> find(std::string_view tenant, std::string_view script,
                                      std::string_view versionId) const;
  /// find(), else what the registry has in memory and reads at once. Any thread, loop threads
  /// included.
  std::shared_ptr<const Version> tryLoad(std::string_view tenant, std::string_view script,
                                         std::string_view versionId);
  /// Reads it from the registry if it is not here; threads that ask for one version at the same
  /// time share one read. Blocks: storage threads only. @error NotFound, Corrupt, Io
  Result<std::shared_ptr<const Version>> load(std::string_view tenant, std::string_view script,
                                              std::string_view versionId);

  std::uint64_t bytes() const;

 private:
  struct State;
  const Registry& registry_;
  std::unique_ptr<State> state_;
};

}  // namespace atolld::deploy
