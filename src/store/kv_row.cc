#include "store/kv_row.h"

#include <limits>

#include "base/check.h"
#include "base/encoding.h"
#include "store/codec.h"
#include "store/kv_store.h"

namespace atolld::store {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kHasExpiry = 1;
constexpr std::uint8_t kHasMetadata = 2;
constexpr std::uint8_t kIsLarge = 4;
constexpr std::uint8_t kInPieces = 8;
constexpr std::uint8_t kFlagsMax = 15;
constexpr std::uint8_t kCursorVersion = 1;
constexpr std::uint32_t kPieceCountMax = KvLimits::kValueBytesMax / kPieceBytes + 1;

std::string timedKey(KvTable table, std::int64_t seconds, std::string_view namespaceId,
                     std::string_view rest) {
  ATOLL_CHECK(seconds >= 0);
  Encoder out;
  out.u8(static_cast<std::uint8_t>(table)).i64(seconds);
  out.u8(static_cast<std::uint8_t>(namespaceId.size()));
  return out.raw(namespaceId).raw(rest).take();
}

Result<KvExpiryKey> decodeTimedKey(KvTable table, std::string_view rowKey) {
  Decoder in(rowKey);
  if (in.u8() != static_cast<std::uint8_t>(table)) in.reject("is of another table");
  KvExpiryKey decoded;
  decoded.seconds = in.i64();
  if (decoded.seconds < 0) in.reject("is from before 1970");
  decoded.namespaceId = in.raw(in.u8());
  if (decoded.namespaceId.empty()) in.reject("has no namespace");
  decoded.key = in.rest();
  ATOLL_TRY_VOID(in.finish("KV row's key"));
  return decoded;
}

}  // namespace

std::string kvKey(KvTable table, std::string_view namespaceId, std::string_view key) {
  ATOLL_CHECK(!namespaceId.empty() && namespaceId.size() <= kNamespaceBytesMax);
  Encoder out;
  out.reserve(2 + namespaceId.size() + key.size());
  out.u8(static_cast<std::uint8_t>(table)).u8(static_cast<std::uint8_t>(namespaceId.size()));
  return out.raw(namespaceId).raw(key).take();
}

std::string kvExpiryKey(std::int64_t seconds, std::string_view namespaceId, std::string_view key) {
  return timedKey(KvTable::Expiry, seconds, namespaceId, key);
}

std::string kvUploadKey(std::int64_t begun, std::string_view namespaceId, std::string_view id) {
  return timedKey(KvTable::Upload, begun, namespaceId, id);
}

std::string kvPieceKey(std::string_view namespaceId, std::string_view id, std::uint32_t number) {
  ATOLL_CHECK(id.size() == kValueTagBytes);
  return kvKey(KvTable::Piece, namespaceId, Encoder().raw(id).u32(number).take());
}

std::size_t kvPrefixBytes(std::string_view rowKey) {
  if (rowKey.size() < 2 || rowKey[0] == static_cast<char>(KvTable::Expiry) ||
      rowKey[0] == static_cast<char>(KvTable::Upload)) {
    return 0;
  }
  const std::size_t length = std::size_t{2} + static_cast<unsigned char>(rowKey[1]);
  return rowKey.size() >= length ? length : 0;
}

std::string encodeKvHead(const KvHead& head) {
  Encoder out;
  out.reserve(2 + 8 + 4 + (head.metadata ? head.metadata->size() : 0) + head.valueOrTag.size());
  out.u8(kVersion);
  out.u8(static_cast<std::uint8_t>((head.expirationSeconds ? kHasExpiry : 0) |
                                   (head.metadata ? kHasMetadata : 0) |
                                   (head.isInline         ? 0
                                    : head.pieceCount > 0 ? kInPieces
                                                          : kIsLarge)));
  if (head.expirationSeconds) out.i64(*head.expirationSeconds);
  if (head.metadata) out.bytes(*head.metadata);
  if (head.pieceCount > 0) out.u32(head.pieceCount);
  return out.raw(head.valueOrTag).take();
}

Result<KvHead> decodeKvHead(std::string_view row) {
  Decoder in(row);
  if (in.u8() != kVersion) in.reject("has an unknown format version");
  const std::uint8_t flags = in.u8();
  if (flags > kFlagsMax) in.reject("has unknown flags");
  KvHead head;
  if (flags & kHasExpiry) {
    head.expirationSeconds = in.i64();
    if (*head.expirationSeconds < 0) in.reject("expires before 1970");
  }
  if (flags & kHasMetadata) {
    head.metadata = in.bytes();
    if (head.metadata->size() > KvLimits::kMetadataBytesMax) in.reject("has too much metadata");
  }
  head.isInline = (flags & (kIsLarge | kInPieces)) == 0;
  if (flags & kInPieces) {
    head.pieceCount = in.u32();
    if ((flags & kIsLarge) != 0 || head.pieceCount < 2 || head.pieceCount > kPieceCountMax) {
      in.reject("has an impossible number of pieces");
    }
  }
  head.valueOrTag = in.rest();
  if (head.isInline ? head.valueOrTag.size() > kInlineValueBytesMax
                    : head.valueOrTag.size() != kValueTagBytes) {
    in.reject("has a value of the wrong size");
  }
  ATOLL_TRY_VOID(in.finish("KV row"));
  return head;
}

Result<KvExpiryKey> decodeKvExpiryKey(std::string_view rowKey) {
  return decodeTimedKey(KvTable::Expiry, rowKey);
}

Result<KvExpiryKey> decodeKvUploadKey(std::string_view rowKey) {
  ATOLL_TRY(const KvExpiryKey decoded, decodeTimedKey(KvTable::Upload, rowKey));
  if (decoded.key.size() != kValueTagBytes) return fail(ErrorCode::Corrupt, "a KV upload's id");
  return decoded;
}

std::string encodeKvCursor(std::string_view lastKey) {
  return toHex(Encoder().u8(kCursorVersion).raw(lastKey).take());
}

Result<std::string> decodeKvCursor(std::string_view cursor) {
  // Checked before decoding: a cursor may be as long as a request lets it be.
  const bool isPlausible = cursor.size() <= 2 * (1 + KvLimits::kKeyBytesMax);
  const std::optional<std::string> bytes = isPlausible ? parseHex(cursor) : std::nullopt;
  if (!bytes || bytes->size() < 2 || (*bytes)[0] != static_cast<char>(kCursorVersion)) {
    return fail(ErrorCode::InvalidArgument,
                "KV GET failed: 400 Invalid cursor. Please pass the cursor of the previous list.");
  }
  return bytes->substr(1);
}

}  // namespace atolld::store
