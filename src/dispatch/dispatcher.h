#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deploy/asset_cache.h"
#include "deploy/stack_mapper.h"
#include "deploy/version_cache.h"
#include "deploy/version_id_hash.h"
#include "dispatch/answers.h"
#include "dispatch/body.h"
#include "dispatch/failed_loads.h"
#include "dispatch/invocation.h"
#include "dispatch/limit_breaks.h"
#include "dispatch/web_socket.h"
#include "gateway/live_table.h"
#include "http/handler.h"
#include "loop/loop.h"
#include "loop/mailbox.h"
#include "loop/thread_pool.h"
#include "loop/timer.h"
#include "shard/scheduler.h"
#include "store/cache_store.h"
#include "store/kv_store.h"
#include "store/kv_writer.h"
#include "telemetry/metrics.h"
#include "telemetry/tail.h"
#include "upstream/client.h"

namespace atolld::dispatch {

class ServiceCall;
class WorkerState;

struct DispatchLimits {
  std::chrono::milliseconds cpuMax{30'000};   ///< Of one invocation: its slices and Computes.
  std::uint64_t wallMillisMax = 300'000;      ///< From request to the whole answer's first byte.
  std::uint64_t waitUntilMillisMax = 30'000;  ///< waitUntil() work after the response.
  std::size_t concurrentMax = 10'000;         ///< Invocations open in one isolate.
  std::size_t queueMax = 2'000;               ///< Events that wait for one isolate.
  bool showsErrors = false;                   ///< To browsers, with source: for development.
};

/// What all shards of a node share; everything in it is safe from any thread and outlives them.
struct Node {
  gateway::LiveTable& table;
  deploy::VersionCache& versions;
  deploy::AssetCache& assets;
  deploy::StackMapper& stacks;
  store::KvStore& kv;
  store::KvWriter& kvWriter;
  store::CacheStore& cache;
  telemetry::TailHub& tails;
  loop::ThreadPool& storage;
  loop::ThreadPool& compute;
  DispatchLimits limits;
};

/// Takes a shard's requests from its listeners to its workers and the workers' effects back. Seat
/// holder only.
class Dispatcher final : public http::Handler, public shard::WorkerOwner {
 public:
  /// All outlive it.
  Dispatcher(const Node& node, loop::Loop& loop, loop::Mailbox& mailbox, upstream::Client& upstream,
             const shard::SchedulerLimits& limits);
  ~Dispatcher() override;

  /// Between the loop's callbacks and the slices.
  void beforeSlices();
  shard::Scheduler& scheduler() noexcept { return *scheduler_; }
  /// Open invocations; a drained shard has none.
  std::size_t openCount() const noexcept { return openCount_; }
  loop::Loop& eventLoop() noexcept { return loop_; }

  loop::Loop& loop() noexcept { return loop_; }

  telemetry::TailHub& tails() noexcept { return node_.tails; }
  deploy::StackMapper& stacks() noexcept { return node_.stacks; }
  /// Gives `then` the stack with the places that the version's author wrote, now or soon; as it is,
  /// if too many want that at once.
  void mapStack(const std::shared_ptr<const deploy::Version>& version, std::string stack,
                std::function<void(std::string stack)> then);
  deploy::AssetCache& assetCache() noexcept { return node_.assets; }
  /// `then` gets the piece here, when it was read.
  void loadAsset(const std::string& hash, std::uint32_t index,
                 std::function<void(Result<Bytes>)> then);

  /// Has the script that `service` names answer `call`. `asking` is the version that calls, `depth`
  /// how many calls lead to here.
  void callService(ServiceCall& call, std::unique_ptr<http::RequestHead> head,
                   std::unique_ptr<isolate::host::Service> service,
                   const std::shared_ptr<const deploy::Version>& asking, unsigned depth);

  /// A request for that host is about to come: makes its script ready, if there is room.
  void expect(std::string_view host);
  void expectScript(std::string_view tenant, std::string_view script);
  /// The script has another deployment: if it runs here, so will the new versions, before they are
  /// asked for.
  void onDeployed(std::string_view tenant, std::string_view script);

  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;
  void onEffects(shard::Worker& worker, isolate::host::Outbox& outbox,
                 std::span<const shard::Charge> charges) override;
  std::chrono::nanoseconds cpuUsed(shard::Worker& worker,
                                   isolate::host::InvocationId invocation) override;
  void onWorkerLost(shard::Worker& worker, const Error& error) override;
  void onShed(shard::Worker& worker, isolate::host::InvocationId invocation) override;

 private:
  friend class CacheRead;
  friend class CacheWrite;
  friend class Invocation;
  friend class WorkerState;

  /// Counts pool jobs that will post to this dispatcher.
  class Jobs {
   public:
    void begin();
    void end();
    void waitForAll();

