#include "shard/scheduler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "isolate/code_cache.h"
#include "isolate/test_guest.h"

namespace atolld::shard {
namespace {

using isolate::testFetch;
using isolate::testVersion;

/// Writes down what happens, as "worker-script: text".
class Diary final : public WorkerOwner {
 public:
  void onEffects(Worker& worker, isolate::host::Outbox& outbox, std::span<const Charge>) override {
    for (const isolate::host::Effect& effect : outbox) {
      entries.push_back(worker.version()->script + ": " + isolate::textOf(effect));
    }
    outbox.clear();
    if (then) then(worker);
  }
  void onWorkerLost(Worker& worker, const Error& error) override {
    entries.push_back(worker.version()->script + " lost: " + error.detail);
    if (thenLost) thenLost(worker);
  }
  void onShed(Worker& worker, isolate::host::InvocationId invocation) override {
    entries.push_back(worker.version()->script + " shed: " + std::to_string(invocation));
  }

  std::vector<std::string> entries;
  std::function<void(Worker&)> then;
  std::function<void(Worker&)> thenLost;
};

struct Fixture {
  explicit Fixture(SchedulerLimits limits = {.poolCount = 0}, RunnerLimits runnerLimits = {})
      : runner(runnerLimits), scheduler(loop, diary, limits) {}

  bool runReady() { return scheduler.runReady(runner) == Scheduler::Round::MoreReady; }
  /// Runs rounds until nothing is ready.
  void settle() {
    while (runReady()) {
    }
  }
  std::vector<std::string> take() { return std::exchange(diary.entries, {}); }

