// store_bench [DIRECTORY]: commits a second by 1 and 64 writers, and what a read from memory costs
// in CPU time. Figures are of this machine and this disk: compare runs, not machines.

#include <time.h>

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

/// CPU time of this thread: what a read costs, whoever else uses the machine.
double threadSeconds() {
  timespec now{};
  ATOLL_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
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

/// `read` says whether memory had the answer; a file that a compaction has just made is not there.
void measureReads(const char* what, const std::function<bool(int)>& read) {
  constexpr int kReads = 400'000;
  for (int i = 0; i < kReads / 10; ++i) read(i);
  int answered = 0;
  const double start = threadSeconds();
  for (int i = 0; i < kReads; ++i) answered += read(i) ? 1 : 0;
  std::printf("  %-32s %5.0f ns, %5.1f %% answered from memory\n", what,
              (threadSeconds() - start) / kReads * 1e9, 100.0 * answered / kReads);
}

void measureAllReads(const KvStore& kv) {
  // A prime step walks the keys in an order that no cache line likes.
  const auto keyOf = [](int i) { return std::format("key/{:08}", i * 7919LL % kKeyCount); };
  measureReads("making the key (in all below)", [&](int i) { return !keyOf(i).empty(); });
  measureReads("tryGet, hit, 1 KB", [&](int i) {
    const auto found = kv.tryGet(kNamespace, keyOf(i));
    ATOLL_CHECK(!found || found->value().has_value());
    return found.has_value();
  });
  measureReads("tryGet, miss among the keys", [&](int i) {
    const auto found = kv.tryGet(kNamespace, keyOf(i) + "x");
    ATOLL_CHECK(!found || !found->value().has_value());
    return found.has_value();
  });
  measureReads("tryGet, miss, another namespace", [&](int i) {
    const auto found = kv.tryGet("another", keyOf(i));
    ATOLL_CHECK(!found || !found->value().has_value());
    return found.has_value();
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
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
  // Until a pass reads nothing from disk: a compaction after the opening may undo the one before.
  for (int missing = 1; missing > 0;) {
    missing = 0;
    for (int i = 0; i < kKeyCount; ++i) {
      const std::string key = std::format("key/{:08}", i);
      if (kv.tryGet(kNamespace, key)) continue;
      ATOLL_CHECK(kv.get(kNamespace, key).value().has_value());
      ++missing;
    }
  }
  std::printf("from files, through the block cache:\n");
  measureAllReads(kv);
}
