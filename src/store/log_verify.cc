#include "store/log_verify.h"

#include <format>
#include <map>

#include "base/encoding.h"
#include "store/codec.h"
#include "store/crypto.h"
#include "store/log_entry.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kPositionVersion = 1;

using VisitEntry = std::function<Result<>(const LogEntry& entry)>;

class Snapshot {
 public:
  explicit Snapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~Snapshot() { db_.ReleaseSnapshot(snapshot_); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

std::unexpected<Error> corrupt(std::uint64_t index, std::string_view why) {
  return fail(ErrorCode::Corrupt, std::format("log entry {}: {}", index, why));
}

/// Checks one row against what must come next and moves `position` onto it.
Result<> follow(Position& position, std::string_view key, std::string_view row,
                const VisitEntry& visit) {
  if (key != logKey(position.index + 1)) {
    return corrupt(position.index + 1, "missing, or its key is damaged");
  }
  ATOLL_TRY(const LogEntry entry, verifyNext(position, row));
  return visit ? visit(entry) : Result<>();
}

/// Every entry in order, each verified before it is visited.
Result<Position> walk(const Rocks& rocks, const rocksdb::Snapshot* snapshot,
                      const VisitEntry& visit) {
  ATOLL_TRY(const Position end, readPosition(rocks, snapshot));
  ATOLL_TRY(Position position, readLogBase(rocks, snapshot, end.history));
  Result<> followed;
  ATOLL_TRY_VOID(rocks.scan(rocks.log(), "", "", snapshot, nullptr,
                            [&](std::string_view key, std::string_view row) {
                              followed = follow(position, key, row, visit);
                              return followed.has_value();
                            }));
  if (!followed) return std::unexpected(std::move(followed).error());
  if (position.index != end.index) {
    return fail(ErrorCode::Corrupt, std::format("the log ends at {} and the position says {}",
                                                position.index, end.index));
  }
  if (position.hash != end.hash) return corrupt(end.index, "its hash is not the position's");
  return position;
}

}  // namespace

Result<LogEntry> verifyNext(Position& position, std::string_view row) {
  const std::uint64_t expected = position.index + 1;
  ATOLL_TRY(const LogRow parts, splitLogRow(row));
  std::string hash = chainHash(position.hash, parts.encoded);
  if (hash != parts.hash) return corrupt(expected, "its hash does not follow from the one before");
  Result<LogEntry> entry = decodeLogEntry(parts.encoded);
  if (!entry) return fail(entry.error(), std::format("log entry {}", expected));
  if (entry->index != expected) return corrupt(expected, "says it is another entry");
  if (entry->history != position.history) return corrupt(expected, "belongs to another history");
  position.index = expected;
  position.hash = std::move(hash);
  return entry;
}

std::string logKey(std::uint64_t index) { return Encoder().u64(index).take(); }

std::string encodePosition(const Position& position) {
  return Encoder()
      .u8(kPositionVersion)
      .raw(position.history)
      .u64(position.index)
      .raw(position.hash)
      .take();
}

Result<Position> decodePosition(std::string_view row) {
  Decoder in(row);
  if (in.u8() != kPositionVersion) in.reject("has an unknown format version");
  Position position;
  position.history = in.raw(kHistoryBytes);
  position.index = in.u64();
  position.hash = in.raw(kHashBytes);
  if (position.index == 0 && position.hash != firstHash()) in.reject("has a hash and no entry");
  ATOLL_TRY_VOID(in.finish("position"));
  return position;
}

Result<Position> readPosition(const Rocks& rocks, const rocksdb::Snapshot* snapshot) {
  ATOLL_TRY(const std::optional<std::string> row, rocks.get(rocks.meta(), kPositionKey, snapshot));
  if (!row) return fail(ErrorCode::Corrupt, "the database has no position");
  return decodePosition(*row);
}

Result<Position> readLogBase(const Rocks& rocks, const rocksdb::Snapshot* snapshot,
                             const std::string& history) {
  ATOLL_TRY(const std::optional<std::string> row, rocks.get(rocks.meta(), kLogBaseKey, snapshot));
  if (!row) return Position{.history = history, .index = 0, .hash = firstHash()};
  ATOLL_TRY(Position base, decodePosition(*row));
  if (base.history != history) return corrupt(base.index, "the log begins in another history");
  return base;
}

Result<> verifyLogHead(const Rocks& rocks, const Position& position) {
  ATOLL_TRY(const Position base, readLogBase(rocks, nullptr, position.history));
  std::string previousHash = base.hash;
  if (position.index > base.index + 1) {
    ATOLL_TRY(const std::optional<std::string> row,
              rocks.get(rocks.log(), logKey(position.index - 1), nullptr));
    if (!row) return corrupt(position.index - 1, "missing");
    ATOLL_TRY(const LogRow parts, splitLogRow(*row));
    previousHash = parts.hash;
  }
  Position head{.history = position.history,
                .index = position.index == 0 ? 0 : position.index - 1,
                .hash = previousHash};
  Result<> followed;
  ATOLL_TRY_VOID(rocks.scan(rocks.log(), "", logKey(head.index + 1), nullptr, nullptr,
                            [&](std::string_view key, std::string_view row) {
                              followed = follow(head, key, row, nullptr);
                              return followed.has_value() && head.index <= position.index;
                            }));
  if (!followed) return followed;
  if (head.index != position.index || head.hash != position.hash) {
    return corrupt(head.index, std::format("the position says {} is the last", position.index));
  }
  return {};
}

Result<Position> verifyLog(const Rocks& rocks) {
  const Snapshot snapshot(rocks.db());
  return walk(rocks, snapshot.get(), nullptr);
}

Result<std::string> digest(const Rocks& rocks) {
  const Snapshot snapshot(rocks.db());
  Sha256 sum;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    ATOLL_TRY_VOID(rocks.scan(rocks.family(static_cast<Family>(i)), "", "", snapshot.get(), nullptr,
                              [&](std::string_view key, std::string_view value) {
                                Encoder row;
                                row.u8(static_cast<std::uint8_t>(i)).bytes(key).bytes(value);
                                sum.update(row.text());
                                return true;
                              }));
  }
  return sum.finish();
}

