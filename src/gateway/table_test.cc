#include "gateway/table.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace atolld::gateway {
namespace {

deploy::Deployment deploymentOf(std::string tenant, std::string script) {
  deploy::Deployment deployment;
  deployment.tenant = std::move(tenant);
  deployment.script = std::move(script);
  deployment.shares = {{.versionId = "v", .percent = 100}};
  return deployment;
}

// A table of routes "pattern" -> script of the same number, all of tenant "acme".
std::shared_ptr<const Table> tableOf(const std::vector<std::pair<const char*, const char*>>& routes,
                                     std::string domain = "localhost") {
  deploy::Registry::Listing listing;
  listing.logIndex = 42;
  for (const auto& [pattern, script] : routes) {
    listing.deployments.push_back(deploymentOf("acme", script));
    listing.routes.push_back({.pattern = pattern, .tenant = "acme", .script = script});
  }
  return Table::build(listing, {.defaultDomain = std::move(domain)});
}

std::string found(const Table& table, std::string_view authority, std::string_view target = "/") {
  const DeploymentRef& deployment = table.find(authority, target);
  return deployment ? deployment->script : "-";
}

}  // namespace

TEST_CASE("the most specific route wins, whatever the order they came in") {
  std::vector<std::pair<const char*, const char*>> routes = {
      {"a.example.com", "host"},
      {"a.example.com/api/*", "host-api"},
      {"a.example.com/api/v1/*", "host-api-v1"},
      {"a.example.com/api/v1/users", "host-users"},
      {"a.example.com/exact", "host-exact"},
      {"a.example.com/exact*", "host-exact-star"},
      {"*.example.com", "wild"},
      {"*.example.com/only-wild", "wild-path"},
      {"*.b.example.com", "wild-b"},
      {"*.b.example.com/deep/*", "wild-b-deep"},
      {"paths.example.com/x/*", "paths-x"},
  };
  const struct {
    const char *authority, *target, *script;
  } kTable[] = {
      {"a.example.com", "/", "host"},
      {"a.example.com", "/api", "host"},
      {"a.example.com", "/api/", "host-api"},
      {"a.example.com", "/api/v2", "host-api"},
      {"a.example.com", "/api/v1/x", "host-api-v1"},
      {"a.example.com", "/api/v1/users", "host-users"},
      {"a.example.com", "/api/v1/users/", "host-api-v1"},
      {"a.example.com", "/api/v1/users?id=1/2", "host-users"},
      {"a.example.com", "/api/v1?/api/v1/users", "host-api"},
      {"a.example.com", "/exact", "host-exact"},
      {"a.example.com", "/exactly", "host-exact-star"},
      {"a.example.com", "/only-wild", "host"},
      {"b.example.com", "/", "wild"},
      {"b.example.com", "/only-wild", "wild-path"},
      {"x.b.example.com", "/", "wild-b"},
      {"x.y.b.example.com", "/deep/1", "wild-b-deep"},
      {"x.y.b.example.com", "/only-wild", "wild-b"},
      {"x.y.c.example.com", "/", "wild"},
      {"paths.example.com", "/x/1", "paths-x"},
      {"paths.example.com", "/y", "wild"},
      {"example.com", "/", "-"},
      {"notexample.com", "/", "-"},
      {"a.example.com.evil.org", "/", "-"},
      {"com", "/", "-"},
  };
  for (const bool reversed : {false, true}) {
    CAPTURE(reversed);
    if (reversed) std::reverse(routes.begin(), routes.end());
    const auto table = tableOf(routes);
    for (const auto& [authority, target, script] : kTable) {
      CAPTURE(authority);
      CAPTURE(target);
      CHECK(found(*table, authority, target) == script);
    }
  }
}

