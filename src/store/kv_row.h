#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::store {

/// Column family "kv" holds three tables, told apart by the key's first byte:
///
///   h <namespace> <key>            -> head: expiry, metadata, and the value if it is small
///   v <namespace> <key>            -> the value if it is large, after its tag
///   e <expiry> <namespace> <key>   -> nothing: what expires, in order of time
///
/// <namespace> is a length byte and the id; <expiry> is Unix seconds, 8 bytes. A list then never
/// touches a large value, and the collector never touches a row that is still alive.
enum class KvTable : char { Head = 'h', Value = 'v', Expiry = 'e' };

/// Values up to here live in the head: one read instead of two.
inline constexpr std::size_t kInlineValueBytesMax = 16 * 1024;
/// What ties a large value to its head: the first bytes of its SHA-256.
inline constexpr std::size_t kValueTagBytes = 16;
inline constexpr std::size_t kNamespaceBytesMax = 255;

struct KvHead {
  std::optional<std::int64_t> expirationSeconds;
  std::optional<std::string> metadata;
  /// A small value, or the tag of a large one.
  bool isInline = true;
  std::string_view valueOrTag;
};

/// `namespaceId` is 1 to kNamespaceBytesMax bytes.
std::string kvKey(KvTable table, std::string_view namespaceId, std::string_view key);
std::string kvExpiryKey(std::int64_t seconds, std::string_view namespaceId, std::string_view key);

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

/// A list cursor: where to go on. Opaque to its holder, who may send back anything at all.
std::string encodeKvCursor(std::string_view lastKey);
/// @return the last key listed.  @error InvalidArgument
Result<std::string> decodeKvCursor(std::string_view cursor);

}  // namespace atolld::store
