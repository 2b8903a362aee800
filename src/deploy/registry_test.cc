#include "deploy/registry.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/encoding.h"
#include "deploy/rows.h"
#include "deploy/test_support.h"
#include "store/kv_store.h"

namespace {

using namespace atolld;
using namespace atolld::deploy;
using atolld::deploy::testing::module;
using atolld::deploy::testing::RegistryFixture;
using atolld::deploy::testing::upload;
using atolld::store::Family;

struct Fixture : RegistryFixture {
  std::size_t rowCount(Family family) {
    std::size_t rows = 0;
    REQUIRE(
        database->view()
            ->scan(family, "", "", [&](std::string_view, std::string_view) { return ++rows > 0; })
            .has_value());
    return rows;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an uploaded version loads back whole, also after reopening") {
  Upload made = upload("export default {}");
  made.modules.push_back(module("lib/data.bin", std::string("\0\1\2", 3), ModuleType::Data));
  made.bindings = {TextBinding{"NAME", "value"}, JsonBinding{"LIST", "[1,2]"}};
  made.compatibilityFlags = {"nodejs_compat"};
  made.message = "first";
  const VersionSummary summary = registry.upload("acme", "shop", made).value();
  CHECK(summary.id.size() == 64);
  CHECK(summary.number == 1);
  CHECK(summary.sizeBytes == 20);
  CHECK(summary.message == "first");
  CHECK(summary.createdAt == database.clock().now());

  database.reopen();
  const Registry reopened(*database, database.clock());
  const auto version = reopened.version("acme", "shop", summary.id).value();
  CHECK(version->id == summary.id);
  CHECK(version->tenant == "acme");
  CHECK(version->script == "shop");
  CHECK(version->mainModule == "index.js");
  REQUIRE(version->modules.size() == 2);
  CHECK(version->modules[0].content.view() == "export default {}");
  CHECK(version->modules[1].content.view() == std::string_view("\0\1\2", 3));
  CHECK(version->modules[1].type == ModuleType::Data);
  CHECK(std::get<JsonBinding>(version->bindings[0]).json == "[1,2]");
  CHECK(std::get<TextBinding>(version->bindings[1]).value == "value");
  CHECK(version->compatibilityDate == "2026-11-23");
  CHECK(version->compatibilityFlags == std::vector<std::string>{"nodejs_compat"});
  CHECK(version->message == "first");
  CHECK(reopened.version("acme", "other", summary.id).error().code == ErrorCode::NotFound);
  CHECK(reopened.version("evil", "shop", summary.id).error().code == ErrorCode::NotFound);
  CHECK(reopened.version("acme", "shop", "x").error().code == ErrorCode::NotFound);
}

TEST_CASE_FIXTURE(Fixture, "the same content is the same version; anything else is another") {
  const std::string id = push("shop", "one");
  const std::uint64_t before = database->position().index;
  Upload again = upload("one");
  again.message = "a note does not make another version";
  CHECK(registry.upload("acme", "shop", again).value().id == id);
  CHECK(registry.upload("acme", "shop", again).value().number == 1);
  CHECK(database->position().index == before);

  CHECK(push("shop", "two") != id);
  CHECK(push("shop2", "one") != id);
  CHECK(push("shop", "one", "evil") != id);
  Upload other = upload("one");
  other.compatibilityDate = "2026-11-22";
  CHECK(registry.upload("acme", "shop", other).value().id != id);
  other = upload("one");
  other.modules[0].type = ModuleType::CommonJs;
  CHECK(registry.upload("acme", "shop", other).value().id != id);
  other = upload("one");
  other.bindings = {TextBinding{"A", "1"}};
  const std::string text = registry.upload("acme", "shop", other).value().id;
  other.bindings = {JsonBinding{"A", "1"}};
  CHECK(registry.upload("acme", "shop", other).value().id != text);

  const std::vector<VersionSummary> versions = registry.versions("acme", "shop").value();
  REQUIRE(versions.size() == 6);
  CHECK(versions.front().number == 6);
  CHECK(versions.back().id == id);
}

TEST_CASE_FIXTURE(Fixture, "a module is stored once, however many versions have it") {
  Upload first = upload("main one");
  first.modules.push_back(module("shared.txt", "shared", ModuleType::Text));
  first.modules.push_back(module("copy.txt", "shared", ModuleType::Text));
  Upload second = upload("main two");
  second.modules.push_back(module("other-name.txt", "shared", ModuleType::Text));
  const std::string a = registry.upload("acme", "one", first).value().id;
  const std::string b = registry.upload("evil", "two", second).value().id;
  std::size_t contents = 0;
  REQUIRE(database->view()
              ->scan(Family::Modules, "c", "",
                     [&](std::string_view, std::string_view) { return ++contents > 0; })
              .has_value());
  CHECK(contents == 3);

  REQUIRE(registry.remove("acme", "one").has_value());
  CHECK(registry.version("evil", "two", b).value()->modules.size() == 2);
  CHECK(registry.version("acme", "one", a).error().code == ErrorCode::NotFound);
  REQUIRE(registry.remove("evil", "two").has_value());
  CHECK(rowCount(Family::Modules) == 0);
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE_FIXTURE(Fixture, "what an upload may not have is refused and leaves nothing") {
  Upload bad = upload("x");
  bad.mainModule = "missing.js";
  CHECK(registry.upload("acme", "shop", bad).error().code == ErrorCode::InvalidArgument);
  CHECK(registry.upload("acme", "Shop", upload("x")).error().code == ErrorCode::InvalidArgument);
  CHECK(registry.upload("", "shop", upload("x")).error().code == ErrorCode::InvalidArgument);
  bad = upload("x");
  bad.bindings = {KvBinding{"KV", "00000000000000000000000000000000"}};
  const Error unknown = registry.upload("acme", "shop", bad).error();
  CHECK(unknown.code == ErrorCode::NotFound);
  CHECK(unknown.detail ==
        "binding KV: tenant acme has no KV namespace with id 00000000000000000000000000000000");
  const KvNamespace theirs = registry.createKvNamespace("evil", "data").value();
  bad.bindings = {KvBinding{"KV", theirs.id}};
  CHECK(registry.upload("acme", "shop", bad).error().code == ErrorCode::NotFound);
  CHECK(registry.upload("evil", "shop", bad).has_value());
  CHECK(registry.scripts("acme").value().empty());
}

TEST_CASE_FIXTURE(Fixture, "activate makes the deployment, and only of versions that exist") {
  const std::string one = push("shop", "one");
  const std::string two = push("shop", "two");
  CHECK_FALSE(registry.deployment("acme", "shop").value().has_value());
  CHECK(registry.list().value().deployments.empty());
  CHECK(activate("shop", one).number == 1);
  const Deployment split =
      registry
          .activate("acme", "shop",
                    {{.versionId = one, .percent = 90}, {.versionId = two, .percent = 10}},
                    "canary")
          .value();
  CHECK(split.number == 2);
  const Deployment current = registry.deployment("acme", "shop").value().value();
  REQUIRE(current.shares.size() == 2);
  CHECK(current.shares[1].versionId == two);
  CHECK(current.shares[1].percent == 10);
  CHECK(current.message == "canary");
  const std::vector<Deployment> history = registry.deployments("acme", "shop").value();
  REQUIRE(history.size() == 2);
  CHECK(history[0].number == 2);
  CHECK(history[1].number == 1);

  const auto codeFor = [&](std::vector<Deployment::Share> shares) {
    return registry.activate("acme", "shop", std::move(shares), "").error().code;
  };
  const std::string foreign = push("shop", "one", "evil");
  CHECK(codeFor({{.versionId = foreign}}) == ErrorCode::NotFound);
  CHECK(codeFor({{.versionId = "nothing"}}) == ErrorCode::NotFound);
  CHECK(codeFor({}) == ErrorCode::InvalidArgument);
  CHECK(codeFor({{.versionId = one, .percent = 99}}) == ErrorCode::InvalidArgument);
  CHECK(codeFor({{.versionId = one, .percent = 50}, {.versionId = one, .percent = 50}}) ==
        ErrorCode::InvalidArgument);
  CHECK(codeFor({{.versionId = one, .percent = -1}, {.versionId = two, .percent = 101}}) ==
        ErrorCode::InvalidArgument);
  CHECK(codeFor({{.versionId = one, .percent = std::nan("")}}) == ErrorCode::InvalidArgument);
  CHECK(codeFor({{.versionId = one, .percent = std::numeric_limits<double>::infinity()}}) ==
        ErrorCode::InvalidArgument);
  CHECK(registry.activate("acme", "none", {{.versionId = one}}, "").error().detail ==
        "tenant acme has no script none");
  CHECK(registry.deployment("acme", "shop").value()->number == 2);
}

TEST_CASE_FIXTURE(Fixture, "rollback deploys what was deployed before, or what it is told") {
  const std::string one = push("shop", "one");
  const std::string two = push("shop", "two");
  CHECK(registry.rollback("acme", "shop", std::nullopt, "").error().code == ErrorCode::NotFound);
  activate("shop", one);
  CHECK(registry.rollback("acme", "shop", std::nullopt, "").error().detail ==
        "script shop has no earlier deployment to roll back to");
  activate("shop", two);
  activate("shop", two);  // Deployed twice: what was before is still version one.
  const Deployment back = registry.rollback("acme", "shop", std::nullopt, "oops").value();
  CHECK(back.number == 4);
  CHECK(back.shares[0].versionId == one);
  CHECK(back.message == "oops");
  CHECK(registry.rollback("acme", "shop", std::nullopt, "").value().shares[0].versionId == two);
  CHECK(registry.rollback("acme", "shop", one, "").value().shares[0].versionId == one);
  CHECK(registry.rollback("acme", "shop", "nothing", "").error().code == ErrorCode::NotFound);
}

TEST_CASE_FIXTURE(Fixture, "a route belongs to one script of one tenant") {
  push("shop", "x");
  push("blog", "x");
  push("shop", "x", "evil");
  CHECK(registry.addRoute("acme", "shop", "https://Example.com/Api/*").value().pattern ==
        "example.com/Api/*");
  const std::uint64_t before = database->position().index;
  CHECK(registry.addRoute("acme", "shop", "example.com/Api/*").has_value());
  CHECK(database->position().index == before);
  CHECK(registry.addRoute("acme", "blog", "example.com/Api/*").error().detail ==
        "route example.com/Api/* leads to script shop: remove it there first");
  const Error taken = registry.addRoute("evil", "shop", "example.com./Api/*").error();
  CHECK(taken.code == ErrorCode::AlreadyExists);
  CHECK_FALSE(taken.detail.contains("acme"));
  CHECK(registry.addRoute("acme", "none", "a.com").error().code == ErrorCode::NotFound);
  CHECK(registry.addRoute("acme", "shop", "a.com:80").error().code == ErrorCode::InvalidArgument);
  REQUIRE(registry.addRoute("acme", "blog", "example.com").has_value());

  CHECK(registry.routes("acme").value().size() == 2);
  CHECK(registry.routes("evil").value().empty());
  const Registry::Listing listing = registry.list().value();
  CHECK(listing.logIndex == database->position().index);
  REQUIRE(listing.routes.size() == 2);
  CHECK(listing.routes[0].script == "blog");
  CHECK(listing.routes[1].tenant == "acme");

  CHECK(registry.removeRoute("evil", "example.com").error().code == ErrorCode::NotFound);
  REQUIRE(registry.removeRoute("acme", "EXAMPLE.com/*").has_value());
  CHECK(registry.removeRoute("acme", "example.com").error().code == ErrorCode::NotFound);
  CHECK(registry.addRoute("evil", "shop", "example.com").has_value());
}

TEST_CASE_FIXTURE(Fixture, "routes and custom domains are set one beside the other") {
  using enum Registry::RouteKind;
  push("shop", "x");
  push("blog", "x");
  const auto patterns = [&] {
    std::string all;
    for (const Route& route : registry.routes("acme").value()) all += route.pattern + " ";
    return all;
  };
  REQUIRE(registry.addRoute("acme", "blog", "z.com").has_value());
  REQUIRE(registry.setRoutes("acme", "shop", {"a.com", "b.com"}, CustomDomain).has_value());
  REQUIRE(registry.setRoutes("acme", "shop", {"c.com/*", "d.com/x"}, Plain).has_value());
  CHECK(patterns() == "a.com b.com c.com d.com/x z.com ");
  const std::uint64_t before = database->position().index;
  REQUIRE(registry.setRoutes("acme", "shop", {"B.com", "a.com"}, CustomDomain).has_value());
  CHECK(database->position().index == before);
  REQUIRE(registry.setRoutes("acme", "shop", {"b.com"}, CustomDomain).has_value());
  CHECK(patterns() == "b.com c.com d.com/x z.com ");
  REQUIRE(registry.setRoutes("acme", "shop", {}, Plain).has_value());
  CHECK(patterns() == "b.com z.com ");
  // What is added once more stays what it is.
  CHECK(registry.addRoute("acme", "shop", "b.com").value().isCustomDomain);
  REQUIRE(registry.setRoutes("acme", "shop", {}, Plain).has_value());
  CHECK(patterns() == "b.com z.com ");
  // What is set as a route is no custom domain any more, and goes with the routes.
  REQUIRE(registry.setRoutes("acme", "shop", {"b.com"}, Plain).has_value());
  REQUIRE(registry.setRoutes("acme", "shop", {}, CustomDomain).has_value());
  CHECK(patterns() == "b.com z.com ");
  REQUIRE(registry.setRoutes("acme", "shop", {}, Plain).has_value());
  CHECK(patterns() == "z.com ");
  CHECK(registry.setRoutes("acme", "shop", {"z.com"}, CustomDomain).error().code ==
        ErrorCode::AlreadyExists);
}

TEST_CASE_FIXTURE(Fixture, "a route row of the first version is a plain route, byte for byte") {
  Route route{.pattern = "a.com", .tenant = "acme", .script = "shop"};
  const std::string plain = encodeRoute(route);
  CHECK(plain[0] == 1);
  CHECK_FALSE(decodeRoute("a.com", plain).value().isCustomDomain);
  route.isCustomDomain = true;
  const std::string domain = encodeRoute(route);
  CHECK(domain.substr(1) == plain.substr(1));
  CHECK(decodeRoute("a.com", domain).value().isCustomDomain);
  CHECK_FALSE(decodeRoute("a.com", "\x03" + plain.substr(1)).has_value());
}

TEST_CASE_FIXTURE(Fixture, "remove takes a script with all it has, and nothing else") {
  activate("shop", push("shop", "x"));
  activate("shop-2", push("shop-2", "x"));
  activate("shop", push("shop", "x", "evil"), "evil");
  REQUIRE(registry.addRoute("acme", "shop", "a.com").has_value());
  REQUIRE(registry.addRoute("acme", "shop-2", "b.com").has_value());
  REQUIRE(registry.remove("acme", "shop").has_value());
  CHECK(registry.scripts("acme").value() == std::vector<std::string>{"shop-2"});
  CHECK(registry.scripts("evil").value() == std::vector<std::string>{"shop"});
  CHECK(registry.versions("acme", "shop").value().empty());
  CHECK(registry.deployments("acme", "shop").value().empty());
  CHECK_FALSE(registry.deployment("acme", "shop").value().has_value());
  CHECK(registry.routes("acme").value().size() == 1);
  CHECK(registry.list().value().deployments.size() == 2);
  CHECK(registry.remove("acme", "shop").error().code == ErrorCode::NotFound);
  CHECK(push("shop", "x").size() == 64);
  CHECK(registry.versions("acme", "shop").value()[0].number == 1);

  for (const char* tenant : {"acme", "evil"}) {
    for (const std::string& script : registry.scripts(tenant).value()) {
      REQUIRE(registry.remove(tenant, script).has_value());
    }
  }
  for (const Family family :
       {Family::Scripts, Family::Versions, Family::Modules, Family::Deployments, Family::Routes}) {
    CHECK(rowCount(family) == 0);
  }
}

TEST_CASE_FIXTURE(Fixture, "KV namespaces have one title per tenant, and go with their keys") {
  const KvNamespace made = registry.createKvNamespace("acme", "Sessions and more").value();
  CHECK(made.id.size() == 32);
  const Error taken = registry.createKvNamespace("acme", "Sessions and more").error();
  CHECK(taken.code == ErrorCode::AlreadyExists);
  CHECK(taken.detail.contains(made.id));
  CHECK(registry.createKvNamespace("evil", "Sessions and more").has_value());
  CHECK(registry.createKvNamespace("acme", "").error().code == ErrorCode::InvalidArgument);
  CHECK(registry.createKvNamespace("acme", std::string("a\0", 2)).error().code ==
        ErrorCode::InvalidArgument);
  CHECK(registry.kvNamespaces("acme").value().size() == 1);
  CHECK(registry.kvNamespaces("acme").value()[0].id == made.id);

  store::KvStore kv(*database, database.clock());
  std::vector<store::KvPut> puts;
  for (int i = 0; i < 4500; ++i) {
    puts.push_back({.key = std::to_string(i),
                    .value = Bytes(std::string(i % 1000 == 0 ? 20'000 : 1, 'v')),
                    .metadata = std::nullopt,
                    .expirationSeconds = 2'000'000'000});
  }
  REQUIRE(kv.put(made.id, std::move(puts)).has_value());
  CHECK(registry.removeKvNamespace("evil", made.id).error().code == ErrorCode::NotFound);
  REQUIRE(registry.removeKvNamespace("acme", made.id).has_value());
  CHECK(registry.kvNamespaces("acme").value().empty());
  CHECK(rowCount(Family::Kv) == 0);
  CHECK(registry.removeKvNamespace("acme", made.id).error().code == ErrorCode::NotFound);
  CHECK(registry.createKvNamespace("acme", "Sessions and more").value().id != made.id);
}

TEST_CASE_FIXTURE(Fixture, "a damaged row is Corrupt, never half a version") {
  const std::string id = push("shop", "code");
  const std::string row =
      database->get(Family::Versions, versionKey("acme", "shop", id)).value().value();
  for (std::size_t size = 0; size < row.size(); ++size) {
    CAPTURE(size);
    CHECK(decodeManifest(id, row.substr(0, size)).error().code == ErrorCode::Corrupt);
  }
  std::string changed = row;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  CHECK(decodeManifest(id, changed).error().detail ==
        "version manifest is not the one its id names");
  const auto version = registry.version("acme", "shop", id).value();
  const std::string contentKey = "c" + parseHex(version->modules[0].hash).value();
  REQUIRE(database.put(contentKey, "tampered", Family::Modules).has_value());
  CHECK(registry.version("acme", "shop", id).error().code == ErrorCode::Corrupt);
}
