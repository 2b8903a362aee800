#include "deploy/asset_cache.h"

#include "deploy/asset_rows.h"

namespace atolld::deploy {

std::optional<Bytes> AssetCache::find(std::string_view hash, std::uint32_t index) {
  const std::string key = assetPieceKey(hash, index);
  const std::scoped_lock lock(mutex_);
  const auto found = byKey_.find(key);
  if (found == byKey_.end()) return std::nullopt;
  items_.splice(items_.begin(), items_, found->second);
  return found->second->piece;
}

Result<Bytes> AssetCache::load(std::string_view hash, std::uint32_t index) {
  ATOLL_TRY(Bytes piece, registry_.assetPiece(hash, index));
  std::string key = assetPieceKey(hash, index);
  const std::scoped_lock lock(mutex_);
  if (byKey_.contains(key)) return piece;  // Somebody else was faster.
  bytes_ += piece.size();
  items_.push_front({.key = std::move(key), .piece = piece});
  byKey_[items_.front().key] = items_.begin();
  while (bytes_ > bytesMax_) {
    bytes_ -= items_.back().piece.size();
    byKey_.erase(items_.back().key);
    items_.pop_back();
  }
  return piece;
}

}  // namespace atolld::deploy
