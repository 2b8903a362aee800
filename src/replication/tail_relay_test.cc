#include "replication/tail_relay.h"

#include <doctest/doctest.h>

namespace atolld::replication {
namespace {

using telemetry::TailHub;
using telemetry::TailItem;

TailItem sample(std::string script = "shop") {
  TailItem item;
  item.tenant = "acme";
  item.script = std::move(script);
  item.version = "0123";
  item.outcome = "exception";
  item.method = "GET";
  item.url = "http://a.test/";
  item.clientAddress = "192.0.2.1";
  item.headers = {{"accept", "*/*"}};
  item.status = 500;
  item.addLog("warn", "careful", UnixMillis(std::chrono::milliseconds(5)));
  item.exceptions = {{"Error: x", "Error: x\n at f", UnixMillis(std::chrono::milliseconds(6))}};
  item.time = UnixMillis(std::chrono::milliseconds(7));
  item.cpu = std::chrono::nanoseconds(8);
  item.wall = std::chrono::milliseconds(9);
  item.isTruncated = true;
  return item;
}

/// A control plane's hub and an edge's, with the calls between them by hand.
struct Fleet {
  std::vector<std::string> sent;
  std::vector<TailRelay::Done> done;
  TailHub control, edge;
  loop::Loop loop;
  std::optional<TailRelay> relay;

  Fleet() {
    relay.emplace(loop, edge, [this](std::string batch, TailRelay::Done answer) {
      sent.push_back(std::move(batch));
      done.push_back(std::move(answer));
    });
  }
  ~Fleet() {
    relay.reset();
    loop.runUntilClosed();
  }
  void status() { relay->follow(decodeTailOrders(encodeTailOrders(control.orders())).value()); }
  void turn() { loop.run(false); }
  /// The control plane takes what was sent.
  void answer(bool isSent = true) {
    const std::string batch = std::move(sent.back());
    sent.pop_back();
    const TailRelay::Done answered = std::move(done.back());
    done.pop_back();
    if (isSent) {
      const TailBatch taken = TailBatch::decode(batch, "edge1").value();
      control.deliver(taken.order, taken.items, taken.lostCount);
    }
    answered(isSent);
  }
};

}  // namespace

TEST_CASE("a watcher at the control plane has what its script does on an edge, whole") {
  Fleet fleet;
  const auto watch = fleet.control.watch("acme", "shop", {}, [] {});
  CHECK_FALSE(fleet.edge.isWatched("acme", "shop"));
  fleet.status();
  CHECK(fleet.edge.isWatched("acme", "shop"));
  fleet.edge.publish(sample());
  fleet.edge.publish(sample("other"));
  fleet.turn();
  REQUIRE(fleet.sent.size() == 1);
  fleet.answer();
  const auto taken = watch->take();
  REQUIRE(taken.items.size() == 1);
  const TailItem& item = *taken.items[0];
  CHECK(item.node == "edge1");
  CHECK(item.script == "shop");
  CHECK(item.outcome == "exception");
  CHECK(item.headers == sample().headers);
  CHECK(item.status == 500);
  CHECK(item.logs[0].text == "careful");
  CHECK(item.exceptions[0].stack == "Error: x\n at f");
  CHECK(item.time == sample().time);
  CHECK(item.cpu == sample().cpu);
  CHECK(item.wall == sample().wall);
  CHECK(item.isTruncated);
}

TEST_CASE("filters are applied on the edge, and what is not watched any more is left alone") {
  Fleet fleet;
  auto watch = fleet.control.watch(
      "acme", "shop", {.outcomes = {"ok"}, .headerName = "accept", .text = "bingo"}, [] {});
  fleet.status();
  fleet.edge.publish(sample());
  TailItem wanted = sample();
  wanted.outcome = "ok";
  wanted.addLog("log", "bingo", {});
  fleet.edge.publish(wanted);
  fleet.turn();
  REQUIRE(fleet.sent.size() == 1);
  fleet.answer();
  CHECK(watch->take().items.size() == 1);
  watch.reset();
  fleet.status();
  CHECK_FALSE(fleet.edge.isWatched("acme", "shop"));
}

TEST_CASE("one batch is under way; what is lost on the way is counted, also on the edge") {
  Fleet fleet;
  const auto watch = fleet.control.watch("acme", "shop", {}, [] {});
  fleet.status();
  fleet.edge.publish(sample());
  fleet.turn();
  REQUIRE(fleet.sent.size() == 1);
  constexpr std::size_t kMore = telemetry::TailWatch::kItemCountMax + 3;
  for (std::size_t i = 0; i < kMore; ++i) fleet.edge.publish(sample());
  fleet.turn();
  CHECK(fleet.sent.size() == 1);
  fleet.answer(false);
  CHECK(fleet.sent.empty());  // Not at once.
  fleet.status();
  REQUIRE(fleet.sent.size() == 1);
  fleet.answer();
  const auto taken = watch->take();
  CHECK(taken.items.size() == telemetry::TailWatch::kItemCountMax);
  CHECK(taken.lostCount == 4);
}

TEST_CASE("damaged orders and batches are refused") {
  TailHub hub;
  const auto watch = hub.watch("acme", "shop", {.outcomes = {"ok"}}, [] {});
  const std::string orders = encodeTailOrders(hub.orders());
  CHECK(decodeTailOrders("").value().empty());
  const std::string batch =
      TailBatch{.order = 1, .lostCount = 2, .items = {std::make_shared<TailItem>(sample())}}
          .encode();
  for (std::size_t size = 1; size < orders.size(); ++size) {
    CHECK_FALSE(decodeTailOrders(std::string_view(orders).substr(0, size)));
  }
  for (std::size_t size = 0; size < batch.size(); ++size) {
    CHECK_FALSE(TailBatch::decode(std::string_view(batch).substr(0, size), "n"));
  }
  CHECK_FALSE(TailBatch::decode(batch + "x", "n"));
  CHECK_FALSE(decodeTailOrders("\x02"));
}

}  // namespace atolld::replication
