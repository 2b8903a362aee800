#include "store/kv_store.h"

#include <format>
#include <map>
#include <set>

#include "store/audit_log.h"
#include "store/codec.h"
#include "store/crypto.h"
#include "store/kv_row.h"
#include "store/utf8.h"

namespace atolld::store {
namespace {

/// What is done to one key, or to how many.
void stageKvAudit(std::string_view action, std::string_view namespaceId, std::string_view key,
                  std::size_t count, Ops& ops) {
  const std::string subject = count == 1 ? std::format("{} {}", namespaceId, key)
                                         : std::format("{} {} keys", namespaceId, count);
  stageAudit({.action = action, .subject = subject, .kind = AuditKind::Data}, ops);
}

using Lookup = std::optional<Result<std::optional<std::string>>>;

/// How long a put may take from the caller's "now plus 60" to our look at the clock.
constexpr std::int64_t kTtlSlackSeconds = 5;

Result<> checkNamespace(std::string_view namespaceId) {
  if (!namespaceId.empty() && namespaceId.size() <= kNamespaceBytesMax) return {};
  return fail(ErrorCode::InvalidArgument,
              std::format("a KV namespace id of {} bytes: 1 to {} are allowed", namespaceId.size(),
                          kNamespaceBytesMax));
}

std::int64_t seconds(const Clock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count();
}

/// Request ids are kept by the time they came, so that the old ones lie together.
std::uint32_t requestBucket(const Clock& clock) {
  return static_cast<std::uint32_t>(clock.now().time_since_epoch() / KvStore::kRequestsKept);
}
std::string requestKey(std::uint32_t bucket, std::string_view requestId) {
  return Encoder().u32(bucket).raw(requestId).take();
}

bool isExpired(const KvHead& head, std::int64_t nowSeconds) {
  return head.expirationSeconds && *head.expirationSeconds <= nowSeconds;
}

std::string tagOf(std::string_view value) { return sha256(value).substr(0, kValueTagBytes); }

/// The value behind `row`, a row of KvTable::Value; nothing when it is another put's.
std::optional<Bytes> largeValue(std::string row, std::string_view tag) {
  if (!row.starts_with(tag)) return std::nullopt;
  return Bytes(std::move(row)).slice(kValueTagBytes);
}

std::uint32_t pieceCountOf(const Bytes& value) {
  if (value.size() <= kPieceBytes) return 0;
  return static_cast<std::uint32_t>((value.size() + kPieceBytes - 1) / kPieceBytes);
}

/// Deletes what an earlier put left beside its head.
void stageForget(const KvHead& head, std::string_view namespaceId, std::string_view key, Ops& ops) {
  for (std::uint32_t i = 0; i < head.pieceCount; ++i) {
    ops.push_back({Op::Kind::Delete, Family::Kv, kvPieceKey(namespaceId, head.valueOrTag, i), {}});
  }
  if (!head.isInline && head.pieceCount == 0) {
    ops.push_back({Op::Kind::Delete, Family::Kv, kvKey(KvTable::Value, namespaceId, key), {}});
  }
  if (head.expirationSeconds) {
    ops.push_back(
        {Op::Kind::Delete, Family::Kv, kvExpiryKey(*head.expirationSeconds, namespaceId, key), {}});
  }
}

/// @return whether there is a head.
Result<bool> stageForgetStored(const View& view, std::string_view namespaceId, std::string_view key,
                               Ops& ops) {
  ATOLL_TRY(const std::optional<std::string> row,
            view.get(Family::Kv, kvKey(KvTable::Head, namespaceId, key)));
  if (!row) return false;
  ATOLL_TRY(const KvHead head, decodeKvHead(*row));
  stageForget(head, namespaceId, key, ops);
  return true;
}

/// `id` is that of the pieces, if there are any.
void stagePut(std::string_view namespaceId, const KvPut& put, const std::string& id, Ops& ops) {
  const std::string_view value = put.value.view();
  const bool isInline = value.size() <= kInlineValueBytesMax;
  const std::string tag = isInline ? std::string() : !id.empty() ? id : tagOf(value);
  const KvHead head{.expirationSeconds = put.expirationSeconds,
                    .metadata = put.metadata,
                    .isInline = isInline,
                    .pieceCount = pieceCountOf(put.value),
                    .valueOrTag = isInline ? value : std::string_view(tag)};
  ops.push_back(
      {Op::Kind::Put, Family::Kv, kvKey(KvTable::Head, namespaceId, put.key), encodeKvHead(head)});
  if (!isInline && id.empty()) {
    std::string row;
    row.reserve(tag.size() + value.size());
    row += tag;
    row += value;
    ops.push_back(
        {Op::Kind::Put, Family::Kv, kvKey(KvTable::Value, namespaceId, put.key), std::move(row)});
  }
  if (put.expirationSeconds) {
    ops.push_back(
        {Op::Kind::Put, Family::Kv, kvExpiryKey(*put.expirationSeconds, namespaceId, put.key), {}});
  }
}

Result<> checkSizes(const KvPut& put) {
  ATOLL_TRY_VOID(KvStore::checkKey(put.key, "PUT"));
  if (put.value.size() > KvLimits::kValueBytesMax) {
    return fail(ErrorCode::TooLarge,
                std::format("KV PUT failed: 413 Value length of {} exceeds limit of {}.",
                            put.value.size(), KvLimits::kValueBytesMax));
  }
  if (put.metadata && put.metadata->size() > KvLimits::kMetadataBytesMax) {
    return fail(ErrorCode::TooLarge,
                std::format("KV PUT failed: 413 Metadata length of {} exceeds limit of {}.",
                            put.metadata->size(), KvLimits::kMetadataBytesMax));
  }
  if (put.expirationSeconds && *put.expirationSeconds <= 0) {
    return fail(ErrorCode::InvalidArgument,
                std::format("KV PUT failed: 400 Invalid expiration of {}. Please specify integer "
                            "greater than the current number of seconds since the UNIX epoch.",
                            *put.expirationSeconds));
  }
  return {};
}

/// Reads a head and, for a large value, its value row; `lookUp` finds one row.
template <class LookUp>
std::optional<Result<std::optional<KvEntry>>> readEntry(std::string_view namespaceId,
                                                        std::string_view key,
                                                        std::int64_t nowSeconds,
                                                        const LookUp& lookUp) {
  using Found = Result<std::optional<KvEntry>>;
  Lookup looked = lookUp(kvKey(KvTable::Head, namespaceId, key));
  if (!looked) return std::nullopt;
  if (!*looked) return Found(std::unexpected(std::move(*looked).error()));
  if (!**looked) return Found(std::nullopt);
  const Bytes row(*std::move(**looked));
  Result<KvHead> head = decodeKvHead(row.view());
  if (!head) return Found(std::unexpected(std::move(head).error()));
  if (isExpired(*head, nowSeconds)) return Found(std::nullopt);

  KvEntry entry{.value = {},
                .metadata = std::move(head->metadata),
                .expirationSeconds = head->expirationSeconds};
  if (head->isInline) {
    entry.value = row.slice(row.size() - head->valueOrTag.size());
    return Found(std::move(entry));
  }
  if (head->pieceCount > 0) {
    std::string whole;
    whole.reserve(head->pieceCount * kPieceBytes);
    for (std::uint32_t i = 0; i < head->pieceCount; ++i) {
      looked = lookUp(kvPieceKey(namespaceId, head->valueOrTag, i));
      if (!looked) return std::nullopt;
      if (!*looked) return Found(std::unexpected(std::move(*looked).error()));
      if (!**looked) return std::nullopt;  // As below: another put came between.
      whole += ***looked;
    }
    entry.value = Bytes(std::move(whole));
    return Found(std::move(entry));
  }
  looked = lookUp(kvKey(KvTable::Value, namespaceId, key));
  if (!looked) return std::nullopt;
  if (!*looked) return Found(std::unexpected(std::move(*looked).error()));
  std::optional<Bytes> value;
  if (**looked) value = largeValue(*std::move(**looked), head->valueOrTag);
  // Without a snapshot another put may have come between the two reads: ask one that has.
  if (!value) return std::nullopt;
  entry.value = *std::move(value);
  return Found(std::move(entry));
}

}  // namespace

std::optional<Result<std::optional<KvEntry>>> KvStore::tryGet(std::string_view namespaceId,
                                                              std::string_view key) const {
  if (Result<> checked = checkNamespace(namespaceId); !checked) {
    return Result<std::optional<KvEntry>>(std::unexpected(std::move(checked).error()));
  }
  return readEntry(namespaceId, key, seconds(clock_), [&](std::string_view rowKey) -> Lookup {
    // Megabytes are not put together on a loop's thread.
    if (rowKey.front() == static_cast<char>(KvTable::Piece)) return std::nullopt;
    return database_.tryGet(Family::Kv, rowKey);
  });
}

Result<std::optional<KvEntry>> KvStore::get(std::string_view namespaceId,
                                            std::string_view key) const {
  ATOLL_TRY_VOID(checkNamespace(namespaceId));
  const std::int64_t now = seconds(clock_);
  auto found = readEntry(namespaceId, key, now, [&](std::string_view rowKey) -> Lookup {
    return database_.get(Family::Kv, rowKey);
  });
  if (!found) {
    const std::unique_ptr<View> view = database_.view();
    found = readEntry(namespaceId, key, now, [&](std::string_view rowKey) -> Lookup {
      return view->get(Family::Kv, rowKey);
    });
  }
  if (!found) return fail(ErrorCode::Corrupt, "a KV value is missing its second half");
  return *std::move(found);
}

Result<KvListing> KvStore::list(std::string_view namespaceId, std::string_view prefix,
                                std::size_t limit, std::optional<std::string_view> cursor) const {
  ATOLL_TRY_VOID(checkNamespace(namespaceId));
  if (limit == 0 || limit > KvLimits::kListKeysMax) {
    return fail(ErrorCode::InvalidArgument,
                std::format("KV GET failed: 400 Invalid key_count_limit of {}. Please specify an "
                            "integer from 1 to {}.",
                            limit, KvLimits::kListKeysMax));
  }
  if (prefix.size() > KvLimits::kKeyBytesMax) {
    return fail(ErrorCode::TooLarge,
                std::format("KV GET failed: 414 UTF-8 encoded length of {} exceeds prefix length "
                            "limit of {}.",
                            prefix.size(), KvLimits::kKeyBytesMax));
  }
  const std::string start = kvKey(KvTable::Head, namespaceId, "");
  std::string from;
  if (cursor && !cursor->empty()) {
    ATOLL_TRY(const std::string lastKey, decodeKvCursor(*cursor));
    from = start + lastKey + '\0';  // The next key after it in byte order.
  }

  const std::int64_t now = seconds(clock_);
  KvListing listing;
  Result<> visited;
  const auto visit = [&](std::string_view rowKey, std::string_view row) {
    Result<KvHead> head = decodeKvHead(row);
    if (!head) {
      visited = std::unexpected(std::move(head).error());
      return false;
    }
    if (isExpired(*head, now)) return true;
    if (listing.keys.size() == limit) {
      listing.cursor = encodeKvCursor(listing.keys.back().name);
      return false;
    }
    listing.keys.push_back({std::string(rowKey.substr(start.size())), head->expirationSeconds,
                            std::move(head->metadata)});
    return true;
  };
  ATOLL_TRY_VOID(database_.view()->scan(Family::Kv, start + std::string(prefix), from, visit));
  if (!visited) return std::unexpected(std::move(visited).error());
  return listing;
}

/// What happens to a key: a put, or without one its removal.
struct KvStore::Change {
  const KvPut* put = nullptr;
  std::string uploadId;  ///< Of its pieces; empty if there are none.
  std::int64_t begun = 0;
};

/// @error Aborted: its pieces were dropped.
static Result<> checkUpload(const View& view, const std::string& mark) {
  ATOLL_TRY(const auto isKept, view.get(Family::Kv, mark));
  if (!isKept) return fail(ErrorCode::Aborted, "KV PUT failed: it took too long; try again");
  return {};
}

Result<> KvStore::upload(std::string_view namespaceId, Changes& changes) {
  std::chrono::milliseconds patience = kPaceMax;
  for (auto& [key, change] : changes) {
    const std::uint32_t count = change.put == nullptr ? 0 : pieceCountOf(change.put->value);
    if (count == 0) continue;
    change.uploadId = randomBytes(kValueTagBytes);
    change.begun = seconds(clock_);
    const std::string mark = kvUploadKey(change.begun, namespaceId, change.uploadId);
    const std::string_view value = change.put->value.view();
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto decide = [&](const View& view) -> Result<Ops> {
        Ops ops;
        if (i == 0) {
          ops.push_back({Op::Kind::Put, Family::Kv, mark, {}});
        } else {
          ATOLL_TRY_VOID(checkUpload(view, mark));
        }
        ops.push_back({Op::Kind::Put, Family::Kv, kvPieceKey(namespaceId, change.uploadId, i),
                       std::string(value.substr(i * kPieceBytes, kPieceBytes))});
        return ops;
      };
      ATOLL_TRY(const Position position, database_.commit(decide));
      if (!pace_ || patience.count() <= 0) continue;
      const MonotonicTime before = clock_.monotonic();
      pace_(position.index, patience);
      patience -= std::chrono::ceil<std::chrono::milliseconds>(clock_.monotonic() - before);
    }
  }
  return {};
}

