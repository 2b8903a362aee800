#include "control/tails.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace atolld::control {
namespace {

Result<telemetry::TailFilter> filterOf(std::string_view text) {
  return readTailFilter(parseJson(text, "the body").value());
}

}  // namespace

TEST_CASE("a tail's filters are read as wrangler writes them") {
  const auto filter = filterOf(R"({"filters":[{"sampling_rate":0.25},{"outcome":["ok"]},
    {"method":["GET","PUT"]},{"header":{"key":"X-A","query":"v"}},{"client_ip":["self"]},
    {"query":"text"},{"scriptVersion":"01234567-89ab"}]})");
  REQUIRE(filter.has_value());
  CHECK(filter->samplingRate == 0.25);
  CHECK(filter->methods == std::vector<std::string>{"GET", "PUT"});
  CHECK(filter->headerName == "x-a");
  CHECK(filter->version == "0123456789ab");
  CHECK(filterOf("{}").has_value());
  for (const std::string_view wrong :
       {"[]", R"({"filters":{}})", R"({"filters":[1]})", R"({"filters":[{"x":1}]})",
        R"({"filters":[{"sampling_rate":2}]})", R"({"filters":[{"sampling_rate":"1"}]})",
        R"({"filters":[{"method":1}]})", R"({"filters":[{"header":"x"}]})"}) {
    CAPTURE(wrong);
    CHECK(filterOf(wrong).error().code == ErrorCode::InvalidArgument);
  }
}

TEST_CASE("an invocation's JSON has its parts, and nothing that authenticates a client") {
  telemetry::TailItem item;
  item.script = "shop";
  item.method = "GET";
  item.url = "http://a.test/x";
  item.status = 500;
  item.outcome = "exception";
  item.headers = {{"authorization", "Bearer s3cret"},
                  {"cookie", "s3cret"},
                  {"x-api-key", "s3cret"},
                  {"accept", "text/html"}};
  item.exceptions = {{"TypeError: x is no function", "TypeError: …\n at y", {}},
                     {"The script took longer: than it may.", "", {}}};
  item.addLog("warn", "careful", {});
  const Json json = tailJson(item);
  CHECK_FALSE(writeJson(json).contains("s3cret"));
  CHECK(json["event"]["request"]["headers"]["accept"] == "text/html");
  CHECK(json["event"]["response"]["status"] == 500);
  CHECK(json["exceptions"][0]["name"] == "TypeError");
  CHECK(json["exceptions"][0]["message"] == "x is no function");
  CHECK(json["exceptions"][1]["name"] == "Error");
  CHECK(json["logs"][0]["message"][0] == "careful");
}

TEST_CASE("a ticket is found by its id until it is over, and taken away by its tenant alone") {
  TailTickets tickets;
  const UnixMillis now{std::chrono::milliseconds(1000)};
  const auto id = tickets.add(
      {.tenant = "acme", .script = "shop", .filter = {}, .expiresAt = now + std::chrono::hours(1)},
      now);
  CHECK(id.size() == 48);
  CHECK(tickets.find(id, now)->script == "shop");
  CHECK_FALSE(tickets.find(id, now + std::chrono::hours(1)));
  tickets.remove("rival", id);
  CHECK(tickets.find(id, now));
  tickets.remove("acme", id);
  CHECK_FALSE(tickets.find(id, now));
}

TEST_CASE("a tenant with many tickets loses its own that is over first, and no other's") {
  TailTickets tickets;
  const UnixMillis now{std::chrono::milliseconds(1000)};
  const auto add = [&](std::string_view tenant, int minutes) {
    return tickets.add({.tenant = std::string(tenant),
                        .script = "shop",
                        .filter = {},
                        .expiresAt = now + std::chrono::minutes(minutes)},
                       now);
  };
  const std::string others = add("rival", 1);
  const std::string first = add("acme", 2);
  const std::string second = add("acme", 3);
  for (std::size_t i = 2; i < TailTickets::kTenantCountMax; ++i) add("acme", 4);
  CHECK(tickets.find(first, now));
  add("acme", 4);
  CHECK_FALSE(tickets.find(first, now));
  CHECK(tickets.find(second, now));
  CHECK(tickets.find(others, now));
}

}  // namespace atolld::control
