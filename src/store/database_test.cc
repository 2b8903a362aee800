#include "store/database.h"

#include <doctest/doctest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <fstream>
#include <semaphore>
#include <set>
#include <thread>

#include "store/rocks.h"
#include "store/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::store;
using atolld::store::testing::ManualClock;
using atolld::store::testing::TempDirectory;
using atolld::store::testing::TestDatabase;

std::vector<std::string> keysOf(const View& view, std::string_view prefix,
                                std::string_view from = "") {
  std::vector<std::string> keys;
  const Result<> scanned =
      view.scan(Family::Routes, prefix, from, [&](std::string_view key, std::string_view) {
        keys.emplace_back(key);
        return true;
      });
  REQUIRE(scanned.has_value());
  return keys;
}

/// Opens the closed database's RocksDB and writes one row behind the log's back.
void tamper(const std::string& path, bool inLog, std::string_view key,
            std::optional<std::string_view> value) {
  const auto rocks = Rocks::open({.path = path}).value();
  rocksdb::ColumnFamilyHandle* const family = inLog ? rocks->log() : rocks->family(Family::Kv);
  const rocksdb::WriteOptions options;
  const rocksdb::Status status = value ? rocks->db().Put(options, family, slice(key), slice(*value))
                                       : rocks->db().Delete(options, family, slice(key));
  REQUIRE(status.ok());
}

std::string logKeyOf(char index) { return std::string(7, '\0') + index; }

std::optional<Error> openError(const std::string& path) {
  const ManualClock clock;
  const auto opened = Database::open({.path = path}, clock);
  return opened ? std::nullopt : std::optional(opened.error());
}

}  // namespace

TEST_CASE("a commit is visible, positioned and there after reopening") {
  TestDatabase database;
  const Position start = database->position();
  CHECK(start.index == 0);
  CHECK(start.history.size() == 16);
  const Position first = database.put("a", "1").value();
  const Position second = database.put("b", "2").value();
  CHECK(first.index == 1);
  CHECK(second.index == 2);
  CHECK(first.hash != second.hash);
  CHECK(second.history == start.history);

  database.reopen();
  CHECK(database->position().index == 2);
  CHECK(database->position().hash == second.hash);
  CHECK(database->get(Family::Kv, "a").value() == "1");
  CHECK(database->view()->get(Family::Kv, "b").value() == "2");
  CHECK(database->view()->index().value() == 2);
  CHECK_FALSE(database->get(Family::Kv, "c").value().has_value());
  CHECK(database->verifyLog().value().index == 2);
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE("families are apart and a view does not move") {
  TestDatabase database;
  REQUIRE(database.put("k", "kv").has_value());
  REQUIRE(database.put("k", "route", Family::Routes).has_value());
  const std::unique_ptr<View> before = database->view();
  REQUIRE(database.put("k", "later", Family::Routes).has_value());
  CHECK(before->get(Family::Routes, "k").value() == "route");
  CHECK(before->index().value() == 2);
  CHECK(database->view()->get(Family::Routes, "k").value() == "later");
  CHECK(database->view()->get(Family::Kv, "k").value() == "kv");
}

TEST_CASE("scan gives a prefix in order from where it is told, until it is told to stop") {
  TestDatabase database;
  for (const char* key : {"a", "b/1", "b/2", "b/3", "c", "\xff\xff"}) {
    REQUIRE(database.put(key, "", Family::Routes).has_value());
  }
  const std::unique_ptr<View> view = database->view();
  using Keys = std::vector<std::string>;
  CHECK(keysOf(*view, "b/") == Keys{"b/1", "b/2", "b/3"});
  CHECK(keysOf(*view, "b/", "b/2") == Keys{"b/2", "b/3"});
  CHECK(keysOf(*view, "b/", "a") == Keys{"b/1", "b/2", "b/3"});
  CHECK(keysOf(*view, "b/", "c").empty());
  CHECK(keysOf(*view, "\xff") == Keys{"\xff\xff"});
  CHECK(keysOf(*view, "").size() == 6);
  int seen = 0;
  REQUIRE(view->scan(Family::Routes, "b/", "",
                     [&](std::string_view, std::string_view) { return ++seen < 2; })
              .has_value());
  CHECK(seen == 2);
}

TEST_CASE("a refused proposal and an empty one leave no trace") {
  TestDatabase database;
  REQUIRE(database.put("a", "1").has_value());
  const Position before = database->position();
  const auto refused = database->commit(
      [](const View&) -> Result<Ops> { return fail(ErrorCode::AlreadyExists, "taken"); });
  CHECK(refused.error().code == ErrorCode::AlreadyExists);
  CHECK(refused.error().detail == "taken");
  const auto nothing = database->commit([](const View&) -> Result<Ops> { return Ops(); });
  CHECK(nothing.value().index == before.index);
  CHECK(nothing.value().hash == before.hash);
  CHECK(database.put("", "no key").error().code == ErrorCode::InvalidArgument);
  CHECK(database->position().hash == before.hash);
  CHECK(database->verifyLog().value().index == 1);
}

TEST_CASE("proposals of one group see each other, and share one position walk") {
  TestDatabase database;
  REQUIRE(database.put("old", "row", Family::Routes).has_value());
  std::vector<std::uint32_t> groups;
  std::vector<std::uint64_t> positions;
  database->onCommitted([&](const Position& position, const Changes& changes) {
    groups.push_back(changes.familyBits);
    positions.push_back(position.index);
  });

  // The first proposal holds the commit thread until all others are queued: they form one group.
  std::binary_semaphore running(0);
  std::counting_semaphore<> release(0);
  std::thread first([&] {
    CHECK(database
              ->commit([&](const View&) -> Result<Ops> {
                running.release();
                release.acquire();
                return TestDatabase::putOps("first", "", Family::Tenants);
              })
              .has_value());
  });
  running.acquire();

  // Whoever comes first takes the name; the others must see it within the same group.
  constexpr int kCount = 32;
  std::atomic<int> taken = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> queued = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kCount; ++i) {
    threads.emplace_back([&] {
      ++queued;
      const auto committed = database->commit([&](const View& view) -> Result<Ops> {
        ATOLL_TRY(const std::optional<std::string> there, view.get(Family::Routes, "name"));
        if (there) {
          if (keysOf(view, "") != std::vector<std::string>{"name"}) {
            return fail(ErrorCode::Internal, "the scan does not see the group");
          }
          return fail(ErrorCode::AlreadyExists, "taken");
        }
        Ops ops = TestDatabase::putOps("name", "", Family::Routes);
        ops.push_back({Op::Kind::Delete, Family::Routes, "old", ""});
        return ops;
      });
      if (committed) ++taken;
      if (!committed && committed.error().code == ErrorCode::AlreadyExists) ++refused;
    });
  }
  while (queued < kCount) std::this_thread::yield();
  release.release();
  first.join();
  for (std::thread& thread : threads) thread.join();

  CHECK(taken == 1);
  CHECK(refused == kCount - 1);
  CHECK(database->position().index == 3);
  CHECK(database->verifyReplay().has_value());
  CHECK(groups.front() == 1u << static_cast<unsigned>(Family::Tenants));
  CHECK(groups.back() == 1u << static_cast<unsigned>(Family::Routes));
  CHECK(positions.back() == 3);
}

