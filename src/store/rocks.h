#pragma once

#include <rocksdb/db.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/result.h"
#include "store/database.h"

namespace atolld::store {

inline constexpr std::size_t kFamilyCount = 13;

/// Column families as they are on disk: Family's value is the place in this list.
inline constexpr std::array<std::string_view, kFamilyCount> kFamilyNames = {
    "tenants",       "tokens", "scripts", "versions",    "modules",  "deployments", "routes",
    "kv_namespaces", "kv",     "nodes",   "join_tokens", "requests", "audit"};

/// What RocksDB says, in our terms: the code, and a sentence with the place and the mend.
Error storeError(const rocksdb::Status& status, std::string_view doing);

/// Calls into RocksDB; a stray exception becomes a status. A failed allocation ends the process.
template <class Call>
rocksdb::Status catching(Call&& call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    checkFailed("out of memory in RocksDB");
  } catch (const std::exception& e) {
    return rocksdb::Status::Aborted("exception", e.what());
  }
}

inline rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view viewOf(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

/// The open RocksDB of a replica with its column families: "default" (format and position), "log"
/// (index to entry), and one for each Family. Any thread; get() and scan() block on disk.
class Rocks {
 public:
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;

  /// @error Io (locked, disk), Corrupt
  static Result<std::unique_ptr<Rocks>> open(const DatabaseOptions& options);
  ~Rocks();
  Rocks(const Rocks&) = delete;
  Rocks& operator=(const Rocks&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* meta() const { return meta_; }
  rocksdb::ColumnFamilyHandle* log() const { return log_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return families_[static_cast<std::size_t>(family)];
  }

  Result<std::optional<std::string>> get(rocksdb::ColumnFamilyHandle* family, std::string_view key,
                                         const rocksdb::Snapshot* snapshot) const;
  /// As View::scan. With `batch`, its rows lie over the database's.
  Result<> scan(rocksdb::ColumnFamilyHandle* family, std::string_view prefix, std::string_view from,
                const rocksdb::Snapshot* snapshot, rocksdb::WriteBatchWithIndex* batch,
                const Visit& visit) const;

 private:
  Rocks() = default;

  std::unique_ptr<rocksdb::DB> db_;
  // Destroyed by ~Rocks before db_: RocksDB requires handles to go first.
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* log_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families_{};
};

}  // namespace atolld::store
