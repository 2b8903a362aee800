#include "store/cache_store.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "store/codec.h"
#include "store/rocks.h"

// Rows: 'e' tenant key variant -> id, times, size, meta; 'b' id piece -> bytes.

namespace atolld::store {
namespace {

/// What an entry costs beside its body and meta: its rows' keys and its place in memory.
constexpr std::uint64_t kEntryBytes = 512;

std::string keyPrefix(std::string_view tenant, std::string_view key) {
  return Encoder().raw("e").bytes(tenant).bytes(key).take();
}

std::string entryRow(std::string_view tenant, std::string_view key, std::string_view variant) {
  return Encoder().raw("e").bytes(tenant).bytes(key).bytes(variant).take();
}

std::string pieceRow(std::uint64_t id, std::uint32_t index) {
  return Encoder().raw("b").u64(id).u32(index).take();
}

std::string encodeEntry(const CacheEntry& entry) {
  return Encoder()
      .u64(entry.id)
      .i64(entry.stored.time_since_epoch().count())
      .i64(entry.expires.time_since_epoch().count())
      .u64(entry.bodyBytes)
      .bytes(entry.meta)
      .take();
}

UnixMillis timeOf(std::int64_t millis) { return UnixMillis(std::chrono::milliseconds(millis)); }

std::optional<CacheEntry> decodeEntry(std::string_view value) {
  Decoder decoder(value);
  CacheEntry entry;
  entry.id = decoder.u64();
  entry.stored = timeOf(decoder.i64());
  entry.expires = timeOf(decoder.i64());
  entry.bodyBytes = decoder.u64();
  entry.meta = decoder.bytes();
  if (!decoder.finish("a cached entry")) return std::nullopt;
  return entry;
}

std::uint64_t costOf(std::size_t rowBytes, const CacheEntry& entry) {
  return kEntryBytes + rowBytes + entry.meta.size() + entry.bodyBytes;
}

rocksdb::Options options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.max_open_files = 64;
  options.write_buffer_size = 16 << 20;
  options.compression =
      rocksdb::kNoCompression;       // Bodies are compressed already, or cheap to keep.
  options.enable_blob_files = true;  // Bodies are written once: compactions need not move them.
  options.min_blob_size = 4096;
  options.enable_blob_garbage_collection = true;
  options.keep_log_file_num = 2;
  return options;
}

}  // namespace

struct CacheStore::Rows {
  std::unique_ptr<rocksdb::DB> db;

  /// Not synced: what a power cut takes from a cache is no loss.
  rocksdb::Status write(rocksdb::WriteBatch& batch) const {
    return catching([&] { return db->Write(rocksdb::WriteOptions(), &batch); });
  }
};

CacheStore::CacheStore(const Clock& clock, const CacheLimits& limits)
    : clock_(clock), limits_(limits), rows_(std::make_unique<Rows>()) {}

CacheStore::~CacheStore() = default;

Result<std::unique_ptr<CacheStore>> CacheStore::open(const std::string& path, const Clock& clock,
                                                     const CacheLimits& limits) {
  std::unique_ptr<CacheStore> store(new CacheStore(clock, limits));
  const auto tryOpen = [&] {
    return catching([&] { return rocksdb::DB::Open(options(), path, &store->rows_->db); });
  };
  rocksdb::Status status = tryOpen();
  if (status.IsCorruption()) {
    // Nothing in it is needed: begin afresh.
    status = catching([&] { return rocksdb::DestroyDB(path, options()); });
    if (status.ok()) status = tryOpen();
  }
  if (!status.ok()) return std::unexpected(storeError(status, "opening the cache in " + path));
  ATOLL_TRY_VOID(store->load());
  return store;
}

