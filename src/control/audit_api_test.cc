#include <doctest/doctest.h>

#include <set>

#include "control/test_support.h"

namespace atolld::control {

using testing::Api;
using testing::Reply;

namespace {

std::vector<std::string> actions(Api& api) {
  std::vector<std::string> all;
  for (const Json& record : api.call("GET", "/audit").json()["records"]) {
    all.push_back(record["action"]);
  }
  return all;
}

}  // namespace

TEST_CASE("every change over the API leaves one record, with its token, and no read does") {
  Api api;
  std::uint64_t count = actions(api).size();
  CHECK(count == 1);  // The first start.
  const auto changes = [&](const std::string& action, const Reply& reply) {
    CAPTURE(action);
    CAPTURE(reply.body);
    CHECK(reply.status < 300);
    const Json records = api.call("GET", "/audit").json()["records"];
    CHECK(records.size() == ++count);
    CHECK(records[0]["action"] == action);
    CHECK(records[0]["index"] == api.logIndex());
    CHECK(records[0]["role"] == "owner");
    CHECK(records[0]["token_id"] == api.call("GET", "/whoami").json()["token_id"]);
    CHECK(records[0]["address"] == "192.0.2.7");
    CHECK(records[0]["ray"] == *reply.headers.find("atoll-ray"));
    return records[0]["subject"].get<std::string>();
  };
  const Reply first = api.upload("/scripts/hello/deploy", "one");
  const std::string one = first.json()["version"]["id"];
  CHECK(changes("script.deploy", first) == "hello " + one + " 100 %");
  const Reply second = api.upload("/scripts/hello/versions", "two");
  const std::string two = second.json()["version"]["id"];
  CHECK(changes("version.upload", second) == "hello " + two);
  CHECK(changes(
            "deployment.create",
            api.call("POST", "/scripts/hello/deployments",
                     Json({{"versions", {{{"version_id", two}, {"percentage", 100}}}}}).dump())) ==
        "hello " + two + " 100 %");
  CHECK(changes("deployment.rollback", api.call("POST", "/scripts/hello/rollback")) ==
        "hello " + one + " 100 %");
  CHECK(changes("route.add",
                api.call("POST", "/routes", R"({"pattern":"a.example","script":"hello"})")) ==
        "a.example to hello");
  CHECK(changes("route.remove", api.call("DELETE", "/routes?pattern=a.example")) == "a.example");
  const Reply space = api.call("POST", "/kv/namespaces", R"({"title":"shop"})");
  const std::string id = space.json()["id"];
  CHECK(changes("namespace.create", space) == id + " shop");
  const std::string value = "/kv/namespaces/" + id + "/values/k";
  CHECK(changes("kv.put", api.call("PUT", value, "hidden")) == id + " k");
  CHECK(changes("kv.delete", api.call("DELETE", value)) == id + " k");
  CHECK(changes("namespace.delete", api.call("DELETE", "/kv/namespaces/" + id)) == id + " shop");
  const Reply token = api.call("POST", "/tokens", R"({"name":"ci","role":"viewer"})");
  const std::string tokenId = token.json()["id"];
  CHECK(changes("token.create", token) == tokenId + " viewer ci");
  CHECK(changes("token.revoke", api.call("DELETE", "/tokens/" + tokenId)) == tokenId);
  CHECK(changes("tenant.create", api.call("POST", "/tenants", R"({"name":"acme"})")) == "acme");
  CHECK(changes("script.delete", api.call("DELETE", "/scripts/hello")) == "hello");

  // What changes nothing, by itself or because it is refused, is not on record.
  for (const char* path : {"/scripts", "/routes", "/kv/namespaces", "/tokens", "/tenants"}) {
    CHECK(api.call("GET", path).status == 200);
  }
  CHECK(api.call("DELETE", "/scripts/hello").status == 404);
  CHECK(actions(api).size() == count);
}

TEST_CASE("an owner reads its own audit log, an operator every one, others none") {
  Api api;
  const std::string owner = api.owner;
  const std::string stranger = api.stranger();
  api.token = stranger;
  CHECK(api.call("POST", "/kv/namespaces", R"({"title":"shop"})").status == 201);
  CHECK(actions(api) == std::vector<std::string>{"namespace.create"});
  CHECK(api.call("GET", "/tenants/default/audit").status == 403);
  const std::string deployer = api.newToken("deployer");
  api.token = deployer;
  CHECK(api.call("GET", "/audit").status == 403);
  api.token = owner;
  const Json all = api.call("GET", "/tenants/other/audit").json()["records"];
  CHECK(all.size() == 2);
  CHECK(api.call("GET", "/tenants/other/audit?limit=1").json()["records"][0] == all[0]);
  const std::string before = all[0]["index"].dump();
  CHECK(api.call("GET", "/tenants/other/audit?before=" + before).json()["records"][0] == all[1]);
  for (const char* query : {"limit=0", "limit=1001", "before=x"}) {
    CHECK(api.call("GET", std::string("/audit?") + query).status == 400);
  }
}

TEST_CASE("who calls too often, or guesses tokens, is answered 429 and may come back") {
  Api api({.callsPerSecond = 1, .authFailuresPerMinute = 3});
  const auto status = [&](const std::string& token, const std::string& path = "/api/v1/scripts") {
    return api.run(api.head("GET", path, token), "");
  };
  for (int i = 0; i < 10; ++i) CHECK(status(api.owner).status == 200);
  const Reply refused = status(api.owner);
  CHECK(refused.status == 429);
  CHECK(refused.code() == "rate_limited");
  CHECK(refused.headers.find("retry-after") == "1");
  const Reply wrangler = status(api.owner, "/client/v4/user");
  CHECK(wrangler.status == 429);
  CHECK(wrangler.json()["errors"][0]["code"] == 971);
  CHECK(status("", "/api/v1/healthz").status == 200);

  const std::string other = api.stranger();
  for (int i = 0; i < 3; ++i) CHECK(status("atoll_" + std::to_string(i)).status == 401);
  CHECK(status(other).status == 429);  // Even a good one: whether it is, stays unsaid.
  CHECK(status("").status == 401);     // No token is no guess.
  api.address = "192.0.2.8";
  CHECK(status(other).status == 200);
}

}  // namespace atolld::control
