#include "isolate/code_cache.h"

#include <v8.h>

#include <cstring>
#include <format>

namespace atolld::isolate {
namespace {

/// Finds damage, not forgery: V8's release builds trust the code they are given.
std::uint64_t checksumOf(std::string_view data) {
  std::uint64_t sum = data.size();
  for (; data.size() >= sizeof sum; data.remove_prefix(sizeof sum)) {
    std::uint64_t word = 0;
    std::memcpy(&word, data.data(), sizeof word);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 32;
  }
  for (const char c : data) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

}  // namespace

CodeCache& CodeCache::shared() {
  static auto* const cache = new CodeCache;  // Never destroyed: isolates may outlive statics.
  return *cache;
}

std::string CodeCache::key(std::string_view kind, std::string_view contentHash) {
  return std::format("{}:{:08x}:{}", kind, v8::ScriptCompiler::CachedDataVersionTag(), contentHash);
}

std::optional<Bytes> CodeCache::find(std::string_view key) {
  std::optional<Entry> entry = entries_.find(key);
  if (!entry) return std::nullopt;
  if (checksumOf(entry->code.view()) != entry->checksum) {
    entries_.erase(key);
    return std::nullopt;
  }
  return std::move(entry->code);
}

void CodeCache::put(const std::string& key, std::string_view code) {
  entries_.put(key, {Bytes::copyOf(code), checksumOf(code)}, code.size() + key.size());
}

}  // namespace atolld::isolate
