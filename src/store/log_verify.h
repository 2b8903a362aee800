#pragma once

#include "base/result.h"
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

/// The end of the log is what the position says: index, history, hash, and nothing behind it.
/// @error Corrupt
Result<> verifyLogHead(const Rocks& rocks, const Position& position);

/// See Database. Both look at one snapshot.
Result<Position> verifyLog(const Rocks& rocks);
Result<> verifyReplay(const Rocks& rocks);

}  // namespace atolld::store