   private:
    std::mutex mutex_;
    std::condition_variable none_;
    std::size_t count_ = 0;
  };

  /// What mapStack() was given.
  struct WaitingStack {
    std::shared_ptr<const deploy::Version> version;
    std::string stack;
    std::function<void(std::string stack)> then;
  };

  /// A version this shard uses or waits for.
  struct VersionSlot {
    std::shared_ptr<const deploy::Version> version;
    std::vector<Invocation*> waiting;
    bool loading = false;
    bool expected = false;         ///< By expect(), for when it is loaded.
    std::uint64_t usedMillis = 0;  ///< When a request last asked for it.
  };

  const DispatchLimits& limits() const noexcept { return node_.limits; }
  std::uint64_t nowMillis() const noexcept { return loop_.nowMillis(); }

  void link(Invocation& invocation);
  void bury(Invocation& invocation);
  void launchBeforeSlices(Invocation& invocation) { launching_.push_back(&invocation); }
  void countRefusal(Refusal refusal);
  /// Keeps the retired until no caller can be on the stack.
  void bury(std::unique_ptr<InboundBody> body) { retiredInbound_.push_back(std::move(body)); }
  void bury(std::unique_ptr<OutboundBody> body) { retiredOutbound_.push_back(std::move(body)); }
  void bury(std::unique_ptr<WebSocket> socket) { retiredSockets_.push_back(std::move(socket)); }

  /// Has a version of the deployment answer: picked by share, loaded if need be.
  void route(Invocation& invocation, const gateway::DeploymentRef& deployment);
  std::shared_ptr<const deploy::Version> findAtHand(const deploy::Deployment& deployment,
                                                    const std::string& versionId);
  void expect(const gateway::DeploymentRef& deployment, const std::string& versionId);
  void warm(std::shared_ptr<const deploy::Version> version);
  void mapWaitingStacks();
  void startOn(Invocation& invocation, const std::shared_ptr<const deploy::Version>& version);
  void loadVersion(const std::shared_ptr<const deploy::Deployment>& deployment,
                   const std::string& versionId);
  void onVersionLoaded(const std::string& versionId,
                       Result<std::shared_ptr<const deploy::Version>> version);
  void forgetVersion(const std::string& versionId);

  /// `work` blocks, on a thread of `pool`; `then` gets its result here. Both are dropped with the
  /// dispatcher, which waits for work begun.
  template <class Work, class Then>
  void runOn(loop::ThreadPool& pool, Work work, Then then) {
    jobs_->begin();
    pool.submit([this, jobs = jobs_, work = std::move(work), then = std::move(then)]() mutable {
      mailbox_.post(
          [then = std::move(then), result = work()]() mutable { then(std::move(result)); });
      jobs->end();
    });
  }

  /// What to call with an answer that comes from elsewhere, on any thread, once: `then` gets it
  /// here. The dispatcher waits for it.
  template <class Result, class Then>
  auto expectAnswer(Then then) {
    jobs_->begin();
    return [this, jobs = jobs_, then = std::move(then)](Result result) mutable {
      mailbox_.post([then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
      });
      jobs->end();
    };
  }

  std::uint64_t registerWorker(WorkerState& state);
  void unregisterWorker(WorkerState& state);
  WorkerState* findWorker(std::uint64_t serial);

  void sweep();

  const Node& node_;
  loop::Loop& loop_;
  loop::Mailbox& mailbox_;
  upstream::Client& upstream_;
  gateway::LiveTable::Reader liveTable_;
  std::uint64_t weyl_ = 0;
  Invocation* open_ = nullptr;  ///< Doubly linked through the invocations.
  std::size_t openCount_ = 0;
  std::vector<Invocation*> launching_;
  std::vector<Invocation*> buried_;
  std::vector<std::unique_ptr<InboundBody>> retiredInbound_;
  std::vector<std::unique_ptr<OutboundBody>> retiredOutbound_;
  std::vector<std::unique_ptr<WebSocket>> retiredSockets_;
  /// By version id.
  std::unordered_map<std::string, VersionSlot, deploy::VersionIdHash> versions_;
  FailedLoads failedLoads_;
  LimitBreaks limitBreaks_;
  std::unordered_map<std::uint64_t, WorkerState*> workers_;
  std::uint64_t lastSerial_ = 0;
  loop::Timer sweepTimer_;
  telemetry::Counter& requests_;
  std::vector<WaitingStack> stacks_;  ///< For mapWaitingStacks(), which has taken others.
  bool isMapping_ = false;
  const std::shared_ptr<Jobs> jobs_ = std::make_shared<Jobs>();
  std::optional<shard::Scheduler> scheduler_;  // Its workers' attachments use all of the above.
};

}  // namespace atolld::dispatch
