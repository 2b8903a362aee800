#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/kv_store.h"

namespace atolld::store {

/// Where a script's writes to KV go: this node's log, or the control plane's. Any thread.
class KvWriter {
 public:
  using Done = std::move_only_function<void(Result<>)>;
  virtual ~KvWriter() = default;
  /// `done` is called once, on any thread, maybe from inside: the write is committed and this
  /// node's reads see it; or why not. @error also Unavailable, Timeout: it is not known whether it
  /// was made.
  virtual void write(std::string namespaceId, std::vector<KvPut> puts,
                     std::vector<std::string> removals, Done done) = 0;
};

}  // namespace atolld::store