  const isolate::Guest& guest = isolate::startTestGuest();
  loop::Loop loop;
  Diary diary;
  SliceRunner runner;
  Scheduler scheduler;
};

std::shared_ptr<const deploy::Version> named(std::string name, const std::string& body) {
  auto version = std::make_shared<deploy::Version>(
      *testVersion("export default { fetch(target) { " + body + " } }"));
  version->script = name;
  version->id = std::move(name);
  return version;
}

std::shared_ptr<const deploy::Version> echo(std::string name) {
  return named(std::move(name), "return target");
}

using Entries = std::vector<std::string>;

TEST_CASE("a version has one worker, found by its id") {
  Fixture f;
  Worker* const first = f.scheduler.lease(echo("a")).value();
  CHECK(f.scheduler.lease(echo("a")).value() == first);
  CHECK(f.scheduler.lease(echo("b")).value() != first);
  CHECK(f.scheduler.workerCount() == 2);
}

TEST_CASE("events posted while a worker loads wait for it, in order") {
  Fixture f;
  Worker& worker = *f.scheduler.lease(echo("a")).value();
  worker.post(testFetch(1, "one"));
  worker.post(testFetch(2, "two"));
  f.settle();
  CHECK((f.take() == Entries{"a: one", "a: two"}));
}

TEST_CASE("workers take turns: many events of one do not keep the others waiting") {
  Fixture f({.poolCount = 0, .eventsPerSlice = 2});
  Worker& a = *f.scheduler.lease(echo("a")).value();
  Worker& b = *f.scheduler.lease(echo("b")).value();
  f.settle();
  for (const char* const text : {"1", "2", "3", "4", "5"}) a.post(testFetch(1, text));
  b.post(testFetch(1, "1"));
  f.settle();
  CHECK((f.take() == Entries{"a: 1", "a: 2", "b: 1", "a: 3", "a: 4", "a: 5"}));
}

TEST_CASE("a tenant's many busy scripts keep another tenant waiting for one slice") {
  Fixture f({.poolCount = 0, .eventsPerSlice = 1});
  const auto of = [&](std::string tenant, std::string name) -> Worker& {
    auto version = std::make_shared<deploy::Version>(*echo(std::move(name)));
    version->tenant = std::move(tenant);
    return *f.scheduler.lease(version).value();
  };
  std::vector<Worker*> many;
  for (const char* const name : {"m1", "m2", "m3"}) many.push_back(&of("many", name));
  Worker& one = of("one", "o");
  f.settle();
  for (Worker* const worker : many) {
    worker->post(testFetch(1, "1"));
    worker->post(testFetch(2, "2"));
  }
  one.post(testFetch(1, "1"));
  one.post(testFetch(2, "2"));
  f.settle();
  CHECK(
      (f.take() == Entries{"m1: 1", "o: 1", "m2: 1", "o: 2", "m3: 1", "m1: 2", "m2: 2", "m3: 2"}));
}

TEST_CASE("where too many events wait, the newest of the tenant with the most is shed") {
  Fixture f({.poolCount = 0, .eventsMax = 6});
  const auto of = [&](std::string tenant, std::string name) -> Worker& {
    auto version = std::make_shared<deploy::Version>(*echo(std::move(name)));
    version->tenant = std::move(tenant);
    return *f.scheduler.lease(version).value();
  };
  Worker& heavy = of("heavy", "h1");
  Worker& heavyToo = of("heavy", "h2");
  Worker& light = of("light", "l");
  Worker& other = of("new", "n");
  f.settle();
  for (unsigned i = 1; i <= 3; ++i) {
    CHECK(f.scheduler.makeRoomFor(heavy));
    heavy.post(testFetch(i, "h" + std::to_string(i)));
  }
  heavy.post(isolate::host::InvocationOver{77});  // Is no request.
  heavyToo.post(testFetch(1, "t"));
  light.post(testFetch(1, "l"));
  CHECK_FALSE(f.scheduler.makeRoomFor(heavyToo));
  CHECK(f.take().empty());

  CHECK(f.scheduler.makeRoomFor(other));
  CHECK((f.take() == Entries{"h1 shed: 3"}));
  other.post(testFetch(1, "n"));
  CHECK(f.scheduler.makeRoomFor(light));
  CHECK((f.take() == Entries{"h1 shed: 2"}));
  f.settle();
  CHECK((f.take() == Entries{"h1: h1", "l: l", "n: n", "h2: t"}));
  CHECK(f.scheduler.makeRoomFor(heavy));  // Nothing waits any more.
  CHECK(f.take().empty());
}

TEST_CASE("a round runs no more slices than it may, and says that more are ready") {
  Fixture f({.poolCount = 0, .slicesPerRound = 1});
  Worker& a = *f.scheduler.lease(echo("a")).value();
  a.post(testFetch(1, "x"));
  CHECK(f.runReady());  // Loads.
  CHECK(f.take().empty());
  CHECK_FALSE(f.runReady());
  CHECK((f.take() == Entries{"a: x"}));
  CHECK_FALSE(f.scheduler.hasReady());
}

TEST_CASE("the least recently used idle worker goes first, a busy one never") {
  Fixture f({.workersMax = 3, .poolCount = 0});
  Worker& a = *f.scheduler.lease(echo("a")).value();
  for (const char* const name : {"b", "c"}) CHECK(f.scheduler.lease(echo(name)).has_value());
  f.settle();
  a.invocationOpened();
  // b is used again: c is the oldest idle one now.
  f.scheduler.lease(echo("b")).value()->post(testFetch(1, "x"));
  f.settle();
  Worker* const b = f.scheduler.lease(echo("b")).value();

  CHECK(f.scheduler.lease(echo("d")).has_value());
  f.settle();
  CHECK(f.scheduler.workerCount() == 3);
  CHECK(f.scheduler.lease(echo("b")).value() == b);
  CHECK(f.scheduler.lease(echo("a")).value() == &a);

  // Now d is older than b. Were b evicted instead, it would have to load again.
  CHECK(f.scheduler.lease(echo("e")).has_value());
  CHECK(f.scheduler.lease(echo("b")).value() == b);
}

TEST_CASE("without an idle worker to evict, a new version is Overloaded; later it fits") {
  Fixture f({.workersMax = 1, .poolCount = 0});
  Worker& a = *f.scheduler.lease(echo("a")).value();
  a.invocationOpened();
  f.settle();
  const auto refused = f.scheduler.lease(echo("b"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::Overloaded);
  a.invocationClosed();
  CHECK(f.scheduler.lease(echo("b")).has_value());
}

TEST_CASE("a worker with an event waiting is not evicted") {
  Fixture f({.workersMax = 1, .poolCount = 0});
  Worker& a = *f.scheduler.lease(echo("a")).value();
  f.settle();
  a.post(testFetch(1, "x"));
  CHECK_FALSE(f.scheduler.lease(echo("b")).has_value());
  f.settle();
  CHECK((f.take() == Entries{"a: x"}));
}

TEST_CASE("the owner may post and lease while effects are carried out") {
  Fixture f({.workersMax = 1, .poolCount = 0});
  f.diary.then = [&](Worker& worker) {
    CHECK_FALSE(f.scheduler.lease(echo("other")).has_value());  // This one is in use.
    if (f.diary.entries.size() < 3) worker.post(testFetch(1, "again"));
  };
  f.scheduler.lease(echo("a")).value()->post(testFetch(1, "first"));
  f.settle();
  CHECK((f.take() == Entries{"a: first", "a: again", "a: again"}));
}

TEST_CASE("a script that does not load is lost with the reason, and may be tried again") {
  Fixture f;
  int tries = 0;
  const auto broken = named("a", "}");
  f.diary.thenLost = [&](Worker&) {
    if (++tries < 2) CHECK(f.scheduler.lease(broken).has_value());
  };
  f.scheduler.lease(broken).value()->post(testFetch(1));
  f.settle();
  CHECK(tries == 2);
  CHECK(f.scheduler.workerCount() == 0);
  const Entries entries = f.take();
  CHECK(entries.front().starts_with("a lost: index.js:1:"));
}

TEST_CASE("an endless loop is ended by its CPU time; its neighbours live") {
  Fixture f({.poolCount = 0}, {.cpuMax = std::chrono::milliseconds(50)});
  Worker& neighbour = *f.scheduler.lease(echo("neighbour")).value();
  Worker& spinner =
      *f.scheduler.lease(named("spinner", "if (target === '/spin') for (;;) {} return target"))
           .value();
  neighbour.post(testFetch(1, "before"));
  spinner.post(testFetch(1, "/ok"));
  f.settle();
  spinner.post(testFetch(2, "/spin"));
  neighbour.post(testFetch(2, "after"));
  f.settle();
  CHECK((f.take() == Entries{"neighbour: before", "spinner: /ok",
                             "spinner lost: the script used more CPU time than it may",
                             "neighbour: after"}));
  CHECK(f.scheduler.workerCount() == 1);
}

TEST_CASE("an endless loop at top level is ended too") {
  Fixture f({.poolCount = 0}, {.cpuMax = std::chrono::milliseconds(50)});
  auto version = std::make_shared<deploy::Version>(*testVersion("for (;;) {} export default {}"));
  version->script = "a";
  CHECK(f.scheduler.lease(version).has_value());
  f.settle();
  CHECK((f.take() == Entries{"a lost: the script used more CPU time than it may"}));
}

TEST_CASE("what was answered before a script was ended counts") {
  Fixture f({.poolCount = 0}, {.cpuMax = std::chrono::milliseconds(50)});
  Worker& worker =
      *f.scheduler.lease(named("a", "if (target === '/spin') for (;;) {} return 1")).value();
  worker.post(testFetch(1, "/ok"));
  worker.post(testFetch(2, "/spin"));
  worker.post(testFetch(3, "/ok"));
  f.settle();
  CHECK((f.take() == Entries{"a: 1", "a lost: the script used more CPU time than it may"}));
}

TEST_CASE("a worker's code is in the code cache after its first answers") {
  Fixture f;
  auto version = std::make_shared<deploy::Version>(
      *testVersion("/* " + std::string(1000, '-') + " */ export default { fetch: (t) => t }"));
  version->script = "a";
  const std::string key = isolate::CodeCache::key("esm", version->modules[0].hash);
  Worker& worker = *f.scheduler.lease(version).value();
  f.settle();
  CHECK_FALSE(isolate::CodeCache::shared().find(key).has_value());
  worker.post(testFetch(1, "x"));
  f.settle();
  CHECK(isolate::CodeCache::shared().find(key).has_value());
  worker.post(testFetch(1, "y"));
  f.settle();
  CHECK((f.take() == Entries{"a: x", "a: y"}));
}

TEST_CASE("while memory is short the workers idle for longest go, and the last few stay") {
  std::atomic<std::uint64_t> used = 0;
  const auto budget = std::make_shared<MemoryBudget>(1000, 1, [&used] { return used.load(); });
  Fixture f({.workersMax = 100, .poolCount = 0, .budget = budget});
  const auto call = [&](const std::string& name) {
    f.scheduler.lease(echo(name.c_str())).value()->post(testFetch(1, "x"));
    f.settle();
  };
  for (int n = 0; n < 12; ++n) call("w" + std::to_string(n));
  f.scheduler.relieve();
  CHECK(f.scheduler.workerCount() == 12);  // There is room.
  used = 1'000'000'000;
  std::this_thread::sleep_for(2 * MemoryBudget::kInterval);
  call("w12");  // One in, one out.
  CHECK(f.scheduler.workerCount() == 12);
  std::size_t before = f.scheduler.workerCount();
  f.scheduler.relieve();
  CHECK(f.scheduler.workerCount() < before);
  CHECK(f.scheduler.workerCount() >= before / 2);  // Not all at once.
  for (int n = 0; n < 20; ++n) f.scheduler.relieve();
  CHECK(f.scheduler.workerCount() == 4);
  f.take();
  const std::size_t warm = f.scheduler.workerCount();
  call("w12");  // The one used last is still there.
  CHECK(f.scheduler.workerCount() == warm);
}

TEST_CASE("isolates of the pool serve like any other") {
  Fixture f({.poolCount = 2});
  for (const char* const name : {"a", "b", "c", "d"}) {
    f.scheduler.lease(echo(name)).value()->post(testFetch(1, "x"));
  }
  f.settle();
  CHECK((f.take() == Entries{"a: x", "b: x", "c: x", "d: x"}));
}

}  // namespace
}  // namespace atolld::shard
