#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace atolld::store {

struct CacheLimits {
  std::uint64_t bytesMax = 2ull << 30;          ///< Of the node, bodies and what describes them.
  std::uint64_t tenantBytesMax = 512ull << 20;  ///< Of one tenant: nobody fills the node alone.
  std::uint64_t bodyBytesMax = 512ull << 20;    ///< Of one body, as on Workers.
  std::size_t entryCountMax = 200'000;          ///< About 300 bytes of memory each.
  std::size_t variantCountMax = 16;             ///< Of one key.
};

/// What is cached for a key, without its body.
struct CacheEntry {
  std::uint64_t id = 0;  ///< Of its body; never used again.
  std::string variant;
  std::string meta;  ///< What commit() was given.
  std::uint64_t bodyBytes = 0;
  UnixMillis stored;
  UnixMillis expires;
};

/// A node's own cache: bounded in bytes for the node and for each tenant, least recently used out
/// first, in a RocksDB of its own. It outlives a restart; nothing else depends on it, so what
/// cannot be read is dropped. Any thread; every call blocks on disk.
class CacheStore {
 public:
  /// A body's rows are of this size, the last one excepted.
  static constexpr std::size_t kPieceBytes = 256 * 1024;

  /// @error Io (locked, disk)
  static Result<std::unique_ptr<CacheStore>> open(const std::string& path, const Clock& clock,
                                                  const CacheLimits& limits);
  ~CacheStore();
  CacheStore(const CacheStore&) = delete;
  CacheStore& operator=(const CacheStore&) = delete;

  const CacheLimits& limits() const noexcept { return limits_; }
  UnixMillis now() const { return clock_.now(); }

  /// The variants of a key that have not expired, the last stored first.
  Result<std::vector<CacheEntry>> find(std::string_view tenant, std::string_view key);
  /// Piece `index` of a body; NotFound once the entry was replaced, removed or driven out, unless
  /// it was pinned before.
  Result<std::string> read(std::uint64_t id, std::uint32_t index);
  /// Keeps a body readable until unpin(), and counts as a use; false if it is gone.
  bool pin(std::uint64_t id);
  void unpin(std::uint64_t id);
  /// Removes all variants of a key; whether there was one.
  Result<bool> remove(std::string_view tenant, std::string_view key);

  /// A body being stored; invisible until commit(). Dropped without it, it leaves nothing.
  class Writer {
   public:
    Writer(CacheStore& store, std::string tenant);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// kPieceBytes each, the last one excepted.
    /// @error TooLarge  the body exceeds a limit
    Result<> append(std::string_view piece);
    /// Replaces the same variant of the key.
    Result<> commit(std::string_view key, std::string_view variant, std::string_view meta,
                    UnixMillis expires);

   private:
    CacheStore& store_;
    const std::string tenant_;
    const std::uint64_t id_;
    std::uint32_t pieceCount_ = 0;
    std::uint64_t bytes_ = 0;
    bool committed_ = false;
  };

  /// Bytes in use, by the limits' measure.
  std::uint64_t usedBytes() const;

 private:
  struct Rows;  // The open RocksDB.
  using Order = std::list<std::uint64_t>;
  struct Place {
    std::string row;
    std::string tenant;
    std::uint64_t bytes = 0;
    Order::iterator inNode;
    Order::iterator inTenant;
  };
  struct TenantUse {
    std::uint64_t bytes = 0;
    Order order;
  };
  struct Pin {
    std::uint32_t count = 0;
    bool doomed = false;  ///< Its entry is gone; the last reader takes the body with it.
  };

  CacheStore(const Clock& clock, const CacheLimits& limits);
  Result<> load();
  void place(std::uint64_t id, std::string row, std::string_view tenant, std::uint64_t bytes);
  /// Takes an entry out of memory and off the disk. Under the lock.
  void drop(std::uint64_t id);
  void dropBody(std::uint64_t id);
  /// Drives entries out until `bytes` more fit. Under the lock.
  void makeRoom(std::string_view tenant, std::uint64_t bytes);

  const Clock& clock_;
  const CacheLimits limits_;
  std::unique_ptr<Rows> rows_;
  mutable std::mutex mutex_;
  std::uint64_t lastId_ = 0;
  std::uint64_t usedBytes_ = 0;  ///< Entries, and bodies being written.
  std::unordered_map<std::uint64_t, Place> places_;
  std::unordered_map<std::string, TenantUse> tenants_;
  std::unordered_map<std::uint64_t, Pin> pins_;
  Order order_;  ///< The least recently used first.
};

}  // namespace atolld::store
