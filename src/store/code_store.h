#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/cache_store.h"

namespace atolld::store {

/// Compiled code in the node's cache, beside the answers kept there and under the same bounds. What
/// was changed on the disk since, by whatever, is not found. Any thread; every call blocks on disk.
class CodeStore {
 public:
  /// Borrowed.
  explicit CodeStore(CacheStore& cache) : cache_(cache) {}

  struct Code {
    std::string code;
    bool complete = false;  ///< As put() was told.
  };
  std::optional<Code> find(std::string_view key);
  /// Replaces what is there. @error TooLarge, Io
  Result<> put(std::string_view key, std::string_view code, bool complete);

 private:
  CacheStore& cache_;
};

}  // namespace atolld::store
