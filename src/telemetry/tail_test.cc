#include "telemetry/tail.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

namespace atolld::telemetry {
namespace {

TailItem itemOf(std::string_view script = "shop") {
  TailItem item;
  item.tenant = "acme";
  item.script = script;
  item.version = "0123456789abcdef";
  item.method = "GET";
  item.url = "http://a.test/";
  item.clientAddress = "192.0.2.1";
  item.headers = {{"x-kind", "robot 7"}};
  item.addLog("log", "hello world", {});
  return item;
}

}  // namespace

TEST_CASE("a watcher has what its script does, and is called when there is something new") {
  TailHub hub;
  CHECK_FALSE(hub.isWatched("acme", "shop"));
  int calls = 0;
  auto watch = hub.watch("acme", "shop", {}, [&] { ++calls; });
  CHECK(hub.isWatched("acme", "shop"));
  CHECK_FALSE(hub.isWatched("acme", "other"));
  CHECK_FALSE(hub.isWatched("rival", "shop"));
  hub.publish(itemOf());
  hub.publish(itemOf());
  hub.publish(itemOf("other"));
  CHECK(calls == 1);
  CHECK(watch->take().items.size() == 2);
  CHECK(watch->take().items.empty());
  hub.publish(itemOf());
  CHECK(calls == 2);
  watch.reset();
  CHECK_FALSE(hub.isWatched("acme", "shop"));
  hub.publish(itemOf());
  CHECK(calls == 2);
}

TEST_CASE("a watcher that is too slow loses what does not fit, and learns how many") {
  TailHub hub;
  const auto watch = hub.watch("acme", "shop", {}, [] {});
  for (std::size_t i = 0; i < TailWatch::kItemCountMax + 7; ++i) hub.publish(itemOf());
  TailWatch::Taken taken = watch->take();
  CHECK(taken.items.size() == TailWatch::kItemCountMax);
  CHECK(taken.lostCount == 7);
  for (int i = 0; i < 40; ++i) {
    TailItem item = itemOf();
    item.addLog("log", std::string(200 * 1024, 'x'), {});
    hub.publish(std::move(item));
  }
  taken = watch->take();
  CHECK(taken.items.size() <= TailWatch::kItemBytesMax / (200 * 1024));
  CHECK(taken.items.size() + taken.lostCount == 40);
}

TEST_CASE("a script has so many watchers and no more; others have theirs") {
  TailHub hub;
  std::vector<std::unique_ptr<TailWatch>> watches;
  for (std::size_t i = 0; i < TailHub::kScriptWatchesMax; ++i) {
    CHECK_FALSE(hub.isFull("acme", "shop"));
    watches.push_back(hub.watch("acme", "shop", {}, [] {}));
    REQUIRE(watches.back() != nullptr);
  }
  CHECK(hub.isFull("acme", "shop"));
  CHECK(hub.watch("acme", "shop", {}, [] {}) == nullptr);
  CHECK(hub.watch("acme", "other", {}, [] {}) != nullptr);
  watches.pop_back();
  CHECK(hub.watch("acme", "shop", {}, [] {}) != nullptr);
}

TEST_CASE("an invocation that logs without end is cut, and says so") {
  TailItem item = itemOf();
  for (int i = 0; i < 5000; ++i) item.addLog("log", "line", {});
  CHECK(item.isTruncated);
  CHECK(item.logs.size() == 1000);
}

TEST_CASE("filters take what fits all of them") {
  const auto takes = [](TailFilter filter) { return filter.takes(itemOf()); };
  CHECK(takes({}));
  CHECK(takes({.outcomes = {"exception", "ok"}}));
  CHECK_FALSE(takes({.outcomes = {"exception"}}));
  CHECK(takes({.methods = {"GET"}}));
  CHECK_FALSE(takes({.methods = {"POST"}}));
  CHECK(takes({.clientAddresses = {"192.0.2.1"}}));
  CHECK_FALSE(takes({.clientAddresses = {"192.0.2.2"}}));
  CHECK(takes({.headerName = "x-kind", .headerText = "robot"}));
  CHECK(takes({.headerName = "x-kind"}));
  CHECK_FALSE(takes({.headerName = "x-kind", .headerText = "person"}));
  CHECK_FALSE(takes({.headerName = "x-other"}));
  CHECK(takes({.text = "lo wor"}));
  CHECK_FALSE(takes({.text = "goodbye"}));
  CHECK(takes({.version = "0123"}));
  CHECK_FALSE(takes({.version = "ffff"}));
  TailItem file = itemOf();
  file.isFile = true;
  CHECK_FALSE(TailFilter{}.takes(file));
  CHECK(TailFilter{.takesFiles = true}.takes(file));
  CHECK(takes({.takesFiles = true}));
}

TEST_CASE("sampling takes about its share, all, or none") {
  TailHub hub;
  const auto none = hub.watch("acme", "shop", {.samplingRate = 0}, [] {});
  const auto half = hub.watch("acme", "shop", {.samplingRate = 0.5}, [] {});
  for (int i = 0; i < 200; ++i) hub.publish(itemOf());
  CHECK(none->take().items.empty());
  const std::size_t count = half->take().items.size();
  CHECK((count > 40 && count < 160));  // Outside once in 10^17.
}

}  // namespace atolld::telemetry