TEST_CASE("the longest of many nested and unrelated path prefixes wins") {
  const auto table = tableOf({{"h/*", "0"},
                              {"h/a*", "1"},
                              {"h/ab/*", "2"},
                              {"h/ab/c*", "3"},
                              {"h/ab/cd/e*", "4"},
                              {"h/b*", "5"},
                              {"h/ab/cz*", "6"}});
  const std::map<std::string, std::string> kTable = {
      {"/", "0"},         {"/a", "1"},       {"/ab", "1"},       {"/ab/", "2"},    {"/ab/b", "2"},
      {"/ab/cd", "3"},    {"/ab/cd/d", "3"}, {"/ab/cd/ef", "4"}, {"/ab/cdz", "3"}, {"/ab/cz", "6"},
      {"/ab/d", "2"},     {"/ac", "1"},      {"/b", "5"},        {"/zzz", "0"},    {"/ab/cy", "3"},
      {"/ab/c\xff", "3"}, {"/\xff", "0"},    {"/ab/czzzz", "6"}, {"*", "-"},       {"", "-"},
  };
  for (const auto& [path, script] : kTable) {
    CAPTURE(path);
    CHECK(found(*table, "h", path) == script);
  }
}

TEST_CASE("paths are matched as received") {
  const auto table = tableOf({{"h/a/b", "exact"}, {"h/caf%C3%A9*", "encoded"}});
  CHECK(found(*table, "h", "/a/b") == "exact");
  for (const char* const other :
       {"/a%2Fb", "/A/b", "/a//b", "/a/./b", "/a/b/", "/%61/b", "/caf%c3%a9", "/caf\xc3\xa9"}) {
    CAPTURE(other);
    CHECK(found(*table, "h", other) == "-");
  }
  CHECK(found(*table, "h", "/caf%C3%A9/x") == "encoded");
}

TEST_CASE("host spelling does not matter: case, port, root dot, IPv6 brackets") {
  const auto table =
      tableOf({{"shop.example.com", "shop"}, {"[::1]", "six"}, {"10.0.0.1", "four"}});
  for (const char* const spelling :
       {"shop.example.com", "SHOP.Example.COM", "shop.example.com:8080", "shop.example.com.",
        "shop.example.com.:443", "shop.example.com:"}) {
    CAPTURE(spelling);
    CHECK(found(*table, spelling) == "shop");
  }
  CHECK(found(*table, "[::1]") == "six");
  CHECK(found(*table, "[::1]:8443") == "six");
  CHECK(found(*table, "10.0.0.1:80") == "four");
}

TEST_CASE("a host that is none finds nothing") {
  const auto table = tableOf({{"*.example.com", "wild"}, {"[::1]", "six"}, {"a.b", "ab"}});
  const std::string longLabel(300, 'a');
  std::string manyDots = "example.com";
  while (manyDots.size() < 260) manyDots = "a." + manyDots;
  for (const std::string& hostile : {std::string(),
                                     std::string("."),
                                     std::string(".."),
                                     std::string(":80"),
                                     std::string(".example.com"),
                                     std::string("a..example.com"),
                                     std::string("a.example.com.."),
                                     std::string("user@a.example.com"),
                                     std::string("a.example.com:80:80"),
                                     std::string("a.example.com:http"),
                                     std::string("a.example.com/"),
                                     std::string("a.b/c"),
                                     std::string("a b.example.com"),
                                     std::string("*.example.com "),
                                     std::string("*.example.com"),
                                     std::string("a%2e.example.com"),
                                     std::string("[::1"),
                                     std::string("::1"),
                                     std::string("[::1]x"),
                                     std::string("[::1]:x"),
                                     std::string("[]"),
                                     std::string("[::1%25lo]"),
                                     std::string("\0.example.com", 13),
                                     std::string("\xc3\xa4.example.com"),
                                     longLabel,
                                     longLabel + ".example.com",
                                     manyDots,
                                     std::string("a.b:") + std::string(5000, '0')}) {
    CAPTURE(hostile);
    CHECK(found(*table, hostile) == "-");
  }
}

