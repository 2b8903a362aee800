#include "store/cache_store.h"

#include <doctest/doctest.h>

#include "store/test_support.h"

namespace atolld::store {
namespace {

using std::chrono::milliseconds;
using testing::TempDirectory;

class SetClock final : public Clock {
 public:
  UnixMillis now() const override { return UnixMillis(milliseconds(millis)); }
  MonotonicTime monotonic() const override { return {}; }
  std::int64_t millis = 1000;
};

UnixMillis at(std::int64_t millis) { return UnixMillis(milliseconds(millis)); }

std::unique_ptr<CacheStore> openIn(const TempDirectory& folder, const Clock& clock,
                                   const CacheLimits& limits = {}) {
  return CacheStore::open(folder.path() + "/cache", clock, limits).value();
}

Result<> put(CacheStore& cache, std::string_view tenant, std::string_view key,
             const std::string& body, std::int64_t expires = 1'000'000,
             std::string_view variant = "") {
  CacheStore::Writer writer(cache, std::string(tenant));
  ATOLL_TRY_VOID(writer.append(body));
  return writer.commit(key, variant, "meta of " + body.substr(0, 10), at(expires));
}

std::string get(CacheStore& cache, std::string_view tenant, std::string_view key) {
  const auto found = cache.find(tenant, key).value();
  if (found.empty()) return "(none)";
  return cache.read(found.front().id, 0).value_or("(gone)");
}

}  // namespace

TEST_CASE("What was put is found by its tenant and key only, and after a restart") {
  const TempDirectory folder;
  SetClock clock;
  {
    const auto cache = openIn(folder, clock);
    CHECK(get(*cache, "t", "k") == "(none)");
    REQUIRE(put(*cache, "t", "k", "body").has_value());
    CHECK(get(*cache, "t", "k") == "body");
    CHECK(get(*cache, "u", "k") == "(none)");
    CHECK(get(*cache, "t", "k2") == "(none)");
    CHECK(cache->find("t", "k").value().front().meta == "meta of body");
    REQUIRE(put(*cache, "t", "k", "other").has_value());
    CHECK(get(*cache, "t", "k") == "other");
    CHECK(cache->find("t", "k").value().size() == 1);
  }
  const auto cache = openIn(folder, clock);
  CHECK(get(*cache, "t", "k") == "other");
  CHECK(cache->remove("t", "k").value());
  CHECK_FALSE(cache->remove("t", "k").value());
  CHECK(cache->usedBytes() == 0);
}

TEST_CASE("An entry is gone at its time, on disk too once it is opened again") {
  const TempDirectory folder;
  SetClock clock;
  {
    const auto cache = openIn(folder, clock);
    REQUIRE(put(*cache, "t", "k", "body", 2000).has_value());
    REQUIRE(put(*cache, "t", "long", "body", 9000).has_value());
    clock.millis = 1999;
    CHECK(get(*cache, "t", "k") == "body");
    clock.millis = 2000;
    CHECK(get(*cache, "t", "k") == "(none)");
  }
  clock.millis = 9000;
  CHECK(openIn(folder, clock)->usedBytes() == 0);
}

TEST_CASE("The least recently used go first, a tenant's own before those of others") {
  const TempDirectory folder;
  SetClock clock;
  const std::string body(10'000, 'x');
  const auto cache =
      openIn(folder, clock, {.bytesMax = 45'000, .tenantBytesMax = 25'000, .bodyBytesMax = 20'000});
  REQUIRE(put(*cache, "a", "1", body).has_value());
  REQUIRE(put(*cache, "b", "1", body).has_value());
  REQUIRE(put(*cache, "a", "2", body).has_value());
  // A use makes it young.
  const std::uint64_t used = cache->find("a", "1").value().front().id;
  REQUIRE(cache->pin(used));
  cache->unpin(used);
  REQUIRE(put(*cache, "a", "3", body).has_value());
  CHECK(get(*cache, "a", "2") == "(none)");
  CHECK(get(*cache, "a", "1") == body);
  CHECK(get(*cache, "b", "1") == body);
  // The node's limit takes from whoever has waited longest.
  REQUIRE(put(*cache, "c", "1", body).has_value());
  REQUIRE(put(*cache, "c", "2", body).has_value());
  CHECK(get(*cache, "b", "1") == "(none)");
  CHECK(cache->usedBytes() <= 45'000);
  CHECK(put(*cache, "d", "1", std::string(20'001, 'y')).error().code == ErrorCode::TooLarge);
  CHECK(cache->usedBytes() <= 45'000);
}

TEST_CASE("A body being read stays whole though its entry goes") {
  const TempDirectory folder;
  SetClock clock;
  const auto cache = openIn(folder, clock);
  REQUIRE(put(*cache, "t", "k", "body").has_value());
  const std::uint64_t id = cache->find("t", "k").value().front().id;
  REQUIRE(cache->pin(id));
  CHECK(cache->remove("t", "k").value());
  CHECK(cache->read(id, 0).value() == "body");
  CHECK_FALSE(cache->pin(id));
  cache->unpin(id);
  CHECK(cache->read(id, 0).error().code == ErrorCode::NotFound);
}

TEST_CASE("A body that was never completed leaves nothing") {
  const TempDirectory folder;
  SetClock clock;
  const auto cache = openIn(folder, clock);
  {
    CacheStore::Writer writer(*cache, "t");
    REQUIRE(writer.append("half").has_value());
    CHECK(cache->usedBytes() == 4);
  }
  CHECK(cache->usedBytes() == 0);
  CHECK(get(*cache, "t", "k") == "(none)");
}

TEST_CASE("Variants of a key stand side by side, up to a number of them") {
  const TempDirectory folder;
  SetClock clock;
  const auto cache = openIn(folder, clock, {.variantCountMax = 3});
  for (const char* const variant : {"a", "b", "a", "c", "d"}) {
    REQUIRE(put(*cache, "t", "k", variant, 9000, variant).has_value());
  }
  const auto found = cache->find("t", "k").value();
  REQUIRE(found.size() == 3);
  CHECK(found[0].variant == "d");
  CHECK(found[1].variant == "c");
  CHECK(found[2].variant == "a");
}

}  // namespace atolld::store
