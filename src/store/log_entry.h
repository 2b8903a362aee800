#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

inline constexpr std::size_t kHistoryBytes = 16;
inline constexpr std::size_t kOpKeyBytesMax = 64 * 1024;
/// One entry, encoded. Above what one upload or one bulk KV write may carry, below what RocksDB and
/// a peer can take in one piece.
inline constexpr std::size_t kEntryBytesMax = 256ull * 1024 * 1024;

/// One entry of the log without its hash, which is chained over the encoding.
struct LogEntry {
  std::string history;      ///< kHistoryBytes, raw.
  std::uint64_t index = 0;  ///< 1, 2, 3 … without a gap.
  UnixMillis time{};
  Ops ops;  ///< Never empty.
};

/// What an entry at index 1 chains to.
std::string firstHash();

/// @error InvalidArgument, TooLarge: an op that no entry can carry.
Result<> checkOps(const Ops& ops);

/// The canonical encoding: version byte 1, history, index, time, count, and per op its kind,
/// family, key and (for Put) value. `entry.ops` have passed checkOps().
std::string encodeLogEntry(const LogEntry& entry);

/// Accepts exactly what encodeLogEntry() makes: every other byte sequence, longer, shorter or
/// different in any place, is refused or is another entry. Input is untrusted.
/// @error Corrupt says what is wrong.
Result<LogEntry> decodeLogEntry(std::string_view encoded);

/// SHA-256 over the previous entry's hash and this entry's encoding.
std::string chainHash(std::string_view previousHash, std::string_view encoded);

/// The row of column family "log": encoding, then its hash.
struct LogRow {
  std::string_view encoded;
  std::string_view hash;
};
/// Only takes the row apart; borrows it. @error Corrupt: too short.
Result<LogRow> splitLogRow(std::string_view row);

}  // namespace atolld::store
