#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "store/database.h"

/// What the tests of store and of the modules above it share.
namespace atolld::store::testing {

/// A directory of its own, gone with the object.
class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "atoll-store-XXXXXX").string();
    ATOLL_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Stands still until told.
class ManualClock final : public Clock {
 public:
  UnixMillis now() const override { return UnixMillis(std::chrono::milliseconds(millis_)); }
  MonotonicTime monotonic() const override {
    return MonotonicTime(std::chrono::milliseconds(millis_));
  }
  void set(std::chrono::milliseconds sinceEpoch) { millis_ = sinceEpoch.count(); }
  void advance(std::chrono::milliseconds by) { millis_ += by.count(); }

 private:
  std::atomic<std::int64_t> millis_ = 1'800'000'000'000;
};

/// An open database in a directory of its own, that can be closed and opened again.
class TestDatabase {
 public:
  TestDatabase() { open(); }

  Database& operator*() { return *database_; }
  Database* operator->() { return database_.get(); }
  const std::string& path() const { return directory_.path(); }
  ManualClock& clock() { return clock_; }

  void close() { database_.reset(); }
  void reopen() {
    close();
    open();
  }
  /// An op that puts `value`; for tests that need some change.
  static Ops putOps(std::string key, std::string value, Family family = Family::Kv) {
    Ops ops;
    ops.push_back({Op::Kind::Put, family, std::move(key), std::move(value)});
    return ops;
  }
  Result<Position> put(std::string key, std::string value, Family family = Family::Kv) {
    return database_->commit([&](const View&) -> Result<Ops> {
      return putOps(std::move(key), std::move(value), family);
    });
  }

 private:
  void open() {
    Result<std::unique_ptr<Database>> opened = Database::open({.path = path()}, clock_);
    if (!opened) checkFailed(opened.error().detail);
    database_ = *std::move(opened);
  }

  TempDirectory directory_;
  ManualClock clock_;
  std::unique_ptr<Database> database_;
};

}  // namespace atolld::store::testing
