#include "store/audit_log.h"

#include <doctest/doctest.h>

#include "store/kv_store.h"
#include "store/tenant_store.h"
#include "store/test_support.h"
#include "store/token_store.h"

using atolld::store::testing::TestDatabase;

namespace atolld::store {
namespace {

Author owner(std::string tenant = "acme") {
  return {.tenant = std::move(tenant),
          .tokenId = "t1",
          .role = "owner",
          .address = "192.0.2.1",
          .ray = "abc"};
}

Position change(Database& database, const AuditNote& note, int rows = 1) {
  return database
      .commit([&](const View&) -> Result<Ops> {
        Ops ops;
        for (int i = 0; i < rows; ++i) {
          ops.push_back({Op::Kind::Put, Family::Routes, "key" + std::to_string(i), "value"});
        }
        stageAudit(note, ops);
        return ops;
      })
      .value();
}

std::vector<std::string> subjects(const std::vector<AuditRecord>& records) {
  std::vector<std::string> all;
  for (const AuditRecord& record : records) all.push_back(record.subject);
  return all;
}

using Subjects = std::vector<std::string>;

}  // namespace

TEST_CASE("a change and its record are one log entry, with the author and the entry's index") {
  TestDatabase test;
  const Author author = owner();
  const AuthorScope scope(author);
  const Position made = change(*test, {.action = "route.add", .subject = "a.example"});
  CHECK(made.index == 1);
  const auto records = AuditLog(*test).list("acme", 10).value();
  REQUIRE(records.size() == 1);
  CHECK(records[0].index == made.index);
  CHECK(records[0].time == test.clock().now());
  CHECK(records[0].action == "route.add");
  CHECK(records[0].subject == "a.example");
  CHECK(records[0].author.tenant == "acme");
  CHECK(records[0].author.tokenId == "t1");
  CHECK(records[0].author.role == "owner");
  CHECK(records[0].author.address == "192.0.2.1");
  CHECK(records[0].author.ray == "abc");
  CHECK(test->verifyReplay());
}

TEST_CASE("what nobody asked for leaves no record, and a note alone is no change") {
  TestDatabase test;
  CHECK(change(*test, {.action = "route.add", .subject = "a"}).index == 1);
  CHECK(AuditLog(*test).list("", 10).value().empty());
  const Author author = owner();
  {
    const AuthorScope scope(author);
    CHECK(AuthorScope::current() == &author);
    CHECK(change(*test, {.action = "route.add", .subject = "a"}, 0).index == 1);
  }
  CHECK(AuthorScope::current() == nullptr);
  CHECK(change(*test, {.action = "route.add", .subject = "a", .tenant = "acme"}).index == 2);
  CHECK(AuditLog(*test).list("acme", 10).value().empty());
}

TEST_CASE(
    "records are listed newest first, both kinds in one order, and a page goes on at before") {
  TestDatabase test;
  const Author author = owner();
  const AuthorScope scope(author);
  for (int i = 1; i <= 6; ++i) {
    const std::string subject = std::to_string(i);
    change(*test, {.action = "x",
                   .subject = subject,
                   .kind = i % 2 == 0 ? AuditKind::Data : AuditKind::Change});
  }
  change(*test, {.action = "x", .subject = "of another", .tenant = "acme2"});
  const AuditLog audit(*test);
  CHECK(subjects(audit.list("acme", 4).value()) == Subjects{"6", "5", "4", "3"});
  CHECK(subjects(audit.list("acme", 4, 3).value()) == Subjects{"2", "1"});
  CHECK(subjects(audit.list("acme", 4, 1).value()).empty());
  CHECK(subjects(audit.list("acme2", 4).value()) == Subjects{"of another"});
  CHECK(audit.list("acm", 4).value().empty());
}

TEST_CASE("records from before a tenant was made are not among its own") {
  TestDatabase test;
  const Author author = owner();
  const AuthorScope scope(author);
  change(*test, {.action = "x", .subject = "former"});
  test.clock().advance(std::chrono::seconds(1));
  const UnixMillis created = test.clock().now();
  change(*test, {.action = "x", .subject = "own"});
  const AuditLog audit(*test);
  CHECK(subjects(audit.list("acme", 9, 0, created).value()) == Subjects{"own"});
  CHECK(audit.list("acme", 9).value().size() == 2);
}

TEST_CASE("only a tenant's newest records are kept, of values apart from all others") {
  TestDatabase test;
  const Author author = owner();
  const AuthorScope scope(author);
  change(*test, {.action = "token.create", .subject = "token"});
  for (int i = 0; i < 5; ++i) {
    change(*test, {.action = "kv.put", .subject = std::to_string(i), .kind = AuditKind::Data});
  }
  change(*test, {.action = "x", .subject = "of another", .tenant = "rival"});
  AuditLog audit(*test);
  CHECK(audit.collect(2).value() == 3);
  CHECK(subjects(audit.list("acme", 9).value()) == Subjects{"4", "3", "token"});
  CHECK(audit.list("rival", 9).value().size() == 1);
  CHECK(audit.collect(2).value() == 0);
}

TEST_CASE("a long subject is cut between characters") {
  TestDatabase test;
  const Author author = owner();
  const AuthorScope scope(author);
  std::string subject = "x";
  while (subject.size() < 3000) subject += "é";
  change(*test, {.action = "x", .subject = subject});
  const auto records = AuditLog(*test).list("acme", 1).value();
  REQUIRE(records.size() == 1);
  CHECK(records[0].subject.size() == 1023);
  CHECK(subject.starts_with(records[0].subject));
}

TEST_CASE("tokens, tenants and KV values say what is done, and never a secret or a value") {
  TestDatabase test;
  TenantStore tenants(*test, test.clock());
  TokenStore tokens(*test, test.clock());
  KvStore kv(*test, test.clock());
  const std::string space(32, 'a');
  const Author author = owner("default");
  {
    const AuthorScope scope(author);
    (void)tenants.create("acme").value();
    const NewToken token = tokens.create("acme", Role::Deployer, "ci", "shop").value();
    (void)tokens.revoke("acme", token.token.id);
    (void)kv.put(space, {{.key = "k",
                          .value = Bytes(std::string("hidden")),
                          .metadata = {},
                          .expirationSeconds = {}}});
    (void)kv.remove(space, {"k", "absent"});
    (void)kv.remove(space, {"absent"});
    const AuditLog audit(*test);
    const auto records = audit.list("acme", 9).value();
    REQUIRE(records.size() == 2);
    CHECK(records[0].action == "token.revoke");
    CHECK(records[0].subject == token.token.id);
    CHECK(records[1].action == "token.create");
    CHECK(records[1].subject == token.token.id + " deployer of script shop ci");
    CHECK(subjects(audit.list("default", 9).value()) ==
          Subjects{space + " 2 keys", space + " k", "acme"});
  }
  (void)kv.write(space, {}, {"k"}, std::string(16, 'r'));
  CHECK(AuditLog(*test).list("default", 9).value().size() == 3);
}

}  // namespace atolld::store
