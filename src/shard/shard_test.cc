#include "shard/shard.h"

#include <doctest/doctest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "isolate/test_guest.h"

namespace atolld::shard {
namespace {

using isolate::testFetch;
using isolate::testVersion;

/// Answers what was asked by ask(): one request at a time.
class AskEngine final : public Engine, public WorkerOwner {
 public:
  AskEngine(loop::Loop& loop, const SchedulerLimits& limits) : scheduler_(loop, *this, limits) {}

  Scheduler& scheduler() override { return scheduler_; }

  void ask(const std::shared_ptr<const deploy::Version>& version, std::string target,
           std::promise<std::string> answer) {
    answer_ = std::move(answer);
    scheduler_.lease(version).value()->post(testFetch(1, std::move(target)));
  }

  void onEffects(Worker&, isolate::host::Outbox& outbox, std::span<const Charge>) override {
    answer_.set_value(isolate::textOf(outbox.front()));
    outbox.clear();
  }
  void onWorkerLost(Worker&, const Error& error) override { answer_.set_value(error.detail); }

 private:
  std::promise<std::string> answer_;
  Scheduler scheduler_;
};

Shard::MakeEngine askEngine() {
  isolate::startTestGuest();
  return [](loop::Loop& loop, loop::Mailbox&) {
    return std::make_unique<AskEngine>(loop, SchedulerLimits{.poolCount = 1});
  };
}

std::string ask(Shard& shard, const std::shared_ptr<const deploy::Version>& version,
                std::string target) {
  std::promise<std::string> answer;
  std::future<std::string> answered = answer.get_future();
  shard.post(
      [version, target = std::move(target), answer = std::move(answer)](Engine& engine) mutable {
        static_cast<AskEngine&>(engine).ask(version, std::move(target), std::move(answer));
      });
  return answered.get();
}

TEST_CASE("shards run the same version side by side, each with its own state") {
  Shard first(askEngine());
  Shard second(askEngine());
  const auto version = testVersion("let n = 0; export default { fetch: (t) => t + ++n }");
  CHECK(ask(first, version, "/a") == "/a1");
  CHECK(ask(first, version, "/b") == "/b2");
  CHECK(ask(second, version, "/c") == "/c1");
}

TEST_CASE("a shard's thread has the stack that deep recursion in a script needs") {
  Shard shard(askEngine());
  const auto version = testVersion(
      "const dive = (n) => dive(n + 1) + 1;"
      "export default { fetch() { try { dive(0) } catch (e) { return e.name } } }");
  CHECK(ask(shard, version, "/") == "RangeError");
}

TEST_CASE("what was posted before stop() runs, what comes after is dropped") {
  std::vector<int> ran;
  {
    Shard shard(askEngine());
    for (int i = 0; i < 3; ++i) shard.post([&ran, i](Engine&) { ran.push_back(i); });
    shard.stop();
    shard.stop();
    shard.post([&ran](Engine&) { ran.push_back(99); });
  }
  CHECK((ran == std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace atolld::shard
