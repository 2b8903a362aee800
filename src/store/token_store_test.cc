#include "store/token_store.h"

#include <doctest/doctest.h>

#include "store/tenant_store.h"
#include "store/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::store;
using atolld::store::testing::TestDatabase;

struct Fixture {
  TestDatabase database;
  TenantStore tenants{*database, database.clock()};
  TokenStore tokens{*database, database.clock()};
};

bool anyRowContains(Database& database, std::string_view needle) {
  bool found = false;
  REQUIRE(database.view()
              ->scan(Family::Tokens, "", "",
                     [&](std::string_view key, std::string_view value) {
                       found = found || key.contains(needle) || value.contains(needle);
                       return true;
                     })
              .has_value());
  return found;
}

}  // namespace

TEST_CASE_FIXTURE(
    Fixture, "a tenant that is removed loses its tokens first, and goes when it owns nothing") {
  REQUIRE(tenants.create("acme").has_value());
  REQUIRE(tenants.create("rival").has_value());
  const NewToken acme = tokens.create("acme", Role::Owner, "a").value();
  REQUIRE(tokens.create("acme", Role::Viewer, "b").has_value());
  const NewToken rival = tokens.create("rival", Role::Owner, "a").value();
  bool isEmpty = true;
  const auto ownsNothing = [&isEmpty](const View&) -> Result<bool> { return isEmpty; };
  CHECK(tenants.endRemoval("acme", ownsNothing).value() == false);  // Nobody asked for it.

  CHECK(tenants.beginRemoval("default").error().code == ErrorCode::InvalidArgument);
  CHECK(tenants.beginRemoval("nobody").error().code == ErrorCode::NotFound);
  REQUIRE(tenants.beginRemoval("acme").has_value());
  REQUIRE(tenants.beginRemoval("acme").has_value());
  CHECK_FALSE(tokens.find(acme.secret).value());
  CHECK(tokens.list("acme").value().empty());
  CHECK(tokens.find(rival.secret).value());
  CHECK(tokens.create("acme", Role::Owner, "late").error().code == ErrorCode::NotFound);
  CHECK(tenants.create("acme").error().code == ErrorCode::AlreadyExists);
  CHECK(tenants.find("acme").value()->isRemoving);

  isEmpty = false;
  CHECK(tenants.endRemoval("acme", ownsNothing).value() == false);
  CHECK(tenants.find("acme").value());
  isEmpty = true;
  CHECK(tenants.endRemoval("acme", ownsNothing).value());
  CHECK_FALSE(tenants.find("acme").value());
  CHECK(tenants.endRemoval("acme", ownsNothing).error().code == ErrorCode::NotFound);
  CHECK(tenants.create("acme").has_value());
}

TEST_CASE("names are what a hostname label may be") {
  for (const char* good : {"a", "0", "my-app", "a--b", "x1"}) {
    CAPTURE(good);
    CHECK(checkName("script name", good).has_value());
  }
  CHECK(checkName("script name", std::string(63, 'a')).has_value());
  for (const std::string& bad :
       {std::string(), std::string(64, 'a'), std::string("A"), std::string("-a"), std::string("a-"),
        std::string("a.b"), std::string("a b"), std::string("ü"), std::string("a\0b", 3),
        std::string("../x"), std::string("a_b")}) {
    CAPTURE(bad);
    CHECK(checkName("script name", bad).error().code == ErrorCode::InvalidArgument);
  }
  CHECK(checkName("script name", "A_b").error().detail ==
        "script name \"A_b\": use 1 to 63 of a-z, 0-9 and '-', without '-' at either end");
}

TEST_CASE_FIXTURE(Fixture, "a tenant is made once and found again") {
  const Tenant made = tenants.create("acme").value();
  CHECK(made.createdAt == database.clock().now());
  CHECK(tenants.create("acme").error().code == ErrorCode::AlreadyExists);
  CHECK(tenants.create("Acme").error().code == ErrorCode::InvalidArgument);
  REQUIRE(tenants.create("abc").has_value());
  CHECK(tenants.find("acme").value()->createdAt == made.createdAt);
  CHECK_FALSE(tenants.find("nobody").value().has_value());
  CHECK_FALSE(tenants.find("").value().has_value());
  const std::vector<Tenant> all = tenants.list().value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "abc");
}

