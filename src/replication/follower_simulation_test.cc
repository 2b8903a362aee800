// Fleets of followers on a clock of their own: a root that commits, trims and is restored, relays,
// links that are cut, slow and corrupt, nodes that crash. The network and the replicas are models;
// the decisions are FollowerMachine's and judge()'s.

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "replication/follower_machine.h"

namespace atolld::replication {
namespace {

using Time = FollowerMachine::Time;
using State = FollowerMachine::State;

struct Faults {
  bool cuts = false;       ///< Links go down and up; nodes crash, and may lose unsynced entries.
  bool trims = false;      ///< Logs are shorter than what some follower needs.
  bool restores = false;   ///< The root is set back, to its own past or to another history.
  bool tampering = false;  ///< Entries arrive damaged.
  bool deadLinks = false;  ///< Some links never come back.
};

/// A log: what its entries did is all in their hashes.
struct Log {
  std::string history;
  std::uint64_t base = 0;           ///< Entries up to here are trimmed.
  std::vector<std::string> hashes;  ///< Of entry i + 1.

  store::Position head() const {
    return {history, hashes.size(), hashes.empty() ? "" : hashes.back()};
  }
};

class World {
 public:
  World(std::uint64_t seed, std::size_t nodeCount, Faults faults)
      : random_(seed), faults_(faults), nodes_(nodeCount) {
    root().log.history = newHistory();
    for (std::size_t i = 1; i < nodeCount; ++i) {
      Node& node = nodes_[i];
      // Any order of any others: chains, trees and loops of relays; the root is always among them.
      for (std::size_t other = 0; other < nodeCount; ++other) {
        if (other == 0 || (other != i && chance(3))) node.upstreams.push_back(other);
      }
      std::shuffle(node.upstreams.begin(), node.upstreams.end(), random_);
      node.links.resize(node.upstreams.size());
      startNode(i);
    }
  }

