#include "store/log_entry.h"

#include <format>

#include "base/check.h"
#include "store/codec.h"
#include "store/crypto.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kPut = 0;
constexpr std::uint8_t kDelete = 1;
constexpr std::size_t kHeadBytes = 1 + kHistoryBytes + 8 + 8 + 4;
constexpr std::size_t kOpBytesMin = 1 + 1 + 4 + 1;
constexpr std::uint8_t kFamilyMax = static_cast<std::uint8_t>(Family::Audit);

std::size_t encodedSize(const Ops& ops) {
  std::size_t size = kHeadBytes;
  for (const Op& op : ops) size += 1 + 1 + 4 + op.key.size() + 4 + op.value.size();
  return size;
}

Op decodeOp(Decoder& in) {
  Op op;
  const std::uint8_t kind = in.u8();
  if (kind > kDelete) in.reject("has an unknown kind of op");
  const std::uint8_t family = in.u8();
  if (family > kFamilyMax) in.reject("names an unknown family");
  const std::string_view key = in.bytes();
  if (key.empty()) in.reject("has an op without a key");
  if (key.size() > kOpKeyBytesMax) in.reject("has an op with too long a key");
  const std::string_view value = kind == kPut ? in.bytes() : std::string_view();
  if (!in.ok()) return op;
  op.kind = kind == kPut ? Op::Kind::Put : Op::Kind::Delete;
  op.family = static_cast<Family>(family);
  op.key = key;
  op.value = value;
  return op;
}

}  // namespace

std::string firstHash() { return std::string(kHashBytes, '\0'); }

Result<> checkOps(const Ops& ops) {
  for (const Op& op : ops) {
    if (op.key.empty() || op.key.size() > kOpKeyBytesMax) {
      return fail(
          ErrorCode::InvalidArgument,
          std::format("a row key of {} bytes: 1 to {} are allowed", op.key.size(), kOpKeyBytesMax));
    }
    if (op.kind == Op::Kind::Delete && !op.value.empty()) {
      return fail(ErrorCode::InvalidArgument, "a delete op carries a value");
    }
    if (static_cast<std::uint8_t>(op.family) > kFamilyMax) {
      return fail(ErrorCode::InvalidArgument, "an op names an unknown family");
    }
  }
  if (const std::size_t size = encodedSize(ops); size > kEntryBytesMax) {
    return fail(ErrorCode::TooLarge,
                std::format("the change takes {} bytes: one log entry holds at most {}", size,
                            kEntryBytesMax));
  }
  return {};
}

std::string encodeLogEntry(const LogEntry& entry) {
  ATOLL_CHECK(entry.history.size() == kHistoryBytes && entry.index > 0 && !entry.ops.empty());
  Encoder out;
  out.reserve(encodedSize(entry.ops) + kHashBytes);  // The row gets its hash appended.
  out.u8(kVersion).raw(entry.history).u64(entry.index);
  out.i64(entry.time.time_since_epoch().count());
  out.u32(static_cast<std::uint32_t>(entry.ops.size()));
  for (const Op& op : entry.ops) {
    out.u8(op.kind == Op::Kind::Put ? kPut : kDelete).u8(static_cast<std::uint8_t>(op.family));
    out.bytes(op.key);
    if (op.kind == Op::Kind::Put) out.bytes(op.value);
  }
  return out.take();
}

Result<LogEntry> decodeLogEntry(std::string_view encoded) {
  if (encoded.size() > kEntryBytesMax) {
    return fail(ErrorCode::Corrupt, "log entry is larger than any entry may be");
  }
  Decoder in(encoded);
  if (const std::uint8_t version = in.u8(); in.ok() && version != kVersion) {
    return fail(
        ErrorCode::Corrupt,
        std::format("log entry has format version {}; this build reads {}", version, kVersion));
  }
  LogEntry entry;
  entry.history = in.raw(kHistoryBytes);
  entry.index = in.u64();
  if (entry.index == 0) in.reject("has index 0");
  entry.time = UnixMillis(std::chrono::milliseconds(in.i64()));
  const std::uint32_t count = in.count(kOpBytesMin);
  if (count == 0) in.reject("has no op");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) entry.ops.push_back(decodeOp(in));
  ATOLL_TRY_VOID(in.finish("log entry"));
  return entry;
}

std::string chainHash(std::string_view previousHash, std::string_view encoded) {
  return Sha256().update(previousHash).update(encoded).finish();
}

Result<LogRow> splitLogRow(std::string_view row) {
  if (row.size() < kHashBytes) return fail(ErrorCode::Corrupt, "log row is shorter than a hash");
  const std::size_t encodedBytes = row.size() - kHashBytes;
  return LogRow{row.substr(0, encodedBytes), row.substr(encodedBytes)};
}

}  // namespace atolld::store
