#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

/// Documented limits of Workers KV.
struct KvLimits {
  static constexpr std::size_t kKeyBytesMax = 512;
  static constexpr std::size_t kValueBytesMax = 25ull * 1024 * 1024;
  static constexpr std::size_t kMetadataBytesMax = 1024;
  static constexpr std::int64_t kTtlSecondsMin = 60;
  static constexpr std::size_t kListKeysMax = 1000;
};

struct KvEntry {
  Bytes value;
  std::optional<std::string> metadata;            ///< JSON text.
  std::optional<std::int64_t> expirationSeconds;  ///< Unix seconds.
};

struct KvListing {
  struct Key {
    std::string name;
    std::optional<std::int64_t> expirationSeconds;
    std::optional<std::string> metadata;
  };
  std::vector<Key> keys;
  std::optional<std::string> cursor;  ///< Set when there is more; opaque to callers.
};

struct KvPut {
  std::string key;
  Bytes value;
  std::optional<std::string> metadata;
  std::optional<std::int64_t> expirationSeconds;  ///< Absolute; a TTL is resolved by the caller.
};

/// Column family "kv": namespace id, key -> value with metadata and expiry. The only code that
/// knows the encoding. An expired entry is absent, exactly from its second on, wherever the row is.
class KvStore {
 public:
  KvStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// Memory only; nullopt outside: ask a storage thread with get(). Any thread.
  std::optional<Result<std::optional<KvEntry>>> tryGet(std::string_view namespaceId,
                                                       std::string_view key) const;
  /// Blocks on disk: storage threads only, as the rest.
  Result<std::optional<KvEntry>> get(std::string_view namespaceId, std::string_view key) const;
  /// @error InvalidArgument (limit, cursor)
  Result<KvListing> list(std::string_view namespaceId, std::string_view prefix, std::size_t limit,
                         std::optional<std::string_view> cursor) const;
  /// All of them by one entry, which comes after those with the pieces of large values: readers
  /// see all or nothing. @error InvalidArgument, TooLarge name the limit and the figure; Aborted:
  /// the pieces took longer than they are kept.
  Result<Position> put(std::string_view namespaceId, std::vector<KvPut> puts);
  /// A key that is not there is no error; if none is, nothing is committed.
  Result<Position> remove(std::string_view namespaceId, std::vector<std::string> keys);

  /// Puts and removals as one entry, at most once for a request id (kRequestIdBytes): whoever got
  /// no answer may ask again within kRequestsKept. @error as put()
  Result<Position> write(std::string_view namespaceId, const std::vector<KvPut>& puts,
                         const std::vector<std::string>& removals, std::string_view requestId);
  /// Called after each piece of a large value with its index, on the writer's thread: may wait as
  /// long as it is told, so that what else is written meanwhile does not queue behind the value.
  /// Set once, before the first write.
  using Pace = std::function<void(std::uint64_t index, std::chrono::milliseconds atMost)>;
  void setPace(Pace pace) { pace_ = std::move(pace); }
  static constexpr std::chrono::milliseconds kPaceMax{4'000};  ///< For one write in all.
  /// How long pieces wait for the entry that names them.
  static constexpr std::chrono::minutes kUploadsKept{10};
  /// Drops the pieces of a write that never came to its end, one write a call. @return how many
  Result<std::size_t> collectUploads();

  static constexpr std::size_t kRequestIdBytes = 16;
  static constexpr std::chrono::minutes kRequestsKept{10};
  /// Forgets request ids older than that, as collectExpired().
  Result<std::size_t> collectRequests(std::size_t limit);

  /// Removes rows that have expired, up to `limit` of them, as one log entry. They are absent to
  /// every reader already: this gives their room back, and the control role calls it now and then.
  /// @return how many; fewer than `limit` means that none is left.
  Result<std::size_t> collectExpired(std::size_t limit);
  /// The ops that delete every row of a namespace, at most `limit` rows: for a proposal that
  /// removes the namespace itself. Fewer than `limit` rows deleted means that none is left.
  static Result<std::size_t> stageClear(const View& view, std::string_view namespaceId,
                                        std::size_t limit, Ops& ops);

  /// The documented rules, with texts as Workers users know them ("KV PUT failed: 414 UTF-8
  /// encoded length of 513 exceeds key length limit of 512."). `operation` is "GET", "PUT" ….
  /// @error InvalidArgument, TooLarge
  static Result<> checkKey(std::string_view key, std::string_view operation);
  /// @error InvalidArgument, TooLarge
  Result<> checkPut(const KvPut& put) const;

 private:
  struct Change;
  using Changes = std::map<std::string_view, Change>;
  /// Commits the pieces of what is large.
  Result<> upload(std::string_view namespaceId, Changes& changes);
  static Result<> stage(const View& view, std::string_view namespaceId, const Changes& changes,
                        Ops& ops);

  Database& database_;
  const Clock& clock_;
  Pace pace_;
};

}  // namespace atolld::store
