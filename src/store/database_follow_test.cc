#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "store/crypto.h"
#include "store/log_entry.h"
#include "store/replica_directory.h"
#include "store/test_support.h"

namespace atolld::store {
namespace {

using testing::ManualClock;
using testing::TempDirectory;
using testing::TestDatabase;

struct FollowerDatabase {
  FollowerDatabase() { open(); }
  void open() {
    database.reset();
    auto opened = Database::open({.path = directory.path() + "/replica", .follows = true}, clock);
    if (!opened) checkFailed(opened.error().detail);
    database = *std::move(opened);
  }
  TempDirectory directory;
  ManualClock clock;
  std::unique_ptr<Database> database;
};

std::vector<std::string> rowsFrom(const Database& database, std::uint64_t index) {
  std::vector<std::string> rows;
  REQUIRE(database.readLog(index, [&](std::uint64_t, std::string_view row) {
    rows.emplace_back(row);
    return true;
  }));
  return rows;
}

Result<Applied> applyAll(Database& follower, const std::vector<std::string>& rows) {
  const std::vector<std::string_view> views(rows.begin(), rows.end());
  return follower.apply(views);
}

void checkEqual(const Database& a, const Database& b) {
  CHECK(a.position().history == b.position().history);
  CHECK(a.position().index == b.position().index);
  CHECK(a.position().hash == b.position().hash);
  CHECK(a.digest().value() == b.digest().value());
}

TEST_CASE("a follower that applies a log has the same position and the same contents") {
  TestDatabase source;
  FollowerDatabase follower;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(source.put("k" + std::to_string(i % 7), std::string(100 * i, 'x')));
  }
  REQUIRE(applyAll(*follower.database, rowsFrom(*source, 1)));
  checkEqual(*source, *follower.database);
  REQUIRE(follower.database->verifyLog());
  REQUIRE(follower.database->verifyReplay());

  follower.open();
  REQUIRE(source.put("later", "y"));
  REQUIRE(applyAll(*follower.database, rowsFrom(*source, 21)));
  checkEqual(*source, *follower.database);
}

TEST_CASE("a gap, a repeated, a tampered or a foreign entry applies nothing at all") {
  TestDatabase source, other;
  FollowerDatabase follower;
  for (int i = 0; i < 4; ++i) REQUIRE(source.put("k" + std::to_string(i), "v"));
  for (int i = 0; i < 4; ++i) REQUIRE(other.put("k" + std::to_string(i), "v"));
  const std::vector<std::string> rows = rowsFrom(*source, 1);
  REQUIRE(applyAll(*follower.database, {rows[0], rows[1]}));
  std::string flipped = rows[2];
  flipped[flipped.size() - kHashBytes - 1] ^= 1;
  std::string hashFlipped = rows[2];
  hashFlipped.back() ^= 1;
  const std::string foreign = rowsFrom(*other, 3).front();
  const std::vector<std::vector<std::string>> attacks = {
      {rows[3]},          {rows[1]}, {flipped}, {hashFlipped},      {foreign},
      {rows[2], flipped}, {""},      {"short"}, {rows[2] + rows[3]}};
  for (const auto& attack : attacks) {
    const auto applied = applyAll(*follower.database, attack);
    REQUIRE_FALSE(applied.has_value());
    CHECK(applied.error().code == ErrorCode::Corrupt);
    CHECK(follower.database->position().index == 2);
  }
  REQUIRE(applyAll(*follower.database, {rows[2], rows[3]}));
  checkEqual(*source, *follower.database);
}

TEST_CASE("a database that follows refuses changes of its own") {
  FollowerDatabase follower;
  const auto refused = follower.database->commit(
      [](const View&) -> Result<Ops> { return TestDatabase::putOps("k", "v"); });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::Unavailable);
}

TEST_CASE("a trimmed log says where it begins, verifies, reopens and goes on") {
  TestDatabase source;
  for (int i = 0; i < 10; ++i) REQUIRE(source.put("k", std::to_string(i)));
  const std::string hashOf4 = *source->hashAt(4).value();
  REQUIRE(source->trimLog(5));
  CHECK(source->hashAt(4).value() == hashOf4);
  CHECK_FALSE(source->hashAt(3).value().has_value());
  const auto gone = source->readLog(4, [](std::uint64_t, std::string_view) { return true; });
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code == ErrorCode::NotFound);
  CHECK(rowsFrom(*source, 5).size() == 6);
  REQUIRE(source->verifyLog());
  source.reopen();
  REQUIRE(source.put("k", "more"));
  REQUIRE(source->trimLog(1000));  // The last entry stays.
  CHECK(rowsFrom(*source, 11).size() == 1);
  source.reopen();
  REQUIRE(source->verifyLog());
}

TEST_CASE("a checkpoint replaces a replica under its readers, and the log goes on from it") {
  TestDatabase source;
  for (int i = 0; i < 50; ++i) REQUIRE(source.put("k" + std::to_string(i), "new"));
  REQUIRE(source->trimLog(40));
  FollowerDatabase follower;
  const std::string copy = follower.directory.path() + "/replica-2";
  REQUIRE(source->checkpoint(copy));

  const std::unique_ptr<View> held = follower.database->view();
  std::atomic<bool> stop = false;
  std::atomic<int> reads = 0;
  std::thread reader([&] {
    while (!stop) {
      REQUIRE(follower.database->get(Family::Kv, "k1"));
      ++reads;
    }
  });
  std::thread replacer([&] { REQUIRE(follower.database->replaceWith(copy)); });
  while (!follower.database->get(Family::Kv, "k1").value()) std::this_thread::yield();
  CHECK_FALSE(held->get(Family::Kv, "k1").value().has_value());  // Still the old one's.
  const_cast<std::unique_ptr<View>&>(held).reset();
  replacer.join();
  stop = true;
  reader.join();
  CHECK(reads > 0);
  checkEqual(*source, *follower.database);

  REQUIRE(source.put("after", "x"));
  REQUIRE(applyAll(*follower.database, rowsFrom(*source, 51)));
  checkEqual(*source, *follower.database);
  REQUIRE(follower.database->verifyLog());
}

TEST_CASE("a directory that is no checkpoint leaves the replica as it was") {
  TestDatabase source;
  REQUIRE(source.put("k", "v"));
  FollowerDatabase follower;
  REQUIRE(applyAll(*follower.database, rowsFrom(*source, 1)));
  CHECK_FALSE(follower.database->replaceWith(follower.directory.path() + "/nothing"));
  checkEqual(*source, *follower.database);
}

TEST_CASE("the choice of a replica survives, and the former one goes") {
  const TempDirectory directory;
  CHECK(findReplica(directory.path()).value() == directory.path() + "/replica");
  std::filesystem::create_directories(directory.path() + "/replica");
  std::filesystem::create_directories(directory.path() + "/replica-2");
  REQUIRE(chooseReplica(directory.path(), "replica-2"));
  CHECK(findReplica(directory.path()).value() == directory.path() + "/replica-2");
  removeFormerReplicas(directory.path());
  CHECK_FALSE(std::filesystem::exists(directory.path() + "/replica"));
  CHECK(std::filesystem::exists(directory.path() + "/replica-2"));
}

}  // namespace
}  // namespace atolld::store
