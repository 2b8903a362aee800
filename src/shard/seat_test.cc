// What happens to a shard while a slice takes long: another thread takes the seat.

#include <doctest/doctest.h>

#include <future>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "isolate/test_guest.h"
#include "shard/shard.h"
#include "shard/trial.h"
#include "shard/write_offs.h"

namespace atolld::shard {
namespace {

using isolate::testFetch;
using isolate::testVersion;

/// Answers each question by its number, in whatever order the answers come.
class QuestionEngine final : public Engine, public WorkerOwner {
 public:
  explicit QuestionEngine(loop::Loop& loop) : scheduler_(loop, *this, {.poolCount = 1}) {}

  Scheduler& scheduler() override { return scheduler_; }

  void ask(const std::shared_ptr<const deploy::Version>& version, std::string target,
           std::promise<std::string> answer) {
    Worker& worker = *scheduler_.lease(version).value();
    waiting_[&worker].push_back(std::move(answer));
    worker.post(testFetch(1, std::move(target)));
  }

  void onEffects(Worker& worker, isolate::host::Outbox& outbox, std::span<const Charge>) override {
    std::vector<std::promise<std::string>>& waiting = waiting_[&worker];
    for (const isolate::host::Effect& effect : outbox) {
      REQUIRE_FALSE(waiting.empty());
      waiting.front().set_value(isolate::textOf(effect));
      waiting.erase(waiting.begin());
    }
    outbox.clear();
  }
  void onWorkerLost(Worker& worker, const Error& error) override {
    const auto lost = waiting_.extract(&worker);
    if (lost.empty()) return;
    for (std::promise<std::string>& each : lost.mapped()) each.set_value(error.detail);
  }

