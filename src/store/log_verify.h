#pragma once

#include "base/result.h"
#include "store/log_entry.h"
#include "store/rocks.h"

namespace atolld::store {

/// Column family "log": key of the entry with this index. In key order is in index order.
std::string logKey(std::uint64_t index);

/// The row "position" of column family "default".
std::string encodePosition(const Position& position);
/// @error Corrupt
Result<Position> decodePosition(std::string_view row);
/// @error Corrupt: there is none.
Result<Position> readPosition(const Rocks& rocks, const rocksdb::Snapshot* snapshot);

/// Where the log on this node begins: the position before its first entry. Index 0 unless it was
/// trimmed. `history` is the log's.
Result<Position> readLogBase(const Rocks& rocks, const rocksdb::Snapshot* snapshot,
                             const std::string& history);
/// Rows of column family "default".
inline constexpr std::string_view kPositionKey = "position";
inline constexpr std::string_view kLogBaseKey = "log_base";

/// Checks that `row` (encoding, then hash) is the entry after `position`, and moves `position`
/// onto it. @error Corrupt says what is wrong; then `position` is as before.
Result<LogEntry> verifyNext(Position& position, std::string_view row);

/// The end of the log is what the position says: index, history, hash, and nothing behind it.
/// @error Corrupt
Result<> verifyLogHead(const Rocks& rocks, const Position& position);

/// See Database. Each looks at one snapshot.
Result<std::string> digest(const Rocks& rocks);
Result<Position> verifyLog(const Rocks& rocks);
Result<> verifyReplay(const Rocks& rocks);

}  // namespace atolld::store
