#include "deploy/version_cache.h"

#include <doctest/doctest.h>

#include <thread>

#include "deploy/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::deploy;
using atolld::deploy::testing::RegistryFixture;

constexpr std::uint64_t kRoomy = 1 << 20;

}  // namespace

TEST_CASE_FIXTURE(RegistryFixture, "a loaded version is found again, the same object") {
  const std::string id = push("shop", "code");
  VersionCache cache(registry, kRoomy);
  CHECK(cache.find("acme", "shop", id) == nullptr);
  const auto version = cache.load("acme", "shop", id).value();
  CHECK(version->modules[0].content.view() == "code");
  CHECK(cache.find("acme", "shop", id) == version);
  CHECK(cache.load("acme", "shop", id).value() == version);
  CHECK(cache.find("evil", "shop", id) == nullptr);
  CHECK(cache.load("evil", "shop", id).error().code == ErrorCode::NotFound);
  CHECK(cache.load("acme", "shop", "nothing").error().code == ErrorCode::NotFound);
}

TEST_CASE_FIXTURE(RegistryFixture,
                  "the least recently used version goes first, and lives on with its holder") {
  const std::string a = push("shop", std::string(100'000, 'a'));
  const std::string b = push("shop", std::string(100'000, 'b'));
  const std::string c = push("shop", std::string(100'000, 'c'));
  VersionCache cache(registry, 250'000);
  const auto held = cache.load("acme", "shop", a).value();
  REQUIRE(cache.load("acme", "shop", b).has_value());
  CHECK(cache.find("acme", "shop", a) == held);  // Now b is the older one.
  REQUIRE(cache.load("acme", "shop", c).has_value());
  CHECK(cache.find("acme", "shop", b) == nullptr);
  CHECK(cache.find("acme", "shop", a) == held);
  CHECK(cache.bytes() <= 250'000);
  REQUIRE(cache.load("acme", "shop", b).has_value());
  REQUIRE(cache.load("acme", "shop", c).has_value());
  CHECK(cache.find("acme", "shop", a) == nullptr);
  CHECK(held->modules[0].content.size() == 100'000);
}

TEST_CASE_FIXTURE(RegistryFixture, "a small version that the store has in memory needs no thread") {
  const std::string small = push("shop", "small");
  const std::string large = push("shop", std::string(100'000, 'x'));
  VersionCache cache(registry, kRoomy);
  const auto version = cache.tryLoad("acme", "shop", small);
  REQUIRE(version != nullptr);
  CHECK(version->modules[0].content.view() == "small");
  CHECK(cache.find("acme", "shop", small) == version);
  CHECK(cache.load("acme", "shop", small).value() == version);
  CHECK(cache.tryLoad("acme", "shop", large) == nullptr);
  CHECK(cache.tryLoad("evil", "shop", small) == nullptr);
  CHECK(cache.tryLoad("acme", "shop", "nothing") == nullptr);
}

TEST_CASE_FIXTURE(RegistryFixture, "a version larger than the cache is served and not kept") {
  const std::string small = push("shop", "small");
  const std::string large = push("shop", std::string(100'000, 'x'));
  VersionCache cache(registry, 50'000);
  REQUIRE(cache.load("acme", "shop", small).has_value());
  CHECK(cache.load("acme", "shop", large).value()->modules[0].content.size() == 100'000);
  CHECK(cache.find("acme", "shop", large) == nullptr);
  CHECK(cache.find("acme", "shop", small) != nullptr);
}

TEST_CASE_FIXTURE(RegistryFixture, "threads that want one version get one object") {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i)
    ids.push_back(push("shop", std::string(50'000, static_cast<char>('a' + i))));
  VersionCache cache(registry, kRoomy);
  std::vector<std::vector<std::shared_ptr<const Version>>> got(8);
  std::vector<std::thread> threads;
  for (auto& own : got) {
    threads.emplace_back([&] {
      for (const std::string& id : ids) own.push_back(cache.load("acme", "shop", id).value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& own : got) CHECK(own == got.front());
}