Result<> KvStore::stage(const View& view, std::string_view namespaceId, const Changes& changes,
                        Ops& ops) {
  for (const auto& [key, change] : changes) {
    ATOLL_TRY(const bool isThere, stageForgetStored(view, namespaceId, key, ops));
    if (change.put == nullptr) {
      if (!isThere) continue;
      ops.push_back({Op::Kind::Delete, Family::Kv, kvKey(KvTable::Head, namespaceId, key), {}});
      continue;
    }
    if (!change.uploadId.empty()) {
      std::string upload = kvUploadKey(change.begun, namespaceId, change.uploadId);
      ATOLL_TRY_VOID(checkUpload(view, upload));
      ops.push_back({Op::Kind::Delete, Family::Kv, std::move(upload), {}});
    }
    stagePut(namespaceId, *change.put, change.uploadId, ops);
  }
  return {};
}

Result<Position> KvStore::put(std::string_view namespaceId, std::vector<KvPut> puts) {
  ATOLL_TRY_VOID(checkNamespace(namespaceId));
  // A key given twice gets the last of its values; every op of an entry then stands alone.
  Changes changes;
  for (const KvPut& put : puts) {
    ATOLL_TRY_VOID(checkSizes(put));
    changes[put.key].put = &put;
  }
  ATOLL_TRY_VOID(upload(namespaceId, changes));
  return database_.commit([&](const View& view) -> Result<Ops> {
    Ops ops;
    ATOLL_TRY_VOID(stage(view, namespaceId, changes, ops));
    if (!changes.empty()) {
      stageKvAudit("kv.put", namespaceId, changes.begin()->first, changes.size(), ops);
    }
    return ops;
  });
}

