#include <doctest/doctest.h>

#include "deploy/registry.h"
#include "deploy/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::deploy;
using atolld::deploy::testing::upload;

struct Fixture {
  store::testing::TestDatabase database;
  const store::ClusterKey key = store::ClusterKey::random();
  Registry registry{*database, database.clock(), {}, &key};

  Upload withSecret(std::string name, std::string value, std::string code = "code") {
    Upload made = upload(std::move(code));
    made.bindings = {SecretBinding{std::move(name), {}, std::move(value)}};
    return made;
  }
  Registry::Deployed deploy(Upload made) {
    return registry.deploy("acme", "shop", std::move(made)).value();
  }
  /// "NAME=value …" of the secrets of what answers now.
  std::string secrets() {
    const Deployment now = registry.deployment("acme", "shop").value().value();
    const auto version = registry.version("acme", "shop", now.shares[0].versionId).value();
    std::string all;
    for (const Binding& binding : version->bindings) {
      const auto& secret = std::get<SecretBinding>(binding);
      all += secret.name + "=" + secret.value + " ";
    }
    return all;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a secret's value stands in no row of the database") {
  deploy(withSecret("TOKEN", "correct horse battery"));
  CHECK(secrets() == "TOKEN=correct horse battery ");
  bool isFound = false;
  for (int family = 0; family <= static_cast<int>(store::Family::Kv); ++family) {
    REQUIRE(database->view()
                ->scan(static_cast<store::Family>(family), "", "",
                       [&](std::string_view row, std::string_view value) {
                         isFound |= row.contains("horse") || value.contains("horse");
                         return true;
                       })
                .has_value());
  }
  CHECK_FALSE(isFound);
  CHECK(std::get<SecretBinding>(registry.describe("acme", "shop", "").value().bindings[0])
            .value.empty());
}

TEST_CASE_FIXTURE(Fixture, "the same secret again is the same version, another value another") {
  const std::string first = deploy(withSecret("A", "1")).version.id;
  CHECK(deploy(withSecret("A", "1")).version.id == first);
  CHECK(deploy(withSecret("A", "2")).version.id != first);
}

TEST_CASE_FIXTURE(Fixture, "kept types stay, what the upload brings itself replaces them") {
  deploy(withSecret("A", "1"));
  Upload next = withSecret("B", "2", "more code");
  next.keptTypes = {"secret_text"};
  deploy(next);
  CHECK(secrets() == "A=1 B=2 ");
  next = withSecret("A", "3", "still more");
  next.keptTypes = {"secret_text"};
  CHECK(registry.bindingsOf("acme", "shop", next).value().size() == 2);
  deploy(next);
  CHECK(secrets() == "A=3 B=2 ");
  deploy(withSecret("C", "4", "no more"));
  CHECK(secrets() == "C=4 ");
}

TEST_CASE_FIXTURE(Fixture, "an inherited binding is the version's before, or is refused") {
  Upload first = upload("code");
  first.bindings = {TextBinding{"OLD", "text"}, SecretBinding{"S", {}, "1"}};
  deploy(first);
  Upload next = upload("code");
  next.inherited = {{"NEW", "OLD"}, {"S", ""}};
  deploy(next);
  const Version version = registry.describe("acme", "shop", "").value();
  CHECK(std::get<TextBinding>(version.bindings[0]).value == "text");
  CHECK(bindingName(version.bindings[0]) == "NEW");
  CHECK(bindingName(version.bindings[1]) == "S");
  next.inherited = {{"MISSING", ""}};
  CHECK(registry.deploy("acme", "shop", next).error().code == ErrorCode::NotFound);
  next.inherited = {{"T", "S"}};
  CHECK(registry.deploy("acme", "shop", next).error().code == ErrorCode::InvalidArgument);
}

TEST_CASE_FIXTURE(Fixture, "a changed secret answers at once, in one log entry, and rolls back") {
  deploy(withSecret("A", "1"));
  const std::uint64_t before = database->position().index;
  REQUIRE(
      registry.changeSecrets("acme", "shop", {{"A", "2"}, {"B", "3"}}, true, "why").has_value());
  CHECK(database->position().index == before + 1);
  CHECK(secrets() == "A=2 B=3 ");
  REQUIRE(registry.changeSecrets("acme", "shop", {{"A", std::nullopt}}, true, "").has_value());
  CHECK(secrets() == "B=3 ");
  REQUIRE(registry.rollback("acme", "shop", std::nullopt, "").has_value());
  CHECK(secrets() == "A=2 B=3 ");
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE_FIXTURE(Fixture, "a change that would deploy what is not deployed is refused") {
  CHECK(registry.changeSecrets("acme", "shop", {{"A", "1"}}, true, "").error().code ==
        ErrorCode::NotFound);
  deploy(withSecret("A", "1"));
  REQUIRE(registry.upload("acme", "shop", withSecret("A", "1", "newer")).has_value());
  CHECK(registry.changeSecrets("acme", "shop", {{"A", "2"}}, true, "").error().code ==
        ErrorCode::Aborted);
  REQUIRE(registry.changeSecrets("acme", "shop", {{"A", "2"}}, false, "").has_value());
  CHECK(secrets() == "A=1 ");
  deploy(withSecret("A", "1"));  // The first again: now it is the newest.
  CHECK(registry.changeSecrets("acme", "shop", {{"A", "2"}}, true, "").has_value());
}

TEST_CASE_FIXTURE(Fixture, "a change names what is in its way") {
  Upload made = upload("code");
  made.bindings = {TextBinding{"VAR", "text"}};
  deploy(made);
  const auto codeOf = [&](Registry::SecretChanges changes) {
    return registry.changeSecrets("acme", "shop", changes, true, "").error().code;
  };
  CHECK(codeOf({{"VAR", "1"}}) == ErrorCode::AlreadyExists);
  CHECK(codeOf({{"GONE", std::nullopt}}) == ErrorCode::NotFound);
  CHECK(codeOf({{"", "1"}}) == ErrorCode::InvalidArgument);
  CHECK(codeOf({{"BIG", std::string(6000, 'x')}}) == ErrorCode::TooLarge);
  CHECK(codeOf({{"BYTES", "\xff"}}) == ErrorCode::InvalidArgument);
}

TEST_CASE_FIXTURE(Fixture,
                  "another script's sealed text does not open, nor does any without a key") {
  const std::string id = deploy(withSecret("A", "1")).version.id;
  const Registry keyless(*database, database.clock());
  CHECK(keyless.version("acme", "shop", id).error().code == ErrorCode::Unavailable);
  Registry bare(*database, database.clock());
  CHECK(bare.upload("acme", "shop", withSecret("B", "1")).error().code == ErrorCode::Unavailable);
  const Version described = registry.describe("acme", "shop", id.substr(0, 32)).value();
  Upload stolen = upload("code");
  stolen.bindings = described.bindings;
  const std::string theirs = registry.upload("evil", "shop", stolen).value().id;
  CHECK(registry.version("evil", "shop", theirs).error().code == ErrorCode::Corrupt);
}