TEST_CASE("default names answer, behind every route") {
  deploy::Registry::Listing listing;
  listing.deployments = {deploymentOf("default", "hello"), deploymentOf("acme", "hello"),
                         deploymentOf("acme", "shop"), deploymentOf("default", "acme")};
  listing.deployments[0].number = 1;
  listing.deployments[1].number = 2;
  const auto table = Table::build(listing, {.defaultDomain = "localhost"});
  CHECK(table->find("hello.localhost:8080", "/x")->number == 1);
  CHECK(table->find("hello.default.localhost", "/")->number == 1);
  CHECK(table->find("hello.acme.localhost", "/")->number == 2);
  CHECK(found(*table, "shop.acme.localhost") == "shop");
  CHECK(found(*table, "acme.localhost") == "acme");
  for (const char* const none : {"localhost", "shop.localhost", "shop.default.localhost",
                                 "x.hello.localhost", "hello.acme.example.com", "hello"}) {
    CAPTURE(none);
    CHECK(found(*table, none) == "-");
  }

  listing.routes = {{.pattern = "hello.localhost/shop*", .tenant = "acme", .script = "shop"},
                    {.pattern = "*.acme.localhost", .tenant = "acme", .script = "shop"}};
  const auto routed = Table::build(listing, {.defaultDomain = "localhost"});
  CHECK(found(*routed, "hello.localhost", "/shopping") == "shop");
  CHECK(found(*routed, "hello.localhost", "/") == "hello");
  CHECK(found(*routed, "hello.acme.localhost", "/") == "shop");
}

TEST_CASE("a route to a script without a deployment is as if it were not there") {
  deploy::Registry::Listing listing;
  listing.deployments = {deploymentOf("acme", "live")};
  listing.routes = {{.pattern = "a.b/new", .tenant = "acme", .script = "gone"},
                    {.pattern = "a.b", .tenant = "acme", .script = "live"},
                    {.pattern = "c.d", .tenant = "other", .script = "live"}};
  const auto table = Table::build(listing, {});
  CHECK(found(*table, "a.b", "/new") == "live");
  CHECK(found(*table, "c.d") == "-");
  CHECK(found(Table(), "a.b") == "-");
}

TEST_CASE("thousands of hosts each find their own") {
  deploy::Registry::Listing listing;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "s" + std::to_string(i);
    listing.deployments.push_back(deploymentOf("acme", name));
    listing.routes.push_back({.pattern = name + ".example.com", .tenant = "acme", .script = name});
    listing.routes.push_back(
        {.pattern = "*." + name + ".example.com", .tenant = "acme", .script = name});
  }
  const auto table = Table::build(listing, {});
  CHECK(table->hostCount() == 10'000);
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "s" + std::to_string(i);
    REQUIRE(found(*table, name + ".example.com") == name);
    REQUIRE(found(*table, "x.y." + name + ".example.com") == name);
  }
}