Result<> CacheStore::load() {
  const std::unique_ptr<rocksdb::Iterator> rows(rows_->db->NewIterator(rocksdb::ReadOptions()));
  std::vector<std::tuple<UnixMillis, std::uint64_t, std::string, std::string, std::uint64_t>> found;
  const UnixMillis now = clock_.now();
  rocksdb::WriteBatch unusable;
  for (rows->Seek("e"); rows->Valid() && rows->key().starts_with("e"); rows->Next()) {
    const std::string_view row = viewOf(rows->key());
    const auto entry = decodeEntry(viewOf(rows->value()));
    if (!entry || entry->expires <= now) {
      unusable.Delete(rows->key());
      continue;
    }
    lastId_ = std::max(lastId_, entry->id);
    const std::string tenant(Decoder(row.substr(1)).bytes());
    found.emplace_back(entry->stored, entry->id, row, tenant, costOf(row.size(), *entry));
  }
  std::ranges::sort(found);
  for (auto& [stored, id, row, tenant, bytes] : found) place(id, std::move(row), tenant, bytes);
  // Bodies without an entry: of expired ones, and of those that were never completed.
  for (rows->Seek("b"); rows->Valid() && rows->key().starts_with("b");) {
    const std::uint64_t id = Decoder(viewOf(rows->key()).substr(1)).u64();
    lastId_ = std::max(lastId_, id);
    const std::string end = pieceRow(id + 1, 0);
    if (!places_.contains(id)) unusable.DeleteRange(pieceRow(id, 0), end);
    rows->Seek(end);
  }
  if (!rows->status().ok()) {
    return std::unexpected(storeError(rows->status(), "reading the cache"));
  }
  if (const auto status = rows_->write(unusable); !status.ok()) {
    return std::unexpected(storeError(status, "tidying the cache"));
  }
  return {};
}

void CacheStore::place(std::uint64_t id, std::string row, std::string_view tenant,
                       std::uint64_t bytes) {
  TenantUse& use = tenants_[std::string(tenant)];
  use.bytes += bytes;
  usedBytes_ += bytes;
  places_[id] = {std::move(row), std::string(tenant), bytes, order_.insert(order_.end(), id),
                 use.order.insert(use.order.end(), id)};
}

void CacheStore::drop(std::uint64_t id) {
  const auto node = places_.extract(id);
  if (node.empty()) return;
  const Place& place = node.mapped();
  const auto use = tenants_.find(place.tenant);
  order_.erase(place.inNode);
  use->second.order.erase(place.inTenant);
  use->second.bytes -= place.bytes;
  usedBytes_ -= place.bytes;
  if (use->second.order.empty()) tenants_.erase(use);
  rocksdb::WriteBatch batch;
  batch.Delete(place.row);
  // A failure leaves a row whose body is gone: its reader sees a body that breaks off.
  static_cast<void>(rows_->write(batch));
  const auto pin = pins_.find(id);
  if (pin == pins_.end()) {
    dropBody(id);
  } else {
    pin->second.doomed = true;
  }
}

void CacheStore::dropBody(std::uint64_t id) {
  rocksdb::WriteBatch batch;
  batch.DeleteRange(pieceRow(id, 0), pieceRow(id + 1, 0));
  static_cast<void>(rows_->write(batch));
}

void CacheStore::makeRoom(std::string_view tenant, std::uint64_t bytes) {
  const auto use = tenants_.find(std::string(tenant));
  // By id and not by reference: dropping a tenant's last entry drops the tenant.
  if (use != tenants_.end() && use->second.bytes + bytes > limits_.tenantBytesMax) {
    std::uint64_t excess = use->second.bytes + bytes - limits_.tenantBytesMax;
    const Order oldest = use->second.order;
    for (const std::uint64_t id : oldest) {
      const std::uint64_t freed = places_.at(id).bytes;
      drop(id);
      if (freed >= excess) break;
      excess -= freed;
    }
  }
  while (!order_.empty() &&
         (usedBytes_ + bytes > limits_.bytesMax || places_.size() >= limits_.entryCountMax)) {
    drop(order_.front());
  }
}

Result<std::vector<CacheEntry>> CacheStore::find(std::string_view tenant, std::string_view key) {
  const std::string prefix = keyPrefix(tenant, key);
  std::vector<CacheEntry> entries;
  std::vector<std::uint64_t> expired;
  const UnixMillis now = clock_.now();
  {
    const std::unique_ptr<rocksdb::Iterator> rows(rows_->db->NewIterator(rocksdb::ReadOptions()));
    for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      auto entry = decodeEntry(viewOf(rows->value()));
      if (!entry) continue;
      entry->variant = Decoder(viewOf(rows->key()).substr(prefix.size())).bytes();
      if (entry->expires <= now) {
        expired.push_back(entry->id);
      } else {
        entries.push_back(*std::move(entry));
      }
    }
    if (!rows->status().ok()) {
      return std::unexpected(storeError(rows->status(), "reading the cache"));
    }
  }
  if (!expired.empty()) {
    const std::scoped_lock lock(mutex_);
    for (const std::uint64_t id : expired) drop(id);
  }
  std::ranges::sort(entries, std::greater(), &CacheEntry::id);
  return entries;
}

