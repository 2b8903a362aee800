#include "store/code_store.h"

#include <algorithm>
#include <chrono>

#include "store/crypto.h"

namespace atolld::store {
namespace {

/// No tenant has this name.
constexpr std::string_view kTenant;
constexpr std::chrono::hours kLifetime{24 * 90};

/// What the entry says of the body: whether it is complete, and a hash over all of it.
std::string metaOf(std::string_view key, std::string_view code, bool complete) {
  const char flag = complete ? '1' : '0';
  Sha256 hash;
  hash.update(key).update({"\0", 1}).update({&flag, 1}).update(code);
  return flag + hash.finish();
}

}  // namespace

std::optional<CodeStore::Code> CodeStore::find(std::string_view key) {
  const auto entries = cache_.find(kTenant, key);
  if (!entries || entries->empty()) return std::nullopt;
  const CacheEntry& entry = entries->front();
  Code found;
  found.code.reserve(entry.bodyBytes);
  const auto pieceCount = (entry.bodyBytes + CacheStore::kPieceBytes - 1) / CacheStore::kPieceBytes;
  for (std::uint32_t index = 0; index < pieceCount; ++index) {
    const auto piece = cache_.read(entry.id, index);
    if (!piece) return std::nullopt;
    found.code += *piece;
  }
  found.complete = entry.meta.starts_with('1');
  if (entry.meta != metaOf(key, found.code, found.complete)) return std::nullopt;
  return found;
}

Result<> CodeStore::put(std::string_view key, std::string_view code, bool complete) {
  CacheStore::Writer writer(cache_, std::string(kTenant));
  for (std::string_view rest = code; !rest.empty();) {
    const std::size_t size = std::min(rest.size(), CacheStore::kPieceBytes);
    ATOLL_TRY_VOID(writer.append(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  return writer.commit(key, "", metaOf(key, code, complete), cache_.now() + kLifetime);
}

}  // namespace atolld::store