Result<Position> KvStore::remove(std::string_view namespaceId, std::vector<std::string> keys) {
  ATOLL_TRY_VOID(checkNamespace(namespaceId));
  for (const std::string& key : keys) ATOLL_TRY_VOID(checkKey(key, "DELETE"));
  const std::set<std::string_view> unique(keys.begin(), keys.end());
  return database_.commit([&](const View& view) -> Result<Ops> {
    Ops ops;
    for (const std::string_view key : unique) {
      ATOLL_TRY(const bool isThere, stageForgetStored(view, namespaceId, key, ops));
      if (!isThere) continue;
      ops.push_back({Op::Kind::Delete, Family::Kv, kvKey(KvTable::Head, namespaceId, key), {}});
    }
    if (!ops.empty()) stageKvAudit("kv.delete", namespaceId, *unique.begin(), unique.size(), ops);
    return ops;
  });
}

Result<Position> KvStore::write(std::string_view namespaceId, const std::vector<KvPut>& puts,
                                const std::vector<std::string>& removals,
                                std::string_view requestId) {
  ATOLL_TRY_VOID(checkNamespace(namespaceId));
  if (requestId.size() != kRequestIdBytes) {
    return fail(ErrorCode::InvalidArgument, "a request id has 16 bytes");
  }
  Changes changes;  // A key given twice gets the last.
  for (const KvPut& put : puts) {
    ATOLL_TRY_VOID(checkSizes(put));
    changes[put.key].put = &put;
  }
  for (const std::string& key : removals) {
    ATOLL_TRY_VOID(checkKey(key, "DELETE"));
    changes[key] = {};
  }
  const std::uint32_t bucket = requestBucket(clock_);
  const auto wasMade = [&](const View& view) -> Result<bool> {
    for (const std::uint32_t each : {bucket, bucket - 1}) {
      ATOLL_TRY(const auto made, view.get(Family::Requests, requestKey(each, requestId)));
      if (made) return true;
    }
    return false;
  };
  ATOLL_TRY(const bool isRepeated, wasMade(*database_.view()));
  if (!isRepeated) ATOLL_TRY_VOID(upload(namespaceId, changes));
  return database_.commit([&](const View& view) -> Result<Ops> {
    ATOLL_TRY(const bool isMade, wasMade(view));
    if (isMade) return Ops();
    Ops ops;
    ATOLL_TRY_VOID(stage(view, namespaceId, changes, ops));
    if (ops.empty()) return ops;
    ops.push_back({Op::Kind::Put, Family::Requests, requestKey(bucket, requestId), {}});
    return ops;
  });
}

