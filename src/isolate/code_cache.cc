#include "isolate/code_cache.h"

#include <v8.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <utility>

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

std::string CodeCache::key(const deploy::Module& module) {
  // Below this the cache costs what it saves.
  constexpr std::size_t kSourceBytesMin = 512;
  if (module.hash.empty() || module.content.size() < kSourceBytesMin) return {};
  switch (module.type) {
    case deploy::ModuleType::EsModule:
      return key("esm", module.hash);
    case deploy::ModuleType::CommonJs:
      return key("cjs", module.hash);
    default:
      return {};
  }
}

std::optional<CompiledCode> CodeCache::find(std::string_view key) {
  std::optional<Entry> entry = entries_.find(key);
  if (!entry) return std::nullopt;
  if (checksumOf(entry->compiled.code.view()) != entry->checksum) {
    entries_.erase(key);
    return std::nullopt;
  }
  return std::move(entry->compiled);
}

void CodeCache::keep(const std::string& key, CompiledCode compiled) {
  const std::uint64_t checksum = checksumOf(compiled.code.view());
  const std::size_t bytes = compiled.code.size() + key.size();
  entries_.put(key, {std::move(compiled), checksum}, bytes);
}

void CodeCache::put(const std::string& key, std::string_view code, bool complete) {
  const CompiledCode compiled{Bytes::copyOf(code), complete};
  if (const auto backing = this->backing()) backing->put(key, compiled);
  keep(key, compiled);
}

void CodeCache::setBacking(std::shared_ptr<CodeBacking> backing) {
  const std::scoped_lock lock(mutex_);
  backing_ = std::move(backing);
}

std::shared_ptr<CodeBacking> CodeCache::backing() {
  const std::scoped_lock lock(mutex_);
  return backing_;
}

bool CodeCache::holds(const deploy::Version& version) {
  return std::ranges::all_of(version.modules, [this](const deploy::Module& module) {
    const std::string name = key(module);
    return name.empty() || entries_.find(name).has_value();
  });
}

void CodeCache::fetch(const deploy::Version& version) {
  const auto backing = this->backing();
  if (backing == nullptr) return;
  for (const deploy::Module& module : version.modules) {
    const std::string name = key(module);
    if (name.empty() || entries_.find(name)) continue;
    if (auto found = backing->find(name)) keep(name, *std::move(found));
  }
}

}  // namespace atolld::isolate
