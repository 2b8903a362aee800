#include "store/audit_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "store/codec.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kIndexBytes = 8;
constexpr std::size_t kSubjectBytesMax = 1024;
/// Rows that one log entry drops.
constexpr std::size_t kCollectCountMax = 10'000;

thread_local const Author* authorOfThread = nullptr;

std::string keyPrefix(std::string_view tenant, AuditKind kind) {
  std::string key(tenant);
  key += '\0';
  key += static_cast<char>(kind);
  return key;
}

/// The newest come first in key order.
std::string indexKey(std::uint64_t index) { return Encoder().u64(~index).take(); }

/// At most kSubjectBytesMax, and no half of a character.
std::string_view cut(std::string_view subject) {
  if (subject.size() <= kSubjectBytesMax) return subject;
  std::size_t end = kSubjectBytesMax;
  while (end > 0 && (static_cast<unsigned char>(subject[end]) & 0xc0u) == 0x80u) --end;
  return subject.substr(0, end);
}

Result<AuditRecord> decodeRecord(std::string_view key, std::string_view row) {
  Decoder keyIn(key);
  AuditRecord record{.index = ~keyIn.u64(), .time = {}, .action = {}, .subject = {}, .author = {}};
  ATOLL_TRY_VOID(keyIn.finish("audit key"));
  Decoder in(row);
  if (in.u8() != kVersion) in.reject("has an unknown format version");
  record.action = in.bytes();
  record.subject = in.bytes();
  record.time = UnixMillis(std::chrono::milliseconds(in.i64()));
  for (std::string* const field :
       {&record.author.tenant, &record.author.tokenId, &record.author.role, &record.author.address,
        &record.author.ray}) {
    *field = in.bytes();
  }
  ATOLL_TRY_VOID(in.finish("audit row"));
  return record;
}

Result<std::vector<AuditRecord>> listKind(const View& view, const std::string& prefix,
                                          std::size_t limit, std::uint64_t before,
                                          UnixMillis since) {
  std::vector<AuditRecord> records;
  Result<> visited;
  // Indexes are complemented in keys, so the entry before `before` is the next key after its own.
  const std::string from = before == 0 ? std::string() : prefix + indexKey(before - 1);
  const auto visit = [&](std::string_view key, std::string_view row) {
    if (records.size() == limit) return false;
    Result<AuditRecord> record = decodeRecord(key.substr(prefix.size()), row);
    if (!record) {
      visited = std::unexpected(std::move(record).error());
      return false;
    }
    if (record->time < since) return false;
    records.push_back(*std::move(record));
    return true;
  };
  ATOLL_TRY_VOID(view.scan(Family::Audit, prefix, from, visit));
  if (!visited) return std::unexpected(std::move(visited).error());
  return records;
}

}  // namespace

AuthorScope::AuthorScope(const Author& author) {
  ATOLL_CHECK(authorOfThread == nullptr);
  authorOfThread = &author;
}

AuthorScope::~AuthorScope() { authorOfThread = nullptr; }

const Author* AuthorScope::current() noexcept { return authorOfThread; }

void stageAudit(const AuditNote& note, Ops& ops) {
  // What is not known yet follows in settleAudit(): the index at the key's end, the rest at the
  // value's.
  ops.push_back({Op::Kind::Put, Family::Audit, keyPrefix(note.tenant, note.kind),
                 Encoder().u8(kVersion).bytes(note.action).bytes(cut(note.subject)).take()});
}

void settleAudit(Ops& ops, const Author* author, std::uint64_t index, UnixMillis time) {
  const auto isNote = [](const Op& op) {
    return op.family == Family::Audit && op.kind == Op::Kind::Put;
  };
  if (author == nullptr || std::ranges::all_of(ops, isNote)) {
    std::erase_if(ops, isNote);
    return;
  }
  for (Op& op : ops) {
    if (!isNote(op)) continue;
    if (op.key.front() == '\0') op.key.insert(0, author->tenant);
    op.key += indexKey(index);
    op.value += Encoder()
                    .i64(time.time_since_epoch().count())
                    .bytes(author->tenant)
                    .bytes(author->tokenId)
                    .bytes(author->role)
                    .bytes(author->address)
                    .bytes(author->ray)
                    .take();
  }
}

Result<std::vector<AuditRecord>> AuditLog::list(std::string_view tenant, std::size_t limit,
                                                std::uint64_t before, UnixMillis since) const {
  limit = std::min(limit, kListCountMax);
  const std::unique_ptr<View> view = database_.view();
  ATOLL_TRY(const auto changes,
            listKind(*view, keyPrefix(tenant, AuditKind::Change), limit, before, since));
  ATOLL_TRY(const auto data,
            listKind(*view, keyPrefix(tenant, AuditKind::Data), limit, before, since));
  std::vector<AuditRecord> records;
  std::ranges::merge(changes, data, std::back_inserter(records), std::ranges::greater(),
                     &AuditRecord::index, &AuditRecord::index);
  if (records.size() > limit) records.resize(limit);
  return records;
}

Result<std::size_t> AuditLog::collect(std::size_t countMax) {
  // Found outside of the commit, which others wait for: only collect() deletes, so all of it is
  // there still, and what comes meanwhile is newer.
  Ops old;
  std::string prefix;
  std::size_t count = 0;
  const auto visit = [&](std::string_view key, std::string_view) {
    const std::string_view keyOfList = key.substr(0, key.size() - kIndexBytes);
    if (keyOfList != prefix) {
      prefix = keyOfList;
      count = 0;
    }
    if (++count > countMax) old.push_back({Op::Kind::Delete, Family::Audit, std::string(key), {}});
    return old.size() < kCollectCountMax;
  };
  std::size_t collected = 0;
  do {
    old.clear();
    prefix.clear();
    ATOLL_TRY_VOID(database_.view()->scan(Family::Audit, "", "", visit));
    if (old.empty()) break;
    collected += old.size();
    ATOLL_TRY_VOID(database_.commit([&](const View&) -> Result<Ops> { return old; }));
  } while (old.size() == kCollectCountMax);
  return collected;
}

}  // namespace atolld::store
