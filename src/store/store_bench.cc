// store_bench [DIRECTORY]: commits a second by 1 and 64 writers, and what a read from memory costs.
// Figures are of this machine and this disk: compare runs, not machines.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <format>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "store/kv_store.h"
#include "store/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::store;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kNamespace = "0123456789abcdef0123456789abcdef";
constexpr int kKeyCount = 20'000;

double secondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

KvPut putOf(std::string key) {
  return {.key = std::move(key), .value = Bytes(std::string(1000, 'v'))};
}

void measureCommits(KvStore& kv, int writers) {
  constexpr auto kFor = std::chrono::seconds(3);
  std::atomic<std::uint64_t> commits = 0;
  const auto start = SteadyClock::now();
  std::vector<std::thread> threads;
  for (int t = 0; t < writers; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; SteadyClock::now() - start < kFor; ++i) {
        ATOLL_CHECK(kv.put(kNamespace, {putOf(std::format("bench/{}/{}", t, i % 100))}));
        ++commits;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%2d writers, 1 KB values: %.0f commits/s\n", writers,
              static_cast<double>(commits) / secondsSince(start));
}

void measureReads(const char* what, const std::function<bool(int)>& read) {
  constexpr int kReads = 400'000;
  for (int i = 0; i < kReads / 10; ++i) ATOLL_CHECK(read(i));
  const auto start = SteadyClock::now();
  for (int i = 0; i < kReads; ++i) ATOLL_CHECK(read(i));
  std::printf("%-34s %5.0f ns\n", what, secondsSince(start) / kReads * 1e9);
}

void measureAllReads(const KvStore& kv) {
  // A prime step walks the keys in an order that no cache line likes.
  const auto keyOf = [](int i) { return std::format("key/{:08}", i * 7919LL % kKeyCount); };
  measureReads("making the key (in all below)", [&](int i) { return !keyOf(i).empty(); });
  measureReads("tryGet, hit, 1 KB", [&](int i) {
    const auto found = kv.tryGet(kNamespace, keyOf(i));
    return found && found->value().has_value();
  });
  measureReads("tryGet, miss among the keys", [&](int i) {
    const auto found = kv.tryGet(kNamespace, keyOf(i) + "x");
    return !found || !found->value().has_value();  // A Bloom filter errs once in a hundred.
  });
  measureReads("tryGet, miss, another namespace", [&](int i) {
    const auto found = kv.tryGet("another", keyOf(i));
    return !found || !found->value().has_value();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const SystemClock clock;
  const testing::TempDirectory temporary;
  const std::string path = argc > 1 ? argv[1] : temporary.path();
  {
    const auto database = Database::open({.path = path}, clock).value();
    KvStore kv(*database, clock);
    measureCommits(kv, 1);
    measureCommits(kv, 64);
    for (int i = 0; i < kKeyCount; i += 1000) {
      std::vector<KvPut> puts;
      for (int j = i; j < i + 1000; ++j) puts.push_back(putOf(std::format("key/{:08}", j)));
      ATOLL_CHECK(kv.put(kNamespace, std::move(puts)));
    }
    std::printf("from the memtable:\n");
    measureAllReads(kv);
  }
  const auto database = Database::open({.path = path}, clock).value();
  const KvStore kv(*database, clock);
  for (int i = 0; i < kKeyCount; ++i) {
    ATOLL_CHECK(kv.get(kNamespace, std::format("key/{:08}", i)).value().has_value());
  }
  std::printf("from files, through the block cache:\n");
  measureAllReads(kv);
}