Result<std::string> CacheStore::read(std::uint64_t id, std::uint32_t index) {
  std::string piece;
  const rocksdb::Status status =
      catching([&] { return rows_->db->Get(rocksdb::ReadOptions(), pieceRow(id, index), &piece); });
  if (status.IsNotFound()) return fail(ErrorCode::NotFound, "the cached body is gone");
  if (!status.ok()) return std::unexpected(storeError(status, "reading a cached body"));
  return piece;
}

bool CacheStore::pin(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(id);
  if (found == places_.end()) return false;
  const Place& place = found->second;
  Order& inTenant = tenants_.at(place.tenant).order;
  order_.splice(order_.end(), order_, place.inNode);
  inTenant.splice(inTenant.end(), inTenant, place.inTenant);
  ++pins_[id].count;
  return true;
}

void CacheStore::unpin(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  const auto found = pins_.find(id);
  if (found == pins_.end() || --found->second.count > 0) return;
  const bool doomed = found->second.doomed;
  pins_.erase(found);
  if (doomed) dropBody(id);
}

Result<bool> CacheStore::remove(std::string_view tenant, std::string_view key) {
  ATOLL_TRY(const std::vector<CacheEntry> entries, find(tenant, key));
  const std::scoped_lock lock(mutex_);
  for (const CacheEntry& entry : entries) drop(entry.id);
  return !entries.empty();
}

std::uint64_t CacheStore::usedBytes() const {
  const std::scoped_lock lock(mutex_);
  return usedBytes_;
}

CacheStore::Writer::Writer(CacheStore& store, std::string tenant)
    : store_(store), tenant_(std::move(tenant)), id_([&] {
        const std::scoped_lock lock(store.mutex_);
        return ++store.lastId_;
      }()) {}

CacheStore::Writer::~Writer() {
  if (committed_) return;
  const std::scoped_lock lock(store_.mutex_);
  store_.usedBytes_ -= bytes_;
  if (pieceCount_ > 0) store_.dropBody(id_);
}

Result<> CacheStore::Writer::append(std::string_view piece) {
  const CacheLimits& limits = store_.limits_;
  if (bytes_ + piece.size() > std::min(limits.bodyBytesMax, limits.tenantBytesMax)) {
    return fail(ErrorCode::TooLarge, "the body is larger than the cache may hold");
  }
  {
    const std::scoped_lock lock(store_.mutex_);
    store_.makeRoom(tenant_, piece.size());
    store_.usedBytes_ += piece.size();
    bytes_ += piece.size();
  }
  rocksdb::WriteBatch batch;
  batch.Put(pieceRow(id_, pieceCount_++), slice(piece));
  const rocksdb::Status status = store_.rows_->write(batch);
  if (!status.ok()) return std::unexpected(storeError(status, "writing a cached body"));
  return {};
}

Result<> CacheStore::Writer::commit(std::string_view key, std::string_view variant,
                                    std::string_view meta, UnixMillis expires) {
  ATOLL_TRY(const std::vector<CacheEntry> others, store_.find(tenant_, key));
  CacheEntry entry{.id = id_,
                   .meta = std::string(meta),
                   .bodyBytes = bytes_,
                   .stored = store_.clock_.now(),
                   .expires = expires};
  std::string row = entryRow(tenant_, key, variant);
  const std::uint64_t cost = costOf(row.size(), entry);

  const std::scoped_lock lock(store_.mutex_);
  std::size_t kept = 1;
  for (const CacheEntry& other : others) {
    if (other.variant == variant || ++kept > store_.limits_.variantCountMax) store_.drop(other.id);
  }
  store_.makeRoom(tenant_, cost);
  rocksdb::WriteBatch batch;
  batch.Put(row, encodeEntry(entry));
  const rocksdb::Status status = store_.rows_->write(batch);
  if (!status.ok()) return std::unexpected(storeError(status, "writing to the cache"));
  committed_ = true;
  store_.usedBytes_ -= bytes_;  // Counted with its entry from here on.
  store_.place(id_, std::move(row), tenant_, cost);
  return {};
}

}  // namespace atolld::store
