#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "deploy/deployment.h"
#include "isolate/bounded_cache.h"

namespace atolld::isolate {

/// V8's compiled form of one module.
struct CompiledCode {
  Bytes code;
  /// Made after the first event: with the functions that events need. Without, those of the top
  /// level only.
  bool complete = false;
};

/// Where compiled code outlives the process; implemented above. Any thread.
class CodeBacking {
 public:
  virtual ~CodeBacking() = default;
  /// What put() was given, or nothing: what is not exactly that is not given to V8. Blocks.
  virtual std::optional<CompiledCode> find(const std::string& key) = 0;
  /// Does not wait.
  virtual void put(std::string key, CompiledCode code) = 0;
};

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
  /// Of a version's module; empty if its code is not worth keeping, or it has none.
  static std::string key(const deploy::Module& module);

  /// What put() stored, or nothing: absent, or damaged since (then it is forgotten). Memory only.
  std::optional<CompiledCode> find(std::string_view key);
  /// In memory, and in the backing.
  void put(const std::string& key, std::string_view code, bool complete = true);
  /// V8 did not want it.
  void reject(std::string_view key) { entries_.erase(key); }

  /// Null: none (any more).
  void setBacking(std::shared_ptr<CodeBacking> backing);
  /// Whether the code of each module that has any is in memory.
  bool holds(const deploy::Version& version);
  /// Brings it there from the backing, as far as it is in that. Blocks: storage threads.
  void fetch(const deploy::Version& version);

  std::size_t bytes() const { return entries_.bytes(); }

 private:
  struct Entry {
    CompiledCode compiled;
    std::uint64_t checksum;
  };
  void keep(const std::string& key, CompiledCode compiled);
  std::shared_ptr<CodeBacking> backing();

  BoundedCache<Entry> entries_;
  std::mutex mutex_;
  std::shared_ptr<CodeBacking> backing_;  ///< Guarded by mutex_.
};

}  // namespace atolld::isolate