TEST_CASE_FIXTURE(Fixture, "a token is found by its secret, which is stored nowhere") {
  REQUIRE(tenants.create("acme").has_value());
  const NewToken made = tokens.create("acme", Role::Deployer, "ci", "shop").value();
  CHECK(made.secret.size() == 70);
  CHECK(made.secret.starts_with("atoll_"));
  const Token found = tokens.find(made.secret).value().value();
  CHECK(found.id == made.token.id);
  CHECK(found.tenant == "acme");
  CHECK(found.role == Role::Deployer);
  CHECK(found.name == "ci");
  CHECK(found.script == "shop");
  CHECK(tokens.tryFind(made.secret)->value()->id == found.id);
  CHECK_FALSE(anyRowContains(*database, made.secret.substr(6)));
  database.reopen();
  CHECK(TokenStore(*database, database.clock()).find(made.secret).value()->id == found.id);
}

TEST_CASE_FIXTURE(Fixture, "no other secret finds a token") {
  REQUIRE(tenants.create("acme").has_value());
  const NewToken made = tokens.create("acme", Role::Owner, "", std::nullopt).value();
  std::string near = made.secret;
  near.back() = near.back() == '0' ? '1' : '0';
  for (const std::string& wrong :
       {std::string(), std::string("atoll_"), near, made.secret + "0", made.secret.substr(1),
        made.token.id, std::string(1'000'000, 'x'), std::string(70, '\0')}) {
    CAPTURE(wrong.substr(0, 80));
    CHECK_FALSE(tokens.find(wrong).value().has_value());
  }
}

TEST_CASE_FIXTURE(Fixture, "a revoked token is gone, and only its own tenant can revoke it") {
  REQUIRE(tenants.create("acme").has_value());
  REQUIRE(tenants.create("evil").has_value());
  const NewToken made = tokens.create("acme", Role::Viewer, "a", std::nullopt).value();
  database.clock().advance(std::chrono::seconds(1));
  const NewToken other = tokens.create("acme", Role::Viewer, "b", std::nullopt).value();
  CHECK(tokens.revoke("evil", made.token.id).error().code == ErrorCode::NotFound);
  CHECK(tokens.list("evil").value().empty());
  CHECK(tokens.list("acme").value().size() == 2);
  CHECK(tokens.list("acme").value()[0].id == made.token.id);
  REQUIRE(tokens.revoke("acme", made.token.id).has_value());
  CHECK_FALSE(tokens.find(made.secret).value().has_value());
  CHECK(tokens.find(other.secret).value().has_value());
  CHECK(tokens.revoke("acme", made.token.id).error().code == ErrorCode::NotFound);
  CHECK(tokens.list("acme").value().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a token needs a tenant and good names") {
  CHECK(tokens.create("nobody", Role::Owner, "", std::nullopt).error().code == ErrorCode::NotFound);
  REQUIRE(tenants.create("acme").has_value());
  CHECK(tokens.create("acme", Role::Owner, std::string(129, 'n'), std::nullopt).error().code ==
        ErrorCode::InvalidArgument);
  CHECK(tokens.create("acme", Role::Owner, "", "Bad").error().code == ErrorCode::InvalidArgument);
}

TEST_CASE_FIXTURE(Fixture, "the first start makes the default tenant and its owner, once") {
  std::string kept;
  const auto keep = [&](const NewToken& made) -> Result<> {
    kept = made.secret;
    return {};
  };
  const auto refuse = [](const NewToken&) -> Result<> { return fail(ErrorCode::Io, "disk full"); };
  CHECK(startTenancy(*database, database.clock(), refuse).error().code == ErrorCode::Io);
  CHECK(database->position().index == 0);
  const auto made = startTenancy(*database, database.clock(), keep).value();
  REQUIRE(made.has_value());
  CHECK(made->secret == kept);
  CHECK(tokens.find(kept).value()->role == Role::Owner);
  CHECK(tokens.find(kept).value()->tenant == "default");
  CHECK(database->position().index == 1);
  CHECK_FALSE(startTenancy(*database, database.clock(), keep).value().has_value());
}

TEST_CASE("role names go both ways") {
  for (const char* name : {"owner", "deployer", "viewer", "operator"}) {
    CHECK(roleName(parseRole(name).value()) == name);
  }
  CHECK_FALSE(parseRole("root").has_value());
}