 private:
  std::map<Worker*, std::vector<std::promise<std::string>>> waiting_;
  Scheduler scheduler_;
};

Shard::MakeEngine questions() {
  isolate::startTestGuest();
  return [](loop::Loop& loop, loop::Mailbox&) { return std::make_unique<QuestionEngine>(loop); };
}

using Answer = std::future<std::string>;

/// Asked together, before anything of them runs.
std::vector<Answer> askAll(Shard& shard, const std::shared_ptr<const deploy::Version>& version,
                           std::vector<std::string> targets) {
  std::vector<Answer> answers;
  std::vector<std::pair<std::string, std::promise<std::string>>> questions;
  for (std::string& target : targets) {
    questions.emplace_back(std::move(target), std::promise<std::string>());
    answers.push_back(questions.back().second.get_future());
  }
  shard.post([version, questions = std::move(questions)](Engine& engine) mutable {
    for (auto& [target, promise] : questions) {
      static_cast<QuestionEngine&>(engine).ask(version, std::move(target), std::move(promise));
    }
  });
  return answers;
}

Answer ask(Shard& shard, const std::shared_ptr<const deploy::Version>& version,
           std::string target) {
  return std::move(askAll(shard, version, {std::move(target)}).front());
}

std::shared_ptr<const deploy::Version> named(std::string name, const std::string& body) {
  auto version = std::make_shared<deploy::Version>(
      *testVersion("let n = 0; export default { fetch(target) { " + body + " } }"));
  version->script = name;
  version->id = std::move(name);
  return version;
}

/// "/spin" takes some ten milliseconds, "/hang" goes on for ever; each answer is counted.
std::shared_ptr<const deploy::Version> spinner(std::string name) {
  return named(std::move(name),
               "if (target === '/hang') for (;;) {}"
               "if (target === '/spin') { let turns = 0; while (turns < 1e7) turns++; }"
               "return target + ++n");
}

bool answered(const Answer& answer) {
  return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

constexpr std::string_view kOverCpu = "the script used more CPU time than it may";

TEST_CASE("a slice that does not end keeps nobody waiting but its own worker") {
  Shard shard(questions(), {.cpuMax = std::chrono::seconds(20)});
  const auto bad = spinner("bad"), good = spinner("good");
  CHECK(ask(shard, bad, "/a").get() == "/a1");
  Answer hung = ask(shard, bad, "/hang");
  Answer behind = ask(shard, bad, "/b");
  for (int i = 1; i <= 50; ++i) CHECK(ask(shard, good, "/a").get() == "/a" + std::to_string(i));
  CHECK_FALSE(answered(hung));
  CHECK_FALSE(answered(behind));
  // Several at once, each on a thread of its own.
  std::vector<Answer> more;
  for (const char* const name : {"bad-2", "bad-3"})
    more.push_back(ask(shard, spinner(name), "/hang"));
  CHECK(ask(shard, good, "/last").get() == "/last51");
  for (const Answer& each : more) CHECK_FALSE(answered(each));
}  // stop() ends them.

TEST_CASE("a slice that lost the seat is ended by its CPU time like any other") {
  Shard shard(questions(), {.cpuMax = std::chrono::milliseconds(100)});
  const auto bad = spinner("bad"), good = spinner("good");
  Answer hung = ask(shard, bad, "/hang");
  CHECK(ask(shard, good, "/a").get() == "/a1");
  CHECK(hung.get() == kOverCpu);
  CHECK(ask(shard, bad, "/a").get() == "/a1");  // In a new isolate.
}

TEST_CASE("a worker whose slices take long answers in order and keeps its state") {
  Shard shard(questions());
  const auto slow = spinner("slow");
  std::vector<Answer> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(ask(shard, slow, i % 3 == 0 ? "/a" : "/spin"));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CHECK(answers[i].get() == (i % 3 == 0 ? "/a" : "/spin") + std::to_string(i + 1));
  }
}

TEST_CASE("without a spare thread a slice keeps the seat, and the rest waits") {
  Shard shard(questions(), {.cpuMax = std::chrono::milliseconds(100), .sparesMax = 0});
  Answer hung = ask(shard, spinner("bad"), "/hang");
  Answer waited = ask(shard, spinner("good"), "/a");
  CHECK(hung.get() == kOverCpu);
  CHECK(waited.get() == "/a1");
}

TEST_CASE("a module that does not come to its end is loaded without the seat") {
  Shard shard(questions(), {.cpuMax = std::chrono::seconds(20)});
  auto endless = std::make_shared<deploy::Version>(*testVersion("for (;;) {} export default {}"));
  endless->script = endless->id = "endless";
  Answer hung = ask(shard, endless, "/a");
  CHECK(ask(shard, spinner("good"), "/a").get() == "/a1");
  CHECK_FALSE(answered(hung));
}

TEST_CASE("shards that hang, spin and answer at once lose no answer") {
  Shard first(questions(), {.cpuMax = std::chrono::milliseconds(30)});
  Shard second(questions(), {.cpuMax = std::chrono::milliseconds(30)});
  std::vector<std::pair<std::string, Answer>> answers;
  for (int round = 0; round < 60; ++round) {
    for (Shard* const shard : {&first, &second}) {
      for (const char* const name : {"a", "b", "c", "d"}) {
        const std::string target = round % 20 == 7 && *name == 'd'  ? "/hang"
                                   : round % 3 == 0 && *name == 'c' ? "/spin"
                                                                    : "/a";
        answers.emplace_back(target, ask(*shard, spinner(name), target));
      }
    }
  }
  for (auto& [target, answer] : answers) {
    const std::string text = answer.get();
    CHECK((text == kOverCpu || text.starts_with(target)));
    if (target == "/hang") CHECK(text == kOverCpu);
  }
}

/// V8 gives up on the isolate at once: more elements than any table has.
constexpr const char* kBreak =
    "if (target === '/break') [].toSorted.call({length: 2 ** 32 - 2}); "
    "if (target === '/check') 'x'.repeat(2 ** 28).match(/x/g); ";

TEST_CASE("an isolate that V8 gives up on is lost with its thread, and nothing else") {
  Shard shard(questions());
  const auto good = spinner("good-beside-breakers");
  CHECK(ask(shard, good, "/a").get() == "/a1");
  int n = 1;
  for (const std::string target : {"/break", "/check"}) {
    CAPTURE(target);
    const std::size_t before = WriteOffs::ofProcess().count();
    const auto bad = named("breaker" + target, std::string(kBreak) + "return target + ++n");
    CHECK(ask(shard, bad, "/a").get() == "/a1");
    for (Answer& answer : askAll(shard, bad, {target, "/b"})) {
      CHECK(answer.get() == "the script used more than its 128 MB of memory");
    }
    CHECK(ask(shard, good, "/a").get() == "/a" + std::to_string(++n));
    CHECK(WriteOffs::ofProcess().count() == before + 1);
    CHECK(WriteOffs::ofProcess().check(*bad).error().code == ErrorCode::Overloaded);
    CHECK(WriteOffs::ofProcess().check(*good).has_value());
  }
}

TEST_CASE("a script that V8 gives up on at its top level fails its trial") {
  isolate::startTestGuest();
  auto broken =
      *testVersion("[].toSorted.call({length: 2 ** 32 - 2}); export default { fetch() {} }");
  broken.script = "top-breaker";
  const Result<> tried = tryLoad(broken, {});
  REQUIRE_FALSE(tried.has_value());
  CHECK(tried.error().detail.starts_with("the script used more than its 128 MB of memory"));
}

}  // namespace
}  // namespace atolld::shard
