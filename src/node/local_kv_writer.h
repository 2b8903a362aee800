#pragma once

#include <utility>

#include "loop/thread_pool.h"
#include "store/kv_writer.h"

namespace atolld::node {

/// Scripts' writes where the log is this node's own.
class LocalKvWriter final : public store::KvWriter {
 public:
  /// Outlives it.
  explicit LocalKvWriter(store::KvStore& kv) : kv_(kv) {}

  void write(std::string namespaceId, std::vector<store::KvPut> puts,
             std::vector<std::string> removals, Done done) override {
    threads_.submit([&kv = kv_, ns = std::move(namespaceId), puts = std::move(puts),
                     removals = std::move(removals), done = std::move(done)]() mutable {
      done(writeNow(kv, ns, std::move(puts), std::move(removals)));
    });
  }

 private:
  static Result<> writeNow(store::KvStore& kv, const std::string& ns,
                           std::vector<store::KvPut> puts, std::vector<std::string> removals) {
    if (!puts.empty()) {
      ATOLL_TRY_VOID(kv.put(ns, std::move(puts)));
    }
    if (!removals.empty()) {
      ATOLL_TRY_VOID(kv.remove(ns, std::move(removals)));
    }
    return {};
  }

  store::KvStore& kv_;
  // As many writes as wait share a sync; reads are no part of the queue.
  loop::ThreadPool threads_{"kv-write", 32};
};

}  // namespace atolld::node
