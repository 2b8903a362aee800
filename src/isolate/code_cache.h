#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "isolate/bounded_cache.h"

namespace atolld::isolate {

/// V8's compiled form of modules, by what it was made from. In memory, one per process, shared by
/// every isolate and tenant: a key names the exact source and V8 build, so equal keys mean equal
/// code. Any thread.
class CodeCache {
 public:
  static constexpr std::size_t kBytesMax = 128ull * 1024 * 1024;

  explicit CodeCache(std::size_t bytesMax = kBytesMax) : entries_(bytesMax) {}

  /// The process's.
  static CodeCache& shared();
  /// For source text of that SHA-256, as an ES module or as a CommonJS function. Names V8's version
  /// and flags too.
  static std::string key(std::string_view kind, std::string_view contentHash);

  /// What put() stored, or nothing: absent, or damaged since (then it is forgotten).
  std::optional<Bytes> find(std::string_view key);
  void put(const std::string& key, std::string_view code);
  /// V8 did not want it.
  void reject(std::string_view key) { entries_.erase(key); }

  std::size_t bytes() const { return entries_.bytes(); }

 private:
  struct Entry {
    Bytes code;
    std::uint64_t checksum;
  };
  BoundedCache<Entry> entries_;
};

}  // namespace atolld::isolate
