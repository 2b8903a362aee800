// The half of Database that takes entries from another node, and hands its own to others.

#include <rocksdb/utilities/checkpoint.h>

#include <format>

#include "base/check.h"
#include "store/database_state.h"
#include "store/log_entry.h"
#include "store/log_verify.h"

namespace atolld::store {
namespace {

/// Staging only copies into memory: the batch has no size limit to run into.
void stage(const rocksdb::Status& status) { ATOLL_CHECK(status.ok()); }

void stageEffect(const Rocks& rocks, const LogEntry& entry, rocksdb::WriteBatch& batch,
                 Changes& changes) {
  for (const Op& op : entry.ops) {
    changes.note(op);
    rocksdb::ColumnFamilyHandle* const family = rocks.family(op.family);
    stage(op.kind == Op::Kind::Put ? batch.Put(family, slice(op.key), slice(op.value))
                                   : batch.Delete(family, slice(op.key)));
  }
}

}  // namespace

Result<Applied> Database::apply(std::span<const std::string_view> rows) {
  ATOLL_CHECK(state_->options.follows);
  const RocksHolder::Use rocks = state_->rocks.use();
  Applied applied{.position = position()};
  Position& end = applied.position;
  rocksdb::WriteBatch batch;
  Changes changes;
  for (const std::string_view row : rows) {
    if (end.index == 0) {
      ATOLL_TRY(const LogRow parts, splitLogRow(row));
      ATOLL_TRY(const LogEntry first, decodeLogEntry(parts.encoded));
      end.history = first.history;
    }
    ATOLL_TRY(const LogEntry entry, verifyNext(end, row));
    stageEffect(*rocks, entry, batch, changes);
    stage(batch.Put(rocks->log(), logKey(entry.index), slice(row)));
    applied.time = entry.time;
  }
  if (rows.empty()) return applied;
  stage(batch.Put(rocks->meta(), slice(kPositionKey), encodePosition(end)));
  const rocksdb::Status written =
      catching([&] { return rocks->db().Write(rocksdb::WriteOptions(), &batch); });
  if (!written.ok()) return std::unexpected(storeError(written, "writing the log"));
  {
    const std::scoped_lock lock(state_->mutex);
    state_->position = end;
  }
  if (state_->listener) state_->listener(end, changes);
  return applied;
}

Result<> Database::readLog(
    std::uint64_t index,
    const std::function<bool(std::uint64_t index, std::string_view row)>& visit) const {
  const Position end = position();
  if (index > end.index) return {};
  const RocksHolder::Use rocks = state_->rocks.use();
  std::uint64_t next = index;
  ATOLL_TRY_VOID(rocks->scan(rocks->log(), "", logKey(index), nullptr, nullptr,
                             [&](std::string_view key, std::string_view row) {
                               if (next > end.index || key != logKey(next)) return false;
                               return visit(next++, row);
                             }));
  if (next == index) {
    return fail(ErrorCode::NotFound, std::format("the log no longer goes back to entry {}", index));
  }
  return {};
}

Result<std::optional<std::string>> Database::hashAt(std::uint64_t index) const {
  const Position end = position();
  if (index == end.index) return end.hash;
  const RocksHolder::Use rocks = state_->rocks.use();
  ATOLL_TRY(const Position base, readLogBase(*rocks, nullptr, end.history));
  if (index == base.index) return base.hash;
  ATOLL_TRY(const std::optional<std::string> row, rocks->get(rocks->log(), logKey(index), nullptr));
  if (!row) return std::nullopt;
  ATOLL_TRY(const LogRow parts, splitLogRow(*row));
  return std::string(parts.hash);
}

Result<> Database::trimLog(std::uint64_t index) {
  const Position end = position();
  const RocksHolder::Use rocks = state_->rocks.use();
  ATOLL_TRY(Position base, readLogBase(*rocks, nullptr, end.history));
  index = std::min(index, end.index);
  if (index <= base.index + 1) return {};
  ATOLL_TRY(const std::optional<std::string> hash, hashAt(index - 1));
  if (!hash) return fail(ErrorCode::Corrupt, std::format("log entry {}: missing", index - 1));
  rocksdb::WriteBatch batch;
  stage(batch.DeleteRange(rocks->log(), logKey(base.index + 1), logKey(index)));
  base.index = index - 1;
  base.hash = *hash;
  stage(batch.Put(rocks->meta(), slice(kLogBaseKey), encodePosition(base)));
  const rocksdb::Status written =
      catching([&] { return rocks->db().Write(rocksdb::WriteOptions(), &batch); });
  if (!written.ok()) return std::unexpected(storeError(written, "trimming the log"));
  return {};
}

Result<> Database::checkpoint(const std::string& directory) const {
  const RocksHolder::Use rocks = state_->rocks.use();
  const rocksdb::Status made = catching([&]() -> rocksdb::Status {
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(&rocks->db(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    return status.ok() ? checkpoint->CreateCheckpoint(directory) : status;
  });
  if (!made.ok()) return std::unexpected(storeError(made, "making a checkpoint"));
  return {};
}

Result<Position> Database::replaceWith(const std::string& directory) {
  ATOLL_CHECK(state_->options.follows);
  DatabaseOptions options = state_->options;
  options.path = directory;
  ATOLL_TRY(std::unique_ptr<Rocks> next, Rocks::open(options));
  // A checkpoint has a position: without one it would count as new, and be given a history.
  ATOLL_TRY_VOID(readPosition(*next, nullptr));
  ATOLL_TRY(const Position start, findPosition(*next, true));
  ATOLL_TRY_VOID(store::verifyLog(*next));
  const std::unique_ptr<Rocks> former = state_->rocks.replace(std::move(next));
  {
    const std::scoped_lock lock(state_->mutex);
    state_->position = start;
  }
  if (state_->listener)
    state_->listener(start, {.familyBits = ~std::uint32_t{0}, .isAll = true, .keys = {}});
  return start;
}

}  // namespace atolld::store