  void run() {
    const Time faultsEnd = Time(120'000);
    scheduleCommits(faultsEnd);
    if (faults_.cuts) scheduleOften(4'000, faultsEnd, [this] { cutOrCrash(); });
    if (faults_.trims) scheduleOften(8'000, faultsEnd, [this] { trim(); });
    if (faults_.restores) scheduleOften(40'000, faultsEnd, [this] { restore(); });
    runUntil(faultsEnd);
    faulty_ = false;
    healAll();
    for (int i = 0; i < 5; ++i) commit();
    runUntil(faultsEnd + Time(240'000));
  }

  void checkConverged() {
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      CAPTURE(i);
      CHECK(nodes_[i].log.history == root().log.history);
      CHECK(nodes_[i].log.hashes == root().log.hashes);
      const std::optional<Time> age = nodes_[i].machine->age(now_);
      REQUIRE(age.has_value());
      CHECK(*age <= Time(35'000));
    }
  }
  std::size_t bootstraps() const { return bootstraps_; }
  std::size_t applied() const { return applied_; }

 private:
  struct Link {
    bool up = true;
    bool dead = false;
  };
  struct Node {
    Log log;
    std::vector<std::size_t> upstreams;
    std::vector<Link> links;
    std::unique_ptr<FollowerMachine> machine;
    Time wakeAt{-1};
    std::uint64_t life = 0;                  ///< Another one after each crash.
    std::uint64_t session = 0;               ///< Another one for each stream or bootstrap.
    std::optional<std::uint64_t> streaming;  ///< Session that sends, and …
    std::uint64_t sent = 0;                  ///< … up to which entry.
    std::string sentHistory;
    std::uint64_t rootGeneration = 0;
  };

  Node& root() { return nodes_[0]; }
  bool chance(unsigned oneIn) { return random_() % oneIn == 0; }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  std::string newHistory() { return "H" + std::to_string(++historyCount_); }

  // ---- events ----

  void at(Time when, std::function<void()> task) {
    events_.emplace(std::pair(when, ++eventCount_), std::move(task));
  }
  void runUntil(Time end) {
    while (!events_.empty() && events_.begin()->first.first <= end) {
      now_ = std::max(now_, events_.begin()->first.first);
      const auto task = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      task();
    }
    now_ = end;
  }
  void scheduleOften(std::uint64_t meanMillis, Time end, std::function<void()> task) {
    const Time when = now_ + Time(1 + below(2 * meanMillis));
    if (when >= end) return;
    at(when, [=, this] {
      task();
      scheduleOften(meanMillis, end, task);
    });
  }

  // ---- the root ----

  void commit() {
    Log& log = root().log;
    log.hashes.push_back(log.history + "/" + std::to_string(log.hashes.size() + 1) + "/" +
                         std::to_string(random_()));
    everCommitted_.insert(log.hashes.back());
    feedAll(0);
  }
  void scheduleCommits(Time end) {
    scheduleOften(700, end, [this] { commit(); });
  }
  void trim() {
    Log& log = nodes_[below(nodes_.size())].log;
    if (!log.hashes.empty()) log.base = std::max(log.base, below(log.hashes.size()));
  }
  void restore() {
    Log& log = root().log;
    endStreamsOf(0);
    if (chance(2)) {
      log.history = newHistory();
    } else if (!log.hashes.empty()) {
      log.hashes.resize(std::max<std::uint64_t>(log.base, below(log.hashes.size())));
    }
  }
  void cutOrCrash() {
    const std::size_t i = below(nodes_.size());
    if (i == 0) return endStreamsOf(0);  // The root crashes, and is back at once.
    Node& node = nodes_[i];
    if (chance(3)) {
      if (chance(2) && node.log.hashes.size() > node.log.base) {
        node.log.hashes.resize(node.log.hashes.size() -
                               below(node.log.hashes.size() - node.log.base));
      }
      endStreamsOf(i);
      return startNode(i);
    }
    Link& link = node.links[below(node.links.size())];
    link.up = !link.up;
    // A cut link is silence, not an error: the follower has to notice.
    if (!link.up && chance(2)) endStreamTo(i);
  }
  void healAll() {
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      for (std::size_t k = 0; k < node.links.size(); ++k) {
        // The root stays within reach: directly, or not at all where a relay has it.
        const bool mayDie = faults_.deadLinks && node.upstreams[k] != 0 && chance(2);
        node.links[k].up = !mayDie;
      }
    }
  }

  // ---- streams ----

  Time ageOf(std::size_t i) {
    return i == 0 ? Time(0) : nodes_[i].machine->age(now_).value_or(Time(1'000'000'000));
  }
  void endStreamTo(std::size_t i) {
    Node& node = nodes_[i];
    if (!std::exchange(node.streaming, std::nullopt)) return;
    later(i, node.session, [this, i] {
      nodes_[i].machine->onStreamEnded(now_);
      settle(i);
    });
  }
  void endStreamsOf(std::size_t source) {
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.upstreams[node.machine->upstream()] == source) endStreamTo(i);
    }
  }
  /// `task` after a network's delay, if the node still is in that session of that life.
  void later(std::size_t i, std::uint64_t session, std::function<void()> task, Time extra = {}) {
    const std::uint64_t life = nodes_[i].life;
    // In order within a session, as a stream is.
    Time& last = arrivals_[{i, session}];
    last = std::max(last, now_ + Time(1 + below(40)) + extra);
    at(last, [=, this] {
      if (nodes_[i].life == life && nodes_[i].session == session) task();
    });
  }

  void startNode(std::size_t i) {
    Node& node = nodes_[i];
    ++node.life;
    ++node.session;
    node.streaming.reset();
    node.machine = std::make_unique<FollowerMachine>(FollowerLimits{}, node.upstreams.size(),
                                                     random_(), node.log.hashes.size());
    node.machine->start(now_);
    settle(i);
  }

  void settle(std::size_t i) {
    Node& node = nodes_[i];
    for (const FollowerMachine::Action& action : node.machine->takeActions()) {
      using Kind = FollowerMachine::Action::Kind;
      node.streaming.reset();
      ++node.session;
      if (action.kind == Kind::Connect) connect(i, action.upstream);
      if (action.kind == Kind::Bootstrap) fetch(i, action.upstream);
    }
    const Time wake = node.machine->nextWake();
    REQUIRE(wake > now_ - Time(1));
    if (wake == node.wakeAt) return;
    node.wakeAt = wake;
    at(std::max(wake, now_), [this, i, life = node.life, wake] {
      if (nodes_[i].life != life || nodes_[i].wakeAt != wake) return;
      nodes_[i].wakeAt = Time(-1);
      nodes_[i].machine->onTime(now_);
      settle(i);
    });
  }

  void connect(std::size_t i, std::size_t upstream) {
    Node& node = nodes_[i];
    const std::size_t source = node.upstreams[upstream];
    const std::uint64_t session = node.session;
    if (!node.links[upstream].up) {
      if (chance(2)) return;  // Packets vanish.
      return later(i, session, [this, i] {
        nodes_[i].machine->onStreamEnded(now_);
        settle(i);
      });
    }
    later(i, session, [=, this] {
      const Log& log = nodes_[source].log;
      const store::Position asked = nodes_[i].log.head();
      std::optional<std::string> hash;
      if (asked.index >= log.base && asked.index <= log.hashes.size()) {
        hash = asked.index == 0 ? "" : log.hashes[asked.index - 1];
      }
      const Hello hello{.verdict = judge(log.head(), log.base, asked, hash),
                        .isRoot = source == 0,
                        .age = ageOf(source),
                        .head = log.head()};
      const std::uint64_t from = asked.index;
      later(i, session, [=, this] {
        Node& me = nodes_[i];
        me.machine->onHello(now_, hello);
        if (me.machine->state() == State::Following) {
          me.streaming = session;
          me.sent = from;
          me.sentHistory = hello.head.history;
          feed(i);
          beat(i, session);
        }
        settle(i);
      });
    });
  }

  /// News each second, for as long as the stream and its link are there.
  void beat(std::size_t i, std::uint64_t session) {
    at(now_ + Time(1'000), [=, this] {
      Node& node = nodes_[i];
      if (node.session != session || node.streaming != session) return;
      const std::size_t upstream = node.machine->upstream();
      const std::size_t source = node.upstreams[upstream];
      if (node.links[upstream].up) {
        feed(i);
        const News news{.headIndex = nodes_[source].log.hashes.size(), .age = ageOf(source)};
        later(i, session, [this, i, news] {
          nodes_[i].machine->onNews(now_, news);
          settle(i);
        });
      }
      beat(i, session);
    });
  }

  void feedAll(std::size_t source) {
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.streaming && node.upstreams[node.machine->upstream()] == source) feed(i);
    }
  }

  /// Sends what the source has and the follower was not sent.
  void feed(std::size_t i) {
    Node& node = nodes_[i];
    const std::size_t upstream = node.machine->upstream();
    const Log& log = nodes_[node.upstreams[upstream]].log;
    if (!node.links[upstream].up) return;
    if (log.history != node.sentHistory || node.sent < log.base || node.sent > log.hashes.size()) {
      return endStreamTo(i);  // A source that was replaced, or trimmed what is to be sent.
    }
    while (node.sent < log.hashes.size()) {
      const std::uint64_t index = ++node.sent;
      const std::string before = index == 1 ? "" : log.hashes[index - 2];
      const bool isTampered = faulty_ && faults_.tampering && chance(60);
      const std::string hash = isTampered ? "tampered" : log.hashes[index - 1];
      later(i, node.session,
            [=, this, history = log.history] { apply(i, history, index, before, hash); });
    }
  }

  void apply(std::size_t i, const std::string& history, std::uint64_t index,
             const std::string& before, const std::string& hash) {
    Node& node = nodes_[i];
    node.machine->onHeard(now_);
    if (node.machine->state() != State::Following) return;
    const store::Position own = node.log.head();
    const bool follows = (own.index == 0 || own.history == history) && index == own.index + 1 &&
                         before == own.hash && hash != "tampered";
    if (!follows) {
      node.machine->onApplyFailed(now_, ErrorCode::Corrupt);
      return settle(i);
    }
    node.log.history = history;
    node.log.hashes.push_back(hash);
    ++applied_;
    REQUIRE(everCommitted_.contains(hash));
    node.machine->onApplied(now_, index);
    settle(i);
    feedAll(i);
  }

  void fetch(std::size_t i, std::size_t upstream) {
    Node& node = nodes_[i];
    ++bootstraps_;
    const std::size_t source = node.upstreams[upstream];
    const std::uint64_t session = node.session;
    const auto failed = [this, i] {
      nodes_[i].machine->onBootstrapFailed(now_);
      settle(i);
    };
    if (!node.links[upstream].up || (faulty_ && faults_.cuts && chance(4))) {
      return later(i, session, failed, Time(500));
    }
    const Log copy = nodes_[source].log;
    later(
        i, session,
        [=, this] {
          endStreamsOf(i);  // Whoever follows it follows another log from now on.
          nodes_[i].log = copy;
          nodes_[i].machine->onBootstrapped(now_, copy.hashes.size());
          settle(i);
        },
        Time(300 + below(3'000)));
  }

  std::mt19937_64 random_;
  const Faults faults_;
  std::vector<Node> nodes_;
  bool faulty_ = true;
  Time now_{0};
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t eventCount_ = 0;
  std::map<std::pair<std::size_t, std::uint64_t>, Time> arrivals_;
  std::set<std::string> everCommitted_;
  std::uint64_t historyCount_ = 0;
  std::size_t bootstraps_ = 0;
  std::size_t applied_ = 0;
};

constexpr std::uint64_t kSeedCount = 400;

void simulate(Faults faults, const std::function<void(const World&)>& check = {}) {
  for (std::uint64_t seed = 1; seed <= kSeedCount; ++seed) {
    CAPTURE(seed);
    World world(seed, 2 + seed % 5, faults);
    world.run();
    world.checkConverged();
    CHECK(world.applied() > 0);
    if (check) check(world);
  }
}

TEST_CASE("without faults everybody follows, and nobody ever bootstraps") {
  simulate({}, [](const World& world) { CHECK(world.bootstraps() == 0); });
}

TEST_CASE("cut links, silence and crashes cost time and never a bootstrap or an entry") {
  simulate({.cuts = true}, [](const World& world) { CHECK(world.bootstraps() == 0); });
}

TEST_CASE("links that stay dead are gone around, by way of any relay that has news") {
  simulate({.cuts = true, .deadLinks = true});
}

TEST_CASE("a log that is trimmed too soon is bootstrapped over") {
  simulate({.cuts = true, .trims = true});
}

TEST_CASE("a damaged entry is never applied") { simulate({.cuts = true, .tampering = true}); }

TEST_CASE("a root that is set back takes its fleet along") { simulate({.restores = true}); }

TEST_CASE("all of it at once ends with the same log everywhere") {
  simulate({.cuts = true, .trims = true, .restores = true, .tampering = true, .deadLinks = true});
}

}  // namespace
}  // namespace atolld::replication
