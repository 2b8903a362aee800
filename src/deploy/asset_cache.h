#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"
#include "deploy/registry.h"

namespace atolld::deploy {

/// Pieces of static files that were asked for lately, at most `bytesMax` of them: the least
/// recently used go first. Any thread.
class AssetCache {
 public:
  /// `registry` is borrowed for the cache's life.
  AssetCache(const Registry& registry, std::uint64_t bytesMax)
      : registry_(registry), bytesMax_(bytesMax) {}

  /// From memory only: loop threads too.
  std::optional<Bytes> find(std::string_view hash, std::uint32_t index);
  /// Blocks: storage threads only. @error as Registry::assetPiece()
  Result<Bytes> load(std::string_view hash, std::uint32_t index);

 private:
  struct Item {
    std::string key;
    Bytes piece;
  };
  using Items = std::list<Item>;

  const Registry& registry_;
  const std::uint64_t bytesMax_;
  std::mutex mutex_;  // Guards all below.
  Items items_;       // Most recently used first.
  std::unordered_map<std::string, Items::iterator> byKey_;
  std::uint64_t bytes_ = 0;
};

}  // namespace atolld::deploy