TEST_CASE("a table after changes finds what one built of the result does") {
  std::minstd_rand random(1);
  const auto pick = [&](unsigned below) { return random() % below; };
  const auto scriptOf = [](unsigned i) { return "s" + std::to_string(i); };
  const std::vector<std::string> patterns = {
      "a.test",      "a.test/x",  "a.test/x*",   "a.test/x/y*",  "*.a.test", "*.b.a.test/x*",
      "b.a.test/x*", "b.a.test/", "*.test/only", "s1.localhost", "c.test"};
  const std::vector<std::string> asked = {"a.test",
                                          "b.a.test",
                                          "c.b.a.test",
                                          "c.test",
                                          "d.test",
                                          "s1.localhost",
                                          "s2.localhost",
                                          "s1.acme.localhost",
                                          "s2.default.localhost"};
  std::map<std::pair<std::string, std::string>, deploy::Deployment> deployments;
  std::map<std::string, deploy::Route> routes;
  std::shared_ptr<const Table> table = std::make_shared<Table>();
  for (std::uint64_t step = 1; step <= 2000; ++step) {
    deploy::Registry::Delta delta{.logIndex = step, .scripts = {}, .routes = {}};
    const std::string tenant = pick(2) == 0 ? "acme" : "default";
    const std::string script = scriptOf(pick(4));
    switch (pick(4)) {
      case 0:
        deployments.erase({tenant, script});
        delta.scripts.push_back({tenant, script, std::nullopt});
        break;
      case 1: {
        deploy::Deployment deployment = deploymentOf(tenant, script);
        deployment.number = step;
        deployments[{tenant, script}] = deployment;
        delta.scripts.push_back({tenant, script, deployment});
        break;
      }
      default: {
        const std::string& pattern = patterns[pick(static_cast<unsigned>(patterns.size()))];
        std::optional<deploy::Route> route;
        if (pick(3) != 0) route = {.pattern = pattern, .tenant = tenant, .script = script};
        routes.erase(pattern);
        if (route) routes.emplace(pattern, *route);
        delta.routes.push_back({pattern, route});
      }
    }
    const std::shared_ptr<const Table> before = table;
    table = table->with(delta, {});
    deploy::Registry::Listing listing;
    for (const auto& [name, deployment] : deployments) listing.deployments.push_back(deployment);
    for (const auto& [pattern, route] : routes) listing.routes.push_back(route);
    const auto built = Table::build(listing, {});
    REQUIRE(table->hostCount() == built->hostCount());
    REQUIRE(table->logIndex() == step);
    for (const std::string& host : asked) {
      for (const char* const path : {"/", "/x", "/x/y/z", "/xx", "/only"}) {
        const DeploymentRef& one = table->find(host, path);
        const DeploymentRef& other = built->find(host, path);
        CAPTURE(step);
        CAPTURE(host);
        CAPTURE(path);
        REQUIRE((one == nullptr) == (other == nullptr));
        if (one)
          REQUIRE((one->tenant == other->tenant && one->number == other->number &&
                   one->script == other->script));
      }
    }
    REQUIRE(before->logIndex() == step - 1);
  }
}

TEST_CASE("a table that others read stays what it is while the next ones are made") {
  deploy::Registry::Listing listing;
  for (unsigned i = 0; i < 2000; ++i) {
    listing.deployments.push_back(deploymentOf("acme", "s" + std::to_string(i)));
  }
  const auto first = Table::build(listing, {});
  std::atomic<bool> isOver = false;
  std::thread reader([&] {
    while (!isOver) {
      for (unsigned i = 0; i < 2000; ++i) {
        const DeploymentRef& one = first->find("s" + std::to_string(i) + ".acme.localhost", "/");
        if (!one || one->number != 0) std::abort();
      }
    }
  });
  std::shared_ptr<const Table> table = first;
  for (std::uint64_t step = 1; step < 2000; ++step) {
    deploy::Deployment deployment = deploymentOf("acme", "s" + std::to_string(step % 500));
    deployment.number = step;
    table = table->with(
        {.logIndex = step, .scripts = {{"acme", deployment.script, deployment}}, .routes = {}}, {});
  }
  isOver = true;
  reader.join();
  CHECK(table->find("s499.acme.localhost", "/")->number == 1999);
  CHECK(table->find("s1999.acme.localhost", "/")->number == 0);
}

TEST_CASE("pickShare splits hashes by percent, the same way each time") {
  deploy::Deployment deployment;
  deployment.shares = {{.versionId = "a", .percent = 90},
                       {.versionId = "none", .percent = 0},
                       {.versionId = "b", .percent = 10}};
  std::map<std::string, int> counts;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const std::uint64_t hash = (2 * i + 1) * (~std::uint64_t{0} / 20'000);
    const std::string& version = pickShare(deployment, hash).versionId;
    CHECK(&pickShare(deployment, hash).versionId == &version);
    ++counts[version];
  }
  CHECK(counts["a"] == 9000);
  CHECK(counts["b"] == 1000);
  CHECK(pickShare(deployment, 0).versionId == "a");
  CHECK(pickShare(deployment, ~std::uint64_t{0}).versionId == "b");

  deployment.shares = {{.versionId = "c", .percent = 33.33},
                       {.versionId = "d", .percent = 33.33},
                       {.versionId = "e", .percent = 33.33}};
  CHECK(pickShare(deployment, ~std::uint64_t{0}).versionId == "e");
}

}  // namespace atolld::gateway
