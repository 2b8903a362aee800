// What a commit's acknowledgement is worth when the disk fails.

#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <semaphore>
#include <thread>

#include "store/database.h"
#include "store/faulty_disk.h"
#include "store/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::store;
using atolld::store::testing::FaultyDisk;
using atolld::store::testing::ManualClock;
using atolld::store::testing::TempDirectory;
using atolld::store::testing::TestDatabase;

struct Fixture {
  TempDirectory directory;
  ManualClock clock;

  std::unique_ptr<Database> open(rocksdb::Env* env = nullptr) {
    auto opened = Database::open({.path = directory.path(), .env = env}, clock);
    if (!opened) checkFailed(opened.error().detail);
    return *std::move(opened);
  }
};

Result<Position> put(Database& database, std::string key, std::string value = "value") {
  return database.commit([&](const View&) -> Result<Ops> {
    return TestDatabase::putOps(std::move(key), std::move(value));
  });
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is acknowledged outlives a power cut at any instant") {
  constexpr int kThreads = 4;
  std::mt19937_64 random(20261123);
  std::vector<int> acknowledged(kThreads, 0);
  for (int round = 0; round < 8; ++round) {
    const FaultyDisk::Mounted mounted = FaultyDisk::mount();
    std::unique_ptr<Database> database = open(mounted.env.get());
    std::atomic<int> left = static_cast<int>(random() % 100);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        int& done = acknowledged[static_cast<std::size_t>(t)];
        while (put(*database, std::to_string(t) + "/" + std::to_string(done),
                   std::string(static_cast<std::size_t>(done % 3) * 40'000, 'v'))) {
          ++done;
          if (left.fetch_sub(1) == 1) mounted.disk->set(FaultyDisk::Fault::NoPower);
        }
      });
    }
    if (left == 0) mounted.disk->set(FaultyDisk::Fault::NoPower);
    for (std::thread& thread : threads) thread.join();
    database.reset();
    mounted.disk->loseUnsynced();

    database = open();
    CAPTURE(round);
    CHECK(database->verifyReplay().has_value());
    for (int t = 0; t < kThreads; ++t) {
      for (int i = 0; i < acknowledged[static_cast<std::size_t>(t)]; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        CAPTURE(key);
        CHECK(database->get(Family::Kv, key).value().has_value());
      }
    }
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "a commit that could not be synced is never acknowledged, nor any after it") {
  const FaultyDisk::Mounted mounted = FaultyDisk::mount();
  std::unique_ptr<Database> database = open(mounted.env.get());
  const Position before = put(*database, "before").value();
  mounted.disk->set(FaultyDisk::Fault::SyncFails);
  const auto refused = put(*database, "refused");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::Io);
  CHECK(refused.error().detail.contains(
      "no further change is accepted until the server is restarted"));
  CHECK(refused.error().detail.contains("sync failed"));

  // The disk has recovered, and nobody knows what it holds: still no.
  mounted.disk->set(FaultyDisk::Fault::None);
  CHECK(put(*database, "after").error().detail == refused.error().detail);
  const auto nothing = database->commit([](const View&) -> Result<Ops> { return Ops(); });
  CHECK(nothing.error().code == ErrorCode::Io);
  CHECK(database->position().hash == before.hash);
  CHECK(database->get(Family::Kv, "before").value() == "value");
  CHECK_FALSE(database->get(Family::Kv, "refused").value().has_value());
  CHECK(database->verifyReplay().has_value());

  database.reset();
  mounted.disk->loseUnsynced();
  database = open();
  CHECK(database->get(Family::Kv, "before").value() == "value");
  CHECK(put(*database, "after").has_value());
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE_FIXTURE(Fixture, "a full disk is said in clear words, and room makes it well") {
  const FaultyDisk::Mounted mounted = FaultyDisk::mount();
  std::unique_ptr<Database> database = open(mounted.env.get());
  REQUIRE(put(*database, "before").has_value());
  mounted.disk->set(FaultyDisk::Fault::NoSpace);
  const auto refused = put(*database, "refused");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::Io);
  CHECK(refused.error().detail.contains("the disk is full, make room and restart"));
  database.reset();

  const auto stillFull =
      Database::open({.path = directory.path(), .env = mounted.env.get()}, clock);
  REQUIRE_FALSE(stillFull.has_value());
  CHECK(stillFull.error().code == ErrorCode::Io);
  CHECK(stillFull.error().detail.contains("the disk is full"));

  mounted.disk->set(FaultyDisk::Fault::None);
  database = open(mounted.env.get());
  CHECK(database->get(Family::Kv, "before").value() == "value");
  CHECK(put(*database, "after").has_value());
}

TEST_CASE_FIXTURE(Fixture, "commits that wait together share one sync") {
  constexpr int kWaiting = 64;
  const FaultyDisk::Mounted mounted = FaultyDisk::mount();
  const std::unique_ptr<Database> database = open(mounted.env.get());
  REQUIRE(put(*database, "first").has_value());  // A new log file syncs its directory once.
  const std::uint64_t before = mounted.disk->syncCount();

  // One proposal holds the commit thread while the others queue up behind it.
  std::binary_semaphore running(0);
  std::binary_semaphore release(0);
  std::thread holder([&] {
    CHECK(database
              ->commit([&](const View&) -> Result<Ops> {
                running.release();
                release.acquire();
                return TestDatabase::putOps("holder", "value");
              })
              .has_value());
  });
  running.acquire();
  std::atomic<int> waiting = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kWaiting; ++i) {
    threads.emplace_back([&, i] {
      ++waiting;
      CHECK(put(*database, std::to_string(i)).has_value());
    });
  }
  while (waiting < kWaiting) std::this_thread::yield();
  release.release();
  holder.join();
  for (std::thread& thread : threads) thread.join();
  CHECK(database->position().index == kWaiting + 2);
  // The holder's, the group's, and some for threads that were on their way to the queue.
  CHECK(mounted.disk->syncCount() - before < kWaiting / 2);
}