Result<std::size_t> KvStore::collectRequests(std::size_t limit) {
  const std::uint32_t bucket = requestBucket(clock_);
  std::size_t collected = 0;
  const auto decide = [&](const View& view) -> Result<Ops> {
    Ops ops;
    const std::string firstKept = requestKey(bucket - 1, {});
    ATOLL_TRY_VOID(view.scan(Family::Requests, "", "", [&](std::string_view key, std::string_view) {
      if (key >= firstKept || ops.size() == limit) return false;
      ops.push_back({Op::Kind::Delete, Family::Requests, std::string(key), {}});
      return true;
    }));
    collected = ops.size();
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return collected;
}

Result<std::size_t> KvStore::collectExpired(std::size_t limit) {
  const std::int64_t now = seconds(clock_);
  std::size_t collected = 0;
  const Result<Position> committed = database_.commit([&](const View& view) -> Result<Ops> {
    Ops ops;
    Result<> visited;
    const auto collect = [&](std::string_view rowKey) -> Result<bool> {
      ATOLL_TRY(const KvExpiryKey row, decodeKvExpiryKey(rowKey));
      if (row.seconds > now || collected == limit) return false;
      ATOLL_TRY_VOID(stageForgetStored(view, row.namespaceId, row.key, ops));
      ops.push_back(
          {Op::Kind::Delete, Family::Kv, kvKey(KvTable::Head, row.namespaceId, row.key), {}});
      ++collected;
      return true;
    };
    const std::string table(1, static_cast<char>(KvTable::Expiry));
    ATOLL_TRY_VOID(view.scan(Family::Kv, table, "", [&](std::string_view key, std::string_view) {
      Result<bool> more = collect(key);
      if (!more) visited = std::unexpected(std::move(more).error());
      return more.value_or(false);
    }));
    if (!visited) return std::unexpected(std::move(visited).error());
    return ops;
  });
  if (!committed) return std::unexpected(committed.error());
  return collected;
}

Result<std::size_t> KvStore::collectUploads() {
  const std::int64_t last =
      seconds(clock_) - std::chrono::duration_cast<std::chrono::seconds>(kUploadsKept).count();
  std::size_t collected = 0;
  const auto decide = [&](const View& view) -> Result<Ops> {
    std::string oldest;
    const std::string table(1, static_cast<char>(KvTable::Upload));
    ATOLL_TRY_VOID(view.scan(Family::Kv, table, "", [&](std::string_view key, std::string_view) {
      oldest = key;
      return false;
    }));
    if (oldest.empty()) return Ops();
    ATOLL_TRY(const KvExpiryKey upload, decodeKvUploadKey(oldest));
    if (upload.seconds > last) return Ops();
    Ops ops{{Op::Kind::Delete, Family::Kv, oldest, {}}};
    const std::string pieces = kvKey(KvTable::Piece, upload.namespaceId, upload.key);
    ATOLL_TRY_VOID(view.scan(Family::Kv, pieces, "", [&](std::string_view key, std::string_view) {
      ops.push_back({Op::Kind::Delete, Family::Kv, std::string(key), {}});
      return true;
    }));
    collected = 1;
    return ops;
  };
  ATOLL_TRY_VOID(database_.commit(decide));
  return collected;
}

Result<std::size_t> KvStore::stageClear(const View& view, std::string_view namespaceId,
                                        std::size_t limit, Ops& ops) {
  ATOLL_TRY_VOID(checkNamespace(namespaceId));
  const std::string start = kvKey(KvTable::Head, namespaceId, "");
  std::size_t cleared = 0;
  Result<> visited;
  ATOLL_TRY_VOID(
      view.scan(Family::Kv, start, "", [&](std::string_view rowKey, std::string_view row) {
        if (cleared == limit) return false;
        Result<KvHead> head = decodeKvHead(row);
        if (!head) {
          visited = std::unexpected(std::move(head).error());
          return false;
        }
        stageForget(*head, namespaceId, rowKey.substr(start.size()), ops);
        ops.push_back({Op::Kind::Delete, Family::Kv, std::string(rowKey), {}});
        ++cleared;
        return true;
      }));
  if (!visited) return std::unexpected(std::move(visited).error());
  return cleared;
}

Result<> KvStore::checkKey(std::string_view key, std::string_view operation) {
  if (key.empty()) return fail(ErrorCode::InvalidArgument, "Key name cannot be empty.");
  if (key == "." || key == "..") {
    return fail(ErrorCode::InvalidArgument,
                std::format("\"{}\" is not allowed as a key name.", key));
  }
  if (key.size() > KvLimits::kKeyBytesMax) {
    return fail(ErrorCode::TooLarge,
                std::format("KV {} failed: 414 UTF-8 encoded length of {} exceeds key length limit "
                            "of {}.",
                            operation, key.size(), KvLimits::kKeyBytesMax));
  }
  if (!isUtf8(key)) {
    return fail(ErrorCode::InvalidArgument,
                std::format("KV {} failed: 400 the key is not valid UTF-8.", operation));
  }
  return {};
}

Result<> KvStore::checkPut(const KvPut& put) const {
  ATOLL_TRY_VOID(checkSizes(put));
  if (!put.expirationSeconds) return {};
  const std::int64_t now = seconds(clock_);
  if (*put.expirationSeconds <= now) {
    return fail(ErrorCode::InvalidArgument,
                std::format("KV PUT failed: 400 Invalid expiration of {}. Please specify integer "
                            "greater than the current number of seconds since the UNIX epoch.",
                            *put.expirationSeconds));
  }
  if (*put.expirationSeconds - now < KvLimits::kTtlSecondsMin - kTtlSlackSeconds) {
    return fail(ErrorCode::InvalidArgument,
                std::format("KV PUT failed: 400 Invalid expiration of {}. Expiration times must be "
                            "at least {} seconds in the future.",
                            *put.expirationSeconds, KvLimits::kTtlSecondsMin));
  }
  return {};
}

}  // namespace atolld::store
