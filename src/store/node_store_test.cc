#include "store/node_store.h"

#include <doctest/doctest.h>

#include "store/join_token_store.h"
#include "store/kv_store.h"
#include "store/test_support.h"

namespace atolld::store {
namespace {

using testing::TestDatabase;

FleetNode node(std::string name, char key) {
  return {.name = std::move(name),
          .region = "eu-west",
          .labels = {{"tier", "1"}},
          .keyHash = std::string(32, key)};
}

TEST_CASE("a join token makes one machine one node, once") {
  TestDatabase database;
  JoinTokenStore tokens(*database, database.clock());
  const NodeStore nodes(*database);
  const std::string secret = tokens.create(std::chrono::hours(1)).value();
  REQUIRE(tokens.join(secret, node("a", 'k')));
  CHECK(nodes.find("a").value()->region == "eu-west");
  CHECK(nodes.find("a").value()->labels.at(0).second == "1");
  REQUIRE(tokens.join(secret, node("a", 'k')));  // The answer was lost: the same key asks again.
  const auto replayed = tokens.join(secret, node("b", 'x'));
  REQUIRE_FALSE(replayed.has_value());
  CHECK(replayed.error().code == ErrorCode::Unauthorized);
  CHECK_FALSE(nodes.find("b").value().has_value());
}

TEST_CASE("forged and expired tokens, taken names and bad words join nothing") {
  TestDatabase database;
  JoinTokenStore tokens(*database, database.clock());
  const NodeStore nodes(*database);
  const auto codeOf = [&](const std::string& secret, const FleetNode& who) {
    const auto joined = tokens.join(secret, who);
    REQUIRE_FALSE(joined.has_value());
    return joined.error().code;
  };
  CHECK(codeOf(std::string(64, '0'), node("a", 'k')) == ErrorCode::Unauthorized);
  CHECK(codeOf("", node("a", 'k')) == ErrorCode::Unauthorized);
  const std::string old = tokens.create(std::chrono::seconds(60)).value();
  database.clock().advance(std::chrono::seconds(60));
  CHECK(codeOf(old, node("a", 'k')) == ErrorCode::Unauthorized);
  REQUIRE(tokens.join(tokens.create(std::chrono::hours(1)).value(), node("a", 'k')));
  const std::string fresh = tokens.create(std::chrono::hours(1)).value();
  CHECK(codeOf(fresh, node("a", 'x')) == ErrorCode::AlreadyExists);
  CHECK(codeOf(fresh, node("-", 'x')) == ErrorCode::InvalidArgument);
  FleetNode bad = node("b", 'x');
  bad.labels[0].second = "a\nb";
  CHECK(codeOf(fresh, bad) == ErrorCode::InvalidArgument);
  CHECK_FALSE(tokens.create(std::chrono::seconds(0)));
  CHECK(nodes.list().value().size() == 1);
  REQUIRE(tokens.join(fresh, node("b", 'x')));  // None of that used it up.
}

TEST_CASE("a removed node is gone") {
  TestDatabase database;
  JoinTokenStore tokens(*database, database.clock());
  NodeStore nodes(*database);
  REQUIRE(tokens.join(tokens.create(std::chrono::hours(1)).value(), node("a", 'k')));
  REQUIRE(nodes.remove("a"));
  CHECK_FALSE(nodes.find("a").value().has_value());
  CHECK(nodes.remove("a").error().code == ErrorCode::NotFound);
}

TEST_CASE("a drained node is known as one until it is not, and is the same node all the while") {
  TestDatabase database;
  JoinTokenStore tokens(*database, database.clock());
  NodeStore nodes(*database);
  REQUIRE(tokens.join(tokens.create(std::chrono::hours(1)).value(), node("a", 'k')));
  const auto before = database->get(Family::Nodes, "a").value();
  CHECK_FALSE(nodes.find("a").value()->isDrained);
  REQUIRE(nodes.setDrained("a", true));
  const std::uint64_t index = database->position().index;
  REQUIRE(nodes.setDrained("a", true));  // Nothing to say again.
  CHECK(database->position().index == index);
  CHECK(nodes.find("a").value()->isDrained);
  CHECK(nodes.find("a").value()->labels.at(0).second == "1");
  REQUIRE(nodes.setDrained("a", false));
  CHECK(database->get(Family::Nodes, "a").value() == before);
  CHECK(nodes.setDrained("b", true).error().code == ErrorCode::NotFound);
}

TEST_CASE("a write with a request id is made once, until the id is forgotten") {
  TestDatabase database;
  KvStore kv(*database, database.clock());
  const std::string id(16, 'i');
  const auto put = [&](std::string value, std::string_view request) {
    std::vector<KvPut> puts;
    puts.push_back({.key = "k", .value = Bytes(std::move(value))});
    return kv.write("ns", puts, {}, request);
  };
  const auto value = [&] { return kv.get("ns", "k").value()->value.toString(); };
  REQUIRE(put("first", id));
  REQUIRE(put("other", std::string(16, 'j')));
  const std::uint64_t before = database->position().index;
  REQUIRE(put("first", id));  // Repeated: it must not undo what came in between.
  CHECK(value() == "other");
  CHECK(database->position().index == before);

  database.clock().advance(2 * KvStore::kRequestsKept);
  CHECK(kv.collectRequests(100).value() == 2);
  REQUIRE(put("again", id));
  CHECK(value() == "again");
  REQUIRE(kv.write("ns", {}, {"k"}, std::string(16, 'l')));
  CHECK_FALSE(kv.get("ns", "k").value().has_value());
  CHECK_FALSE(put("x", "short").has_value());
}

}  // namespace
}  // namespace atolld::store
