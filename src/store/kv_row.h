#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::store {

/// Column family "kv" holds five tables, told apart by the key's first byte:
///
///   h <namespace> <key>            -> head: expiry, metadata, and the value if it is small
///   v <namespace> <key>            -> the value if it is larger, after its tag
///   p <namespace> <id> <number>    -> a piece of a value that is larger still
///   u <begun> <namespace> <id>     -> nothing: pieces that no head names yet, in order of time
///   e <expiry> <namespace> <key>   -> nothing: what expires, in order of time
///
/// <namespace> is a length byte and the id; <expiry> and <begun> are Unix seconds, 8 bytes. A list
/// then never touches a large value, and the collector never touches a row that is still alive.
enum class KvTable : char { Head = 'h', Value = 'v', Piece = 'p', Upload = 'u', Expiry = 'e' };

/// Values up to here live in the head: one read instead of two.
inline constexpr std::size_t kInlineValueBytesMax = 16 * 1024;
/// Values above this are in pieces of this size, each in an entry of its own: whatever else is
/// written meanwhile finds its place in the log between two of them.
inline constexpr std::size_t kPieceBytes = 128 * 1024;
/// What ties a large value to its head: the first bytes of its SHA-256.
inline constexpr std::size_t kValueTagBytes = 16;
inline constexpr std::size_t kNamespaceBytesMax = 255;

struct KvHead {
  std::optional<std::int64_t> expirationSeconds;
  std::optional<std::string> metadata;
  /// A small value, the tag of a large one, or the id of one in pieces.
  bool isInline = true;
  std::uint32_t pieceCount = 0;  ///< 0: not in pieces.
  std::string_view valueOrTag;
};

/// `namespaceId` is 1 to kNamespaceBytesMax bytes.
std::string kvKey(KvTable table, std::string_view namespaceId, std::string_view key);
std::string kvExpiryKey(std::int64_t seconds, std::string_view namespaceId, std::string_view key);

/// `id` has kValueTagBytes.
std::string kvPieceKey(std::string_view namespaceId, std::string_view id, std::uint32_t number);
std::string kvUploadKey(std::int64_t begun, std::string_view namespaceId, std::string_view id);

/// Length of the part of a row key that the prefix filter is made of; 0 for a key without one.
std::size_t kvPrefixBytes(std::string_view rowKey);

std::string encodeKvHead(const KvHead& head);
/// Strict: only what encodeKvHead() makes. `valueOrTag` borrows `row`. @error Corrupt
Result<KvHead> decodeKvHead(std::string_view row);

struct KvExpiryKey {
  std::int64_t seconds = 0;
  std::string_view namespaceId;
  std::string_view key;
};
/// Borrows `rowKey`. @error Corrupt
Result<KvExpiryKey> decodeKvExpiryKey(std::string_view rowKey);
/// The same of an Upload row; its key is the id. @error Corrupt
Result<KvExpiryKey> decodeKvUploadKey(std::string_view rowKey);

/// A list cursor: where to go on. Opaque to its holder, who may send back anything at all.
std::string encodeKvCursor(std::string_view lastKey);
/// @return the last key listed.  @error InvalidArgument
Result<std::string> decodeKvCursor(std::string_view cursor);

}  // namespace atolld::store