Result<> verifyReplay(const Rocks& rocks) {
  const Snapshot snapshot(rocks.db());
  ATOLL_TRY(const Position position, readPosition(rocks, snapshot.get()));
  ATOLL_TRY(const Position base, readLogBase(rocks, snapshot.get(), position.history));
  if (base.index != 0) {
    return fail(ErrorCode::NotFound,
                std::format("the log begins at entry {}: it cannot be replayed from empty",
                            base.index + 1));
  }
  std::array<std::map<std::string, std::string, std::less<>>, kFamilyCount> replayed;
  ATOLL_TRY_VOID(walk(rocks, snapshot.get(), [&](const LogEntry& entry) -> Result<> {
    for (const Op& op : entry.ops) {
      auto& rows = replayed[static_cast<std::size_t>(op.family)];
      if (op.kind == Op::Kind::Put) {
        rows[op.key] = sha256(op.value);
      } else {
        rows.erase(op.key);
      }
    }
    return {};
  }));

  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    auto expected = replayed[i].begin();
    const auto end = replayed[i].end();
    std::optional<std::string> different;
    ATOLL_TRY_VOID(rocks.scan(rocks.family(static_cast<Family>(i)), "", "", snapshot.get(), nullptr,
                              [&](std::string_view key, std::string_view value) {
                                if (expected == end || expected->first != key ||
                                    expected->second != sha256(value)) {
                                  different = key;
                                  return false;
                                }
                                ++expected;
                                return true;
                              }));
    if (!different && expected != end) different = expected->first;
    if (different) {
      return fail(ErrorCode::Corrupt, std::format("{}: row {} is not what the log says",
                                                  kFamilyNames[i], toHex(*different)));
    }
  }
  return {};
}

}  // namespace atolld::store
