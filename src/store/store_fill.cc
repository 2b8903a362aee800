// store_fill DATA entries|keys NAMESPACE COUNT BYTES: fills the replica of a stopped control plane,
// for tools/bench. Keys are k0, k1 …; `entries` makes an entry of the log for each, by as many
// writers as share a sync; `keys` puts many in one entry. Values do not compress.
// store_fill DATA filters: rows of the KV family and the memory that their filters take, as JSON.

#include <rocksdb/table_properties.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "store/kv_store.h"
#include "store/replica_directory.h"
#include "store/rocks.h"

namespace {

using namespace atolld;
using namespace atolld::store;

constexpr std::uint64_t kWriterCount = 256;
constexpr std::uint64_t kKeysPerEntryMax = 1000;
constexpr std::uint64_t kEntryBytesWanted = 4ull * 1024 * 1024;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  ATOLL_CHECK(error == std::errc() && end == text.data() + text.size());
  return value;
}

/// Values differ and do not compress: each is another piece of one block of noise.
class Noise {
 public:
  explicit Noise(std::size_t valueBytes) : valueBytes_(valueBytes) {
    std::mt19937_64 random(1);
    block_.resize(valueBytes + kSteps * 8);
    for (char& c : block_) c = static_cast<char>(random());
  }
  Bytes value(std::uint64_t i) const {
    return Bytes(block_.substr(i * 7919 % kSteps * 8, valueBytes_));
  }

 private:
  static constexpr std::size_t kSteps = 4096;
  const std::size_t valueBytes_;
  std::string block_;
};

void fill(Database& database, std::string_view namespaceId, std::uint64_t count,
          std::uint64_t valueBytes, bool oneEach) {
  const SystemClock clock;
  const Noise noise(valueBytes);
  const std::uint64_t step =
      oneEach
          ? 1
          : std::clamp<std::uint64_t>(kEntryBytesWanted / (valueBytes + 1), 1, kKeysPerEntryMax);
  std::atomic<std::uint64_t> next = 0;
  std::vector<std::thread> writers;
  for (std::uint64_t w = 0; w < (oneEach ? kWriterCount : 2); ++w) {
    writers.emplace_back([&] {
      KvStore kv(database, clock);
      for (std::uint64_t i = next.fetch_add(step); i < count; i = next.fetch_add(step)) {
        std::vector<KvPut> puts;
        for (std::uint64_t j = i; j < std::min(i + step, count); ++j) {
          puts.push_back({.key = "k" + std::to_string(j), .value = noise.value(j)});
        }
        const auto put = kv.put(namespaceId, std::move(puts));
        if (!put) std::fprintf(stderr, "store_fill: %s\n", put.error().detail.c_str());
        ATOLL_CHECK(put);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
}

void printFilters(const std::string& path) {
  const auto rocks = Rocks::open({.path = path});
  ATOLL_CHECK(rocks);
  rocksdb::TablePropertiesCollection tables;
  rocksdb::ColumnFamilyHandle* const family = (*rocks)->family(Family::Kv);
  ATOLL_CHECK((*rocks)->db().Flush({}, family).ok());
  ATOLL_CHECK((*rocks)->db().GetPropertiesOfAllTables(family, &tables).ok());
  std::uint64_t rows = 0;
  std::uint64_t filterBytes = 0;
  for (const auto& [name, properties] : tables) {
    rows += properties->num_entries;
    filterBytes += properties->filter_size;
  }
  std::printf("{\"rows\":%llu,\"filter_bytes\":%llu,\"files\":%zu}\n",
              static_cast<unsigned long long>(rows), static_cast<unsigned long long>(filterBytes),
              tables.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const bool isFill = words.size() == 5 && (words[1] == "entries" || words[1] == "keys");
  if (!isFill && !(words.size() == 2 && words[1] == "filters")) {
    std::fprintf(stderr,
                 "usage: store_fill DATA entries|keys NAMESPACE COUNT BYTES\n"
                 "       store_fill DATA filters\n");
    return 2;
  }
  const auto replica = findReplica(std::string(words[0]));
  ATOLL_CHECK(replica);
  if (!isFill) {
    printFilters(*replica);
    return 0;
  }
  const SystemClock clock;
  const auto database = Database::open({.path = *replica}, clock);
  if (!database) {
    std::fprintf(stderr, "store_fill: %s\n", database.error().detail.c_str());
    return 1;
  }
  fill(**database, words[2], number(words[3]), number(words[4]), words[1] == "entries");
  return 0;
}
