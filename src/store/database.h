#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace rocksdb {
class Env;
}

namespace atolld::store {

/// A column family of the replica: data families change only by log entries.
enum class Family : std::uint8_t {
  Tenants,
  Tokens,
  Scripts,
  Versions,
  Modules,
  Deployments,
  Routes,
  KvNamespaces,
  Kv,
  Nodes,
  JoinTokens,
  Requests,  ///< Ids of writes that were made, for a while: a repeated one is not made again.
  Audit      ///< Who changed what: written by stageAudit() only.
};

/// One change in a log entry. An entry's effect is exactly its ops, in order: equal (history,
/// index, hash) means equal contents.
struct Op {
  enum class Kind : std::uint8_t { Put, Delete } kind = Kind::Put;
  Family family = Family::Kv;
  std::string key;
  std::string value;  ///< Empty for Delete.
};
using Ops = std::vector<Op>;

/// What a group of entries changed. Keys of families with few and small rows are told; of the
/// others only that something did.
struct Changes {
  std::uint32_t familyBits = 0;                      ///< Bit per Family.
  bool isAll = false;                                ///< The contents were replaced whole.
  std::vector<std::pair<Family, std::string>> keys;  ///< Of Scripts and Routes, in order.

  bool has(Family family) const noexcept {
    return (familyBits & 1u << static_cast<unsigned>(family)) != 0;
  }
  void note(const Op& op);
};

/// A position in the log.
struct Position {
  std::string history;      ///< 16 random bytes, made when the log is; raw.
  std::uint64_t index = 0;  ///< 0: nothing committed yet.
  std::string hash;         ///< SHA-256 chained over the previous hash and this entry; raw.
};

/// A consistent view of the data families. For a proposal it includes what earlier proposals of the
/// same group will write.
class View {
 public:
  virtual ~View() = default;
  virtual Result<std::optional<std::string>> get(Family family, std::string_view key) const = 0;
  /// Rows whose key starts with `prefix`, in key order from `from` on, until `visit` says false.
  virtual Result<> scan(
      Family family, std::string_view prefix, std::string_view from,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
  /// Index of the last log entry it shows.
  virtual Result<std::uint64_t> index() const = 0;
};

/// Decides, from what is there, what to change; runs on the commit thread, one at a time, and must
/// be a function of the view and its captures only. An error refuses the commit and is returned.
/// Empty ops commit nothing and succeed with the current position. Notes of stageAudit() among them
/// become records, by the AuthorScope that commit() was called in.
using Proposal = std::move_only_function<Result<Ops>(const View&)>;

struct DatabaseOptions {
  std::string path;
  std::size_t blockCacheBytes = 256ull * 1024 * 1024;
  rocksdb::Env* env = nullptr;  ///< Whose disk; null: the machine's. Tests bring one that fails.
  bool follows = false;         ///< Another node's log is applied here; commit() is refused.
};

/// What an applied run of entries did.
struct Applied {
  Position position;
  UnixMillis time{};  ///< Of its last entry, by the clock of whoever committed it.
};

/// The replica: RocksDB with the log and the data it says. One per data directory (locked).
class Database {
 public:
  /// Opens or makes it. Verifies that the head of the log is what the position says.
  /// @error Io (locked, disk), Corrupt
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options, const Clock& clock);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// The one commit function. Entry and effect are one WriteBatch, synced before this returns;
  /// concurrent commits share a sync. Blocks: storage threads only.
  /// @return the entry's position.  @error the proposal's own, InvalidArgument or TooLarge (ops
  /// that no entry can carry), or Io: the write failed, nothing of its group is acknowledged or
  /// visible, and the database refuses further commits until reopened; only then is it known
  /// whether the entry reached the disk.
  Result<Position> commit(Proposal proposal);

  /// Applies entries of another node's log, the next ones in order, each a row of it (encoding,
  /// then hash): verified one by one, then written with their effects and the position in one
  /// batch. Not synced: what a power cut takes is asked for again. A database without entries takes
  /// the history of the first. One thread at a time; blocks; databases that follow only.
  /// @error Corrupt  a gap, a wrong hash, another history or no entry: nothing of `rows` is
  /// applied.
  ///        Io
  Result<Applied> apply(std::span<const std::string_view> rows);

  /// Visits rows of the log (encoding, then hash) from `index` on, in order, up to the position,
  /// until `visit` says false. Storage threads only.
  /// @error NotFound  the log no longer goes back that far.
  Result<> readLog(
      std::uint64_t index,
      const std::function<bool(std::uint64_t index, std::string_view row)>& visit) const;
  /// The hash of the entry with this index; nothing if the log does not reach it. Storage threads
  /// only.
  Result<std::optional<std::string>> hashAt(std::uint64_t index) const;
  /// Drops the entries before `index`, never the last one. The data stays. Storage threads only.
  Result<> trimLog(std::uint64_t index);

  /// Makes a copy in `directory`, which must not exist: links and small files, so cheap, on the
  /// same file system. Storage threads only.
  Result<> checkpoint(const std::string& directory) const;
  /// Goes on with the database in `directory` (a checkpoint of another node), which is opened and
  /// verified first; the former one is closed. Readers never wait and see the one or the other.
  /// Databases that follow only; not while apply() runs.
  /// @error Corrupt, Io: then nothing has changed.
  Result<Position> replaceWith(const std::string& directory);

  /// A consistent view of now. Any storage thread; must not outlive the database.
  std::unique_ptr<View> view() const;
  /// One row as it is now: cheaper than a view. Storage threads only.
  Result<std::optional<std::string>> get(Family family, std::string_view key) const;
  Position position() const;  ///< Any thread.

  /// Called on the commit thread after each group is durable and before its callers return, in
  /// order, with the last position and what changed. May read, must not commit. Set once, before
  /// the first commit.
  void onCommitted(std::function<void(const Position&, const Changes&)> listener);

  /// A read that may use only memory: nullopt outside = would block on disk.
  /// Any thread, loop threads included.
  std::optional<Result<std::optional<std::string>>> tryGet(Family family,
                                                           std::string_view key) const;

  /// Walks the whole log and checks index, chain and hashes. @error Corrupt says where.
  Result<Position> verifyLog() const;
  /// Replays the whole log from empty and compares the outcome with the data families, row by row.
  /// Takes memory for a key and a hash per row. @error Corrupt names the first difference.
  Result<> verifyReplay() const;
  /// SHA-256 over every row of every data family: equal positions have equal ones. Reads it all.
  Result<std::string> digest() const;

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace atolld::store
