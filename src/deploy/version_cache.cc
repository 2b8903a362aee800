#include "deploy/version_cache.h"

#include <condition_variable>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "deploy/rows.h"

namespace atolld::deploy {
namespace {

/// What a version costs beside the contents of its modules: names, strings, control blocks.
constexpr std::uint64_t kVersionOverheadBytes = 4096;
/// And each of its static files, beside its path and record: a node of a tree, hashes, a type.
constexpr std::uint64_t kFileOverheadBytes = 256;

std::uint64_t costOf(const Version& version) {
  std::uint64_t bytes = kVersionOverheadBytes;
  for (const Module& module : version.modules) {
    bytes += sizeof(Module) + module.name.size() + module.content.size();
  }
  if (version.assets) {
    for (const auto& [path, file] : version.assets->files()) {
      bytes += sizeof(assets::Asset) + 2 * path.size() + kFileOverheadBytes;
    }
  }
  return bytes;
}

}  // namespace

struct VersionCache::State {
  struct Item {
    std::string key;
    std::shared_ptr<const Version> version;
    std::uint64_t bytes = 0;
  };
  using Items = std::list<Item>;

  /// Null when it is not there; else moved to the front.
  std::shared_ptr<const Version> touch(const std::string& key) {
    const auto found = byKey.find(key);
    if (found == byKey.end()) return nullptr;
    items.splice(items.begin(), items, found->second);
    return found->second->version;
  }
  void insert(const std::string& key, std::shared_ptr<const Version> version) {
    const std::uint64_t cost = costOf(*version);
    if (cost > bytesMax) return;      // It would empty the cache and not fit.
    if (byKey.contains(key)) return;  // tryLoad() and load() may both have read it.
    items.push_front({.key = key, .version = std::move(version), .bytes = cost});
    byKey[key] = items.begin();
    bytes += cost;
    while (bytes > bytesMax) {
      bytes -= items.back().bytes;
      byKey.erase(items.back().key);
      items.pop_back();
    }
  }

  std::mutex mutex;  // Guards all below.
  std::condition_variable loaded;
  Items items;  // Most recently used first.
  std::unordered_map<std::string, Items::iterator> byKey;
  std::set<std::string> loading;
  std::uint64_t bytes = 0;
  std::uint64_t bytesMax = 0;
};

VersionCache::VersionCache(const Registry& registry, std::uint64_t bytesMax)
    : registry_(registry), state_(std::make_unique<State>()) {
  state_->bytesMax = bytesMax;
}

VersionCache::~VersionCache() = default;

std::shared_ptr<const Version> VersionCache::find(std::string_view tenant, std::string_view script,
                                                  std::string_view versionId) const {
  const std::string key = versionKey(tenant, script, versionId);
  const std::scoped_lock lock(state_->mutex);
  return state_->touch(key);
}

std::shared_ptr<const Version> VersionCache::tryLoad(std::string_view tenant,
                                                     std::string_view script,
                                                     std::string_view versionId) {
  if (auto version = find(tenant, script, versionId)) return version;
  auto version = registry_.tryVersion(tenant, script, versionId);
  if (version == nullptr) return nullptr;
  const std::string key = versionKey(tenant, script, versionId);
  const std::scoped_lock lock(state_->mutex);
  state_->insert(key, version);
  return version;
}

Result<std::shared_ptr<const Version>> VersionCache::load(std::string_view tenant,
                                                          std::string_view script,
                                                          std::string_view versionId) {
  const std::string key = versionKey(tenant, script, versionId);
  {
    std::unique_lock lock(state_->mutex);
    state_->loaded.wait(lock, [&] { return !state_->loading.contains(key); });
    if (std::shared_ptr<const Version> version = state_->touch(key)) return version;
    state_->loading.insert(key);
  }
  Result<std::shared_ptr<const Version>> version = registry_.version(tenant, script, versionId);
  {
    const std::scoped_lock lock(state_->mutex);
    state_->loading.erase(key);
    if (version) state_->insert(key, *version);
  }
  state_->loaded.notify_all();
  return version;
}

std::uint64_t VersionCache::bytes() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->bytes;
}

}  // namespace atolld::deploy
