#include "store/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "store/kv_row.h"

namespace atolld::store {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
/// Values from here on live in blob files: compaction then moves references, not megabytes.
constexpr std::uint64_t kBlobBytesMin = 64 * 1024;

/// Prefix filter of "kv": table tag and namespace, so that listing a namespace that has nothing in
/// a file does not read the file.
class KvPrefix final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "atoll.kv.1"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), kvPrefixBytes(viewOf(key))};
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    return kvPrefixBytes(viewOf(key)) != 0;
  }
};

rocksdb::CompressionType compression() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  const bool hasLz4 = std::ranges::contains(supported, rocksdb::kLZ4Compression);
  return hasLz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::DBOptions databaseOptions() {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // Flushes and compactions: two threads on a small node, never more than eight on a large one,
  // where the shards need the cores.
  options.max_background_jobs = std::clamp(cores / 4, 2, 8);
  options.max_open_files = -1;  // Index and filter of every file stay in memory: see tryGet.
  options.db_write_buffer_size = 128 * kMiB;
  options.max_total_wal_size = 256 * kMiB;  // A family that is rarely written must not pin the log.
  options.bytes_per_sync = kMiB;
  options.avoid_unnecessary_blocking_io = true;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.info_log_level = rocksdb::InfoLogLevel::INFO_LEVEL;
  options.max_log_file_size = 4 * kMiB;
  options.keep_log_file_num = 4;
  // A failed write stops all commits until the database is reopened, which replays the log: RocksDB
  // must not mend itself behind our back in the meantime.
  options.max_bgerror_resume_count = 0;
  return options;
}

rocksdb::ColumnFamilyOptions familyOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.format_version = 6;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // A miss is the commonest read, so the last level has filters too, and the memtable as well.
  options.optimize_filters_for_hits = false;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.memtable_whole_key_filtering = true;
  options.write_buffer_size = 16 * kMiB;
  options.compression = compression();
  return options;
}

rocksdb::ColumnFamilyOptions largeValueOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = familyOptions(cache);
  options.write_buffer_size = 64 * kMiB;
  options.enable_blob_files = true;
  options.min_blob_size = kBlobBytesMin;
  options.blob_compression_type = options.compression;
  options.enable_blob_garbage_collection = true;
  options.blob_cache = cache;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> describeFamilies(std::size_t blockCacheBytes) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(blockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, familyOptions(cache));
  families.emplace_back("log", largeValueOptions(cache));
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    const bool isLarge = family == Family::Kv || family == Family::Modules;
    rocksdb::ColumnFamilyOptions options =
        isLarge ? largeValueOptions(cache) : familyOptions(cache);
    if (family == Family::Kv) options.prefix_extractor = std::make_shared<KvPrefix>();
    families.emplace_back(std::string(kFamilyNames[i]), std::move(options));
  }
  return families;
}

Result<> makeDirectory(const std::string& path) {
  std::error_code error;
  const bool isNew = std::filesystem::create_directories(path, error);
  // It holds tenants' code and data: nobody else on the machine needs to read it.
  if (isNew && !error) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  }
  if (!error && !std::filesystem::is_directory(path, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (!error) return {};
  return fail(ErrorCode::Io, "data directory " + path + ": " + error.message());
}

Error openError(const rocksdb::Status& status, const std::string& path) {
  const std::string text = status.ToString();
  const std::string place = "data directory " + path + ": ";
  if (status.IsIOError() &&
      (text.contains("lock hold by current process") || text.contains("While lock file"))) {
    return {ErrorCode::Io, place + "another process has it open (" + text +
                               "): stop that process or choose another directory"};
  }
  if (status.IsInvalidArgument() && text.contains("olumn famil")) {
    return {ErrorCode::Corrupt, place + "it was made by another program or a newer version (" +
                                    text + "): use that version or another directory"};
  }
  if (status.IsCorruption() || status.IsPathNotFound() || text.contains("No such file")) {
    return {ErrorCode::Corrupt,
            place + "the database is damaged (" + text + "): restore it from a copy"};
  }
  return storeError(status, place + "opening");
}

/// The first key after all that start with `prefix`; nothing when there is none.
std::optional<std::string> prefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace

Error storeError(const rocksdb::Status& status, std::string_view doing) {
  const std::string text = std::string(doing) + ": " + status.ToString();
  if (status.IsNoSpace() || text.contains("No space left")) {
    return {ErrorCode::Io, text + ": the disk is full, make room and restart"};
  }
  if (status.IsCorruption()) return {ErrorCode::Corrupt, text};
  return {ErrorCode::Io, text};
}

Result<std::unique_ptr<Rocks>> Rocks::open(const DatabaseOptions& options) {
  ATOLL_TRY_VOID(makeDirectory(options.path));
  std::unique_ptr<Rocks> rocks(new Rocks());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DBOptions tuning = databaseOptions();
  if (options.env) tuning.env = options.env;
  const rocksdb::Status opened = catching([&] {
    return rocksdb::DB::Open(tuning, options.path, describeFamilies(options.blockCacheBytes),
                             &handles, &rocks->db_);
  });
  if (!opened.ok()) return std::unexpected(openError(opened, options.path));
  ATOLL_CHECK(handles.size() == kFamilyCount + 2);
  rocks->meta_ = handles[0];
  rocks->log_ = handles[1];
  std::copy(handles.begin() + 2, handles.end(), rocks->families_.begin());
  return rocks;
}

Rocks::~Rocks() {
  if (!db_) return;
  rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/true);
  for (rocksdb::ColumnFamilyHandle* handle : families_) delete handle;
  delete log_;
  delete meta_;
}

Result<std::optional<std::string>> Rocks::get(rocksdb::ColumnFamilyHandle* family,
                                              std::string_view key,
                                              const rocksdb::Snapshot* snapshot) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status =
      catching([&] { return db_->Get(options, family, slice(key), &value); });
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return std::unexpected(storeError(status, "reading " + family->GetName()));
  return value;
}

Result<> Rocks::scan(rocksdb::ColumnFamilyHandle* family, std::string_view prefix,
                     std::string_view from, const rocksdb::Snapshot* snapshot,
                     rocksdb::WriteBatchWithIndex* batch, const Visit& visit) const {
  const std::optional<std::string> end = prefixEnd(prefix);
  const rocksdb::Slice upperBound = end ? slice(*end) : rocksdb::Slice();
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  if (end) options.iterate_upper_bound = &upperBound;
  // The prefix filter answers only for a whole prefix; anything shorter spans several.
  options.total_order_seek = family != this->family(Family::Kv) || kvPrefixBytes(prefix) == 0;
  const rocksdb::Status status = catching([&] {
    rocksdb::Iterator* const base = db_->NewIterator(options, family);
    const std::unique_ptr<rocksdb::Iterator> rows(
        batch ? batch->NewIteratorWithBase(family, base, &options) : base);
    for (rows->Seek(slice(std::max(prefix, from))); rows->Valid(); rows->Next()) {
      if (!viewOf(rows->key()).starts_with(prefix)) break;
      if (!visit(viewOf(rows->key()), viewOf(rows->value()))) break;
    }
    return rows->status();
  });
  if (!status.ok()) return std::unexpected(storeError(status, "scanning " + family->GetName()));
  return {};
}

}  // namespace atolld::store
