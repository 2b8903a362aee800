#pragma once

#include <string>
#include <utility>

#include "isolate/code_cache.h"
#include "loop/thread_pool.h"
#include "store/code_store.h"
#include "telemetry/log.h"

namespace atolld::node {

/// Compiled code in the local store, so that a restarted node need not compile again.
class KeptCode final : public isolate::CodeBacking {
 public:
  /// Both outlive its use: CodeCache::setBacking(nullptr) ends it.
  KeptCode(store::CacheStore& cache, loop::ThreadPool& storage)
      : codes_(cache), storage_(storage) {}

  std::optional<isolate::CompiledCode> find(const std::string& key) override {
    auto found = codes_.find(key);
    if (!found) return std::nullopt;
    return isolate::CompiledCode{Bytes(std::move(found->code)), found->complete};
  }

  void put(std::string key, isolate::CompiledCode code) override {
    storage_.submit([this, key = std::move(key), code = std::move(code)] {
      const auto stored = codes_.put(key, code.code.view(), code.complete);
      if (stored) return;
      telemetry::log(telemetry::Level::Warn, "code_not_kept",
                     {{"error", std::string_view(stored.error().detail)}});
    });
  }

 private:
  store::CodeStore codes_;
  loop::ThreadPool& storage_;
};

}  // namespace atolld::node