TEST_CASE("entries of concurrent commits get every index once, and each gets its own") {
  TestDatabase database;
  constexpr int kThreads = 8;
  constexpr int kCommits = 25;
  std::vector<std::vector<std::uint64_t>> indexes(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        indexes[static_cast<std::size_t>(t)].push_back(database.put(key, key).value().index);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& own : indexes) {
    CHECK(std::ranges::is_sorted(own));
    all.insert(own.begin(), own.end());
  }
  CHECK(all.size() == kThreads * kCommits);
  CHECK(*all.rbegin() == kThreads * kCommits);
  CHECK(database->verifyLog().value().index == kThreads * kCommits);
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE("tryGet answers from memory, hit or miss") {
  TestDatabase database;
  REQUIRE(database.put("there", "value").has_value());
  CHECK(database->tryGet(Family::Kv, "there")->value() == "value");
  const auto miss = database->tryGet(Family::Kv, "not there");
  REQUIRE(miss.has_value());
  CHECK_FALSE(miss->value().has_value());
}

TEST_CASE("tryGet never reads a file: what is only on disk is left to get") {
  TestDatabase database;
  REQUIRE(database.put("there", std::string(100, 'v')).has_value());
  REQUIRE(database.put("large", std::string(100'000, 'v')).has_value());
  database.reopen();  // Recovery flushes the memtable; the block cache starts empty.
  CHECK_FALSE(database->tryGet(Family::Kv, "there").has_value());
  CHECK(database->get(Family::Kv, "there").value()->size() == 100);
  CHECK(database->tryGet(Family::Kv, "there")->value()->size() == 100);
  CHECK_FALSE(database->tryGet(Family::Kv, "large").has_value());
  CHECK(database->get(Family::Kv, "large").value()->size() == 100'000);
  CHECK(database->tryGet(Family::Kv, "large")->value()->size() == 100'000);
}

TEST_CASE("a data directory has one owner") {
  TestDatabase database;
  const std::optional<Error> second = openError(database.path());
  REQUIRE(second.has_value());
  CHECK(second->code == ErrorCode::Io);
  CHECK(second->detail.contains("another process has it open"));
  CHECK(second->detail.contains(database.path()));
}

TEST_CASE("open makes the directory, for its owner only, and says why it cannot") {
  const TempDirectory parent;
  const ManualClock clock;
  const std::string nested = parent.path() + "/a/b";
  REQUIRE(Database::open({.path = nested}, clock).has_value());
  CHECK(std::filesystem::status(nested).permissions() == std::filesystem::perms::owner_all);

  std::ofstream(parent.path() + "/file") << "x";
  const auto onFile = openError(parent.path() + "/file");
  REQUIRE(onFile.has_value());
  CHECK(onFile->code == ErrorCode::Io);
  CHECK(onFile->detail.contains("directory"));
}

TEST_CASE("open refuses a database of another format, another program or another version") {
  TestDatabase database;
  database.close();
  {
    const auto rocks = Rocks::open({.path = database.path()}).value();
    REQUIRE(rocks->db().Put({}, rocks->meta(), "format", "atoll replica 9").ok());
  }
  auto error = openError(database.path());
  REQUIRE(error.has_value());
  CHECK(error->code == ErrorCode::Corrupt);
  CHECK(error->detail.contains("\"atoll replica 9\" and this build reads \"atoll replica 1\""));
  {
    const auto rocks = Rocks::open({.path = database.path()}).value();
    REQUIRE(rocks->db().Delete({}, rocks->meta(), "format").ok());
  }
  error = openError(database.path());
  REQUIRE(error.has_value());
  CHECK(error->detail.contains("not made by atolld"));
  {
    const auto rocks = Rocks::open({.path = database.path()}).value();
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    REQUIRE(rocks->db().CreateColumnFamily({}, "from_the_future", &handle).ok());
    delete handle;
  }
  error = openError(database.path());
  REQUIRE(error.has_value());
  CHECK(error->code == ErrorCode::Corrupt);
  CHECK(error->detail.contains("newer version"));
}

TEST_CASE("open refuses a log whose end is not what the position says") {
  TestDatabase database;
  REQUIRE(database.put("a", "1").has_value());
  REQUIRE(database.put("b", "2").has_value());
  const std::string last = [&] {
    database.close();
    const auto rocks = Rocks::open({.path = database.path()}).value();
    return *rocks->get(rocks->log(), logKeyOf(2), nullptr).value();
  }();
  std::string changed = last;
  changed[40] = static_cast<char>(changed[40] ^ 1);

  struct Attack {
    char index;
    std::optional<std::string_view> row;
  };
  for (const Attack& attack : {Attack{2, std::nullopt}, Attack{2, changed}, Attack{2, "x"},
                               Attack{1, std::nullopt}, Attack{3, last}}) {
    CAPTURE(attack.index);
    database.reopen();
    database.close();
    std::string good;
    {
      const auto rocks = Rocks::open({.path = database.path()}).value();
      good = rocks->get(rocks->log(), logKeyOf(attack.index), nullptr).value().value_or("");
    }
    tamper(database.path(), true, logKeyOf(attack.index), attack.row);
    const auto error = openError(database.path());
    REQUIRE(error.has_value());
    CHECK(error->code == ErrorCode::Corrupt);
    tamper(database.path(), true, logKeyOf(attack.index),
           good.empty() ? std::nullopt : std::optional<std::string_view>(good));
  }
}

TEST_CASE("verifyLog finds damage anywhere, verifyReplay finds rows that no entry wrote") {
  TestDatabase database;
  for (int i = 0; i < 5; ++i) REQUIRE(database.put("k" + std::to_string(i), "v").has_value());
  database.close();
  tamper(database.path(), false, "intruder", "row");
  database.reopen();
  CHECK(database->verifyLog().value().index == 5);
  CHECK(database->verifyReplay().error().detail ==
        "kv: row 696e747275646572 is not what the log says");
  database.close();
  tamper(database.path(), false, "intruder", std::nullopt);
  tamper(database.path(), false, "k3", std::nullopt);
  database.reopen();
  CHECK(database->verifyReplay().error().code == ErrorCode::Corrupt);
  database.close();
  tamper(database.path(), false, "k3", "v");
  database.reopen();
  CHECK(database->verifyReplay().has_value());
  database.close();
  tamper(database.path(), true, logKeyOf(2), "damaged beyond recognition, and longer than a hash");
  database.reopen();
  CHECK(database->verifyLog().error().code == ErrorCode::Corrupt);
  CHECK(database->verifyLog().error().detail.starts_with("log entry 2:"));
}

TEST_CASE("a damaged write-ahead log is found: what was acknowledged is never dropped in silence") {
  TestDatabase database;
  for (int i = 0; i < 3; ++i) REQUIRE(database.put(std::to_string(i), "value").has_value());
  database.close();
  std::string wal;
  for (const auto& file : std::filesystem::directory_iterator(database.path())) {
    if (file.path().extension() == ".log" && file.file_size() > 0) wal = file.path();
  }
  REQUIRE_FALSE(wal.empty());
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 10);
  const auto error = openError(database.path());
  REQUIRE(error.has_value());
  CHECK(error->code == ErrorCode::Corrupt);
  CHECK(error->detail.contains("entry 3 of the log was acknowledged and only 2 can be read"));
  std::filesystem::remove(database.path() + "/ACKNOWLEDGED");
  database.reopen();
  CHECK(database->position().index == 2);
  CHECK(database->verifyReplay().has_value());
}
