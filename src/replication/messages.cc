// The bodies of the fleet's small calls.

#include <algorithm>

#include "replication/fleet_view.h"
#include "replication/kv_request.h"
#include "store/codec.h"
#include "store/crypto.h"
#include "store/log_entry.h"

namespace atolld::replication {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kReportVersion = 2;  // 1: of a node from before it told its load.
constexpr std::size_t kWordBytesMax = 256;
constexpr std::uint8_t kHasMetadata = 1;
constexpr std::uint8_t kHasExpiry = 2;

Result<> finish(store::Decoder& in, std::string_view what) {
  if (const Result<> whole = in.finish(what); !whole) {
    return fail(ErrorCode::InvalidArgument, whole.error().detail);
  }
  return {};
}

std::string word(store::Decoder& in) {
  const std::string_view text = in.bytes();
  if (text.size() > kWordBytesMax) in.reject("has too long a word");
  // Operators read it in a terminal.
  const bool isPlain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
  if (!isPlain) in.reject("has a word that is no plain text");
  return std::string(text.substr(0, kWordBytesMax));
}

}  // namespace

std::string NodeReport::encode() const {
  store::Encoder out;
  out.u8(kReportVersion).bytes(version).bytes(state).bytes(upstream);
  out.raw(history).u64(index).raw(hash);
  out.i64(lagMillis).i64(ageMillis).u64(bootstraps);
  return out.u32(cpuPermille)
      .u32(requestsPerSecond)
      .u64(memoryBytes)
      .u32(isolates)
      .bytes(health)
      .take();
}

Result<NodeReport> NodeReport::decode(std::string_view bytes) {
  store::Decoder in(bytes);
  const std::uint8_t format = in.u8();
  if (format != kVersion && format != kReportVersion) in.reject("is of another version");
  NodeReport report;
  report.version = word(in);
  report.state = word(in);
  report.upstream = word(in);
  report.history = in.raw(store::kHistoryBytes);
  report.index = in.u64();
  report.hash = in.raw(store::kHashBytes);
  report.lagMillis = in.i64();
  report.ageMillis = in.i64();
  report.bootstraps = in.u64();
  if (format == kReportVersion) {
    report.cpuPermille = in.u32();
    report.requestsPerSecond = in.u32();
    report.memoryBytes = in.u64();
    report.isolates = in.u32();
    report.health = word(in);
  }
  ATOLL_TRY_VOID(finish(in, "the report"));
  return report;
}

std::string KvRequest::encode() const {
  store::Encoder out;
  out.u8(kVersion).raw(id).bytes(namespaceId).u32(static_cast<std::uint32_t>(puts.size()));
  for (const store::KvPut& put : puts) {
    out.bytes(put.key).bytes(put.value.view());
    out.u8(static_cast<std::uint8_t>((put.metadata ? kHasMetadata : 0) |
                                     (put.expirationSeconds ? kHasExpiry : 0)));
    if (put.metadata) out.bytes(*put.metadata);
    if (put.expirationSeconds) out.i64(*put.expirationSeconds);
  }
  out.u32(static_cast<std::uint32_t>(removals.size()));
  for (const std::string& key : removals) out.bytes(key);
  return out.take();
}

Result<KvRequest> KvRequest::decode(std::string_view bytes) {
  store::Decoder in(bytes);
  if (in.u8() != kVersion) in.reject("is of another version");
  KvRequest request;
  request.id = in.raw(store::KvStore::kRequestIdBytes);
  request.namespaceId = in.bytes();
  const std::uint32_t putCount = in.count(9);
  for (std::uint32_t i = 0; i < putCount && in.ok(); ++i) {
    store::KvPut put{.key = std::string(in.bytes())};
    put.value = Bytes::copyOf(in.bytes());
    const std::uint8_t flags = in.u8();
    if (flags > (kHasMetadata | kHasExpiry)) in.reject("has unknown flags");
    if ((flags & kHasMetadata) != 0) put.metadata = in.bytes();
    if ((flags & kHasExpiry) != 0) put.expirationSeconds = in.i64();
    request.puts.push_back(std::move(put));
  }
  const std::uint32_t removalCount = in.count(4);
  for (std::uint32_t i = 0; i < removalCount && in.ok(); ++i) {
    request.removals.emplace_back(in.bytes());
  }
  ATOLL_TRY_VOID(finish(in, "the write"));
  return request;
}

}  // namespace atolld::replication
