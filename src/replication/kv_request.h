#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/kv_store.h"

namespace atolld::replication {

/// What an edge's script writes: POST /fleet/v1/kv. The answer is the index, 8 bytes.
struct KvRequest {
  std::string id;  ///< store::KvStore::kRequestIdBytes: one write, however often it is asked for.
  std::string namespaceId;
  std::vector<store::KvPut> puts;
  std::vector<std::string> removals;

  std::string encode() const;
  /// Untrusted. @error InvalidArgument
  static Result<KvRequest> decode(std::string_view bytes);
};

}  // namespace atolld::replication
