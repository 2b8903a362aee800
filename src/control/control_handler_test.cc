#include "control/control_handler.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "control/test_support.h"

namespace atolld::control {

using testing::Api;
using testing::FakeExchange;
using testing::Headers;
using testing::Reply;

TEST_CASE("a deploy is uploaded, activated and listed; the same again changes nothing") {
  Api api;
  const Reply deployed = api.upload("/scripts/hello/deploy", "export default {}");
  CAPTURE(deployed.body);
  REQUIRE(deployed.status == 200);
  CHECK(deployed.headers.find("content-type") == "application/json");
  CHECK(deployed.headers.find("atoll-ray")->size() == 16);
  const Json answer = deployed.json();
  CHECK(answer["version"]["number"] == 1);
  CHECK(answer["urls"] == Json::array({"http://hello.localhost:8080/"}));
  const Json share = answer["deployment"]["versions"][0];
  CHECK(share == Json({{"version_id", answer["version"]["id"]}, {"percentage", 100.0}}));

  CHECK(api.upload("/scripts/hello/deploy", "export default {}").json()["version"]["number"] == 1);
  CHECK(api.upload("/scripts/hello/deploy", "export default {a}").json()["version"]["number"] == 2);
  CHECK(api.call("GET", "/scripts/hello/versions").json()["versions"].size() == 2);
  CHECK(api.call("GET", "/scripts").json()["scripts"][0]["name"] == "hello");
  const Json script = api.call("GET", "/scripts/hello").json();
  CHECK(script["version_count"] == 2);
}

TEST_CASE("an upload that is not deployed leaves the deployment alone until it is activated") {
  Api api;
  REQUIRE(api.upload("/scripts/hello/deploy", "one").status == 200);
  const Reply second = api.upload("/scripts/hello/versions", "two");
  REQUIRE(second.status == 201);
  const std::string two = second.json()["version"]["id"];
  const std::string one =
      api.call("GET", "/scripts/hello").json()["deployment"]["versions"][0]["version_id"];
  CHECK(one != two);

  const Json split = {
      {"versions",
       {{{"version_id", one}, {"percentage", 90}}, {{"version_id", two}, {"percentage", 10}}}},
      {"message", "canary"}};
  const Reply activated = api.call("POST", "/scripts/hello/deployments", split.dump());
  CAPTURE(activated.body);
  REQUIRE(activated.status == 201);
  CHECK(activated.json()["deployment"]["versions"].size() == 2);
  CHECK(api.call("GET", "/scripts/hello/deployments").json()["deployments"][0]["message"] ==
        "canary");

  const Reply back = api.call("POST", "/scripts/hello/rollback");
  REQUIRE(back.status == 201);
  CHECK(back.json()["deployment"]["versions"][0]["version_id"] == one);
  const Reply there =
      api.call("POST", "/scripts/hello/rollback", Json({{"version_id", two}}).dump());
  CHECK(there.json()["deployment"]["versions"][0]["version_id"] == two);
  CHECK(api.call("DELETE", "/scripts/hello").status == 204);
  CHECK(api.call("GET", "/scripts/hello").status == 404);
}

TEST_CASE("an upload that does not compile is refused before anything is committed") {
  Api api;
  std::string seen;
  api.validate = [&](const deploy::Version& version) -> Result<> {
    seen = version.mainModule + "/" + version.modules[0].content.toString();
    return fail(ErrorCode::Script, "index.js:1: Unexpected token '}'");
  };
  const std::uint64_t before = api.logIndex();
  const Reply refused = api.upload("/scripts/hello/deploy", "}");
  CHECK(refused.status == 422);
  CHECK(refused.json()["error"]["message"] == "index.js:1: Unexpected token '}'");
  CHECK(refused.code() == "script");
  CHECK(seen == "index.js/}");
  CHECK(api.logIndex() == before);
  CHECK(api.upload("/scripts/Bad_Name/deploy", "x").status == 400);
  CHECK(api.upload("/scripts/hello/deploy", "x", "{}").status == 400);
  CHECK(api.logIndex() == before);
}

TEST_CASE("routes are added, listed and removed") {
  Api api;
  REQUIRE(api.upload("/scripts/hello/deploy", "x").status == 200);
  const auto add = [&](const char* pattern, const char* script) {
    return api.call("POST", "/routes", Json({{"pattern", pattern}, {"script", script}}).dump());
  };
  CHECK(add("*.Example.com/a/*", "hello").json()["pattern"] == "*.example.com/a/*");
  CHECK(add("example.com", "nothing").status == 404);
  CHECK(add("http://", "hello").status == 400);
  CHECK(api.call("GET", "/routes").json()["routes"].size() == 1);
  CHECK(api.call("DELETE", "/routes?pattern=%2A.example.com%2Fa%2F%2A").status == 204);
  CHECK(api.call("DELETE", "/routes?pattern=%2A.example.com%2Fa%2F%2A").status == 404);
  CHECK(api.call("DELETE", "/routes").status == 400);
  CHECK(api.call("POST", "/routes", R"({"patern":"a","script":"hello"})")
            .body.find("did you mean \\\"pattern\\\"") != std::string::npos);
}

TEST_CASE("KV values keep their bytes, metadata and expiry") {
  Api api;
  const Reply made = api.call("POST", "/kv/namespaces", R"({"title":"t"})");
  REQUIRE(made.status == 201);
  const std::string space = "/kv/namespaces/" + made.json()["id"].get<std::string>();
  CHECK(api.call("POST", "/kv/namespaces", R"({"title":"t"})").status == 409);

  const std::string bytes("a\0\xff\r\n", 5);
  CHECK(api.call("PUT", space + "/values/a%2Fb%20%C3%A9", bytes).status == 200);
  const Reply got = api.call("GET", space + "/values/a%2Fb%20%C3%A9");
  CHECK(got.status == 200);
  CHECK(got.body == bytes);
  CHECK(got.headers.find("content-type") == "application/octet-stream");
  CHECK(api.call("GET", space + "/values/a").status == 404);

  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nv\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"m\": \"\xc3\xa9\"}\r\n"
      "--b--";
  CHECK(api.call("PUT", space + "/values/m?expiration_ttl=600", form,
                 {{"content-type", "multipart/form-data; boundary=b"}})
            .status == 200);
  const Reply meta = api.call("GET", space + "/values/m");
  CHECK(meta.body == "v");
  CHECK(meta.headers.find("cf-kv-metadata") == "{\"m\":\"\\u00e9\"}");
  CHECK(meta.headers.find("expiration").has_value());

  const Json page = api.call("GET", space + "/keys?limit=1").json();
  CHECK(page["keys"][0]["name"] == "a/b \xc3\xa9");
  CHECK(page["list_complete"] == false);
  const std::string cursor = page["cursor"];
  const Json rest = api.call("GET", space + "/keys?limit=10&cursor=" + cursor).json();
  CHECK(rest["keys"].size() == 1);
  CHECK(rest["keys"][0]["metadata"]["m"] == "\xc3\xa9");
  CHECK(rest["list_complete"] == true);
  CHECK(api.call("GET", space + "/keys?prefix=m").json()["keys"].size() == 1);

  CHECK(api.call("PUT", space + "/values/empty", "").status == 200);
  CHECK(api.call("GET", space + "/values/empty").body.empty());
  CHECK(api.call("DELETE", space + "/values/m").status == 200);
  CHECK(api.call("GET", space + "/values/m").status == 404);
  CHECK(api.call("DELETE", space).status == 204);
  CHECK(api.call("GET", space + "/keys").status == 404);
}

TEST_CASE("KV limits are told with a status and the figure") {
  Api api;
  const std::string space =
      "/kv/namespaces/" +
      api.call("POST", "/kv/namespaces", R"({"title":"t"})").json()["id"].get<std::string>();
  const struct {
    std::string path, body;
    int status;
  } kTable[] = {
      {"/values/" + std::string(513, 'k'), "v", 400},
      {"/values/.", "v", 400},
      {"/values/%ff", "v", 400},
      {"/values/%zz", "v", 400},
      {"/values/k", std::string(1001, 'v'), 413},
      {"/values/k", std::string(100'000, 'v'), 413},
      {"/values/k?expiration_ttl=59", "v", 400},
      {"/values/k?expiration_ttl=1e9", "v", 400},
      {"/values/k?expiration=5", "v", 400},
      {"/values/k?metadata=%7B", "v", 400},
      {"/values/k?metadata=%22" + std::string(1100, 'm') + "%22", "v", 400},
  };
  const std::uint64_t before = api.logIndex();
  for (const auto& [path, body, status] : kTable) {
    CAPTURE(path);
    const Reply reply = api.call("PUT", space + path, body);
    CAPTURE(reply.body);
    CHECK((reply.status == status || (status == 400 && reply.status == 413)));
    CHECK_FALSE(reply.json()["error"]["message"].get<std::string>().empty());
  }
  CHECK(api.logIndex() == before);
  CHECK(api.call("GET", space + "/keys?limit=1001").status == 400);
  CHECK(api.call("GET", space + "/keys?cursor=rubbish").status == 400);
}

TEST_CASE("a call without a known token is 401, with too small a role 403, and says nothing more") {
  Api api;
  REQUIRE(api.upload("/scripts/hello/deploy", "x").status == 200);
  for (const char* const header :
       {"", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer atoll_00", "bearer\tx"}) {
    CAPTURE(header);
    const Headers headers = *header ? Headers{{"authorization", header}} : Headers{};
    const Reply reply = api.run(api.head("GET", "/api/v1/scripts", "", headers), "");
    CHECK(reply.status == 401);
    CHECK(reply.headers.find("www-authenticate").has_value());
  }
  CHECK(api.run(api.head("GET", "/api/v1/healthz", ""), "").status == 200);

  const std::string viewer = api.newToken("viewer");
  const std::string deployer = api.newToken("deployer");
  api.token = viewer;
  CHECK(api.call("GET", "/scripts").status == 200);
  CHECK(api.call("GET", "/whoami").json()["role"] == "viewer");
  CHECK(api.upload("/scripts/hello/deploy", "y").status == 403);
  CHECK(api.call("DELETE", "/scripts/hello").status == 403);
  CHECK(api.call("POST", "/kv/namespaces", R"({"title":"t"})").status == 403);
  CHECK(api.call("GET", "/kv/namespaces/0/values/k").status == 403);
  CHECK(api.call("GET", "/tokens").status == 403);
  api.token = deployer;
  CHECK(api.upload("/scripts/hello/deploy", "y").status == 200);
  CHECK(api.call("POST", "/tokens", R"({"name":"t","role":"owner"})").status == 403);
  api.token.clear();
  CHECK(api.call("POST", "/tokens", R"({"name":"t","role":"operator"})").status == 400);

  const Json list = api.call("GET", "/tokens").json()["tokens"];
  CHECK(list.dump().find("atoll_") == std::string::npos);
  for (const Json& token : list) {
    if (token["role"] != "viewer") continue;
    CHECK(api.call("DELETE", "/tokens/" + token["id"].get<std::string>()).status == 204);
  }
  api.token = viewer;
  CHECK(api.call("GET", "/scripts").status == 401);
}

TEST_CASE("a token for one script reaches that script alone") {
  Api api;
  REQUIRE(api.upload("/scripts/hello/deploy", "x").status == 200);
  REQUIRE(api.upload("/scripts/other/deploy", "x").status == 200);
  api.token = api.newToken("owner", R"(,"script":"hello")");
  CHECK(api.upload("/scripts/hello/deploy", "y").status == 200);
  CHECK(api.call("GET", "/scripts/hello/versions").status == 200);
  CHECK(api.call("GET", "/whoami").status == 200);
  for (const char* const path : {"/scripts", "/scripts/other", "/scripts/hell%6f2", "/routes",
                                 "/kv/namespaces", "/tokens"}) {
    CAPTURE(path);
    CHECK(api.call("GET", path).status == 403);
  }
  CHECK(api.upload("/scripts/other/deploy", "y").status == 403);
}

TEST_CASE("what another tenant has looks like what is not there") {
  Api api;
  REQUIRE(api.upload("/scripts/hello/deploy", "x").status == 200);
  const std::string space =
      "/kv/namespaces/" +
      api.call("POST", "/kv/namespaces", R"({"title":"t"})").json()["id"].get<std::string>();
  REQUIRE(api.call("PUT", space + "/values/k", "v").status == 200);
  REQUIRE(api.call("POST", "/routes", R"({"pattern":"a.b","script":"hello"})").status == 201);
  const std::string tokenId = api.call("GET", "/whoami").json()["token_id"];

  api.token = api.stranger();
  CHECK(api.call("GET", "/scripts").json()["scripts"].empty());
  CHECK(api.call("GET", "/kv/namespaces").json()["namespaces"].empty());
  CHECK(api.call("GET", "/routes").json()["routes"].empty());
  const std::pair<const char*, std::string> kCalls[] = {
      {"GET", "/scripts/hello"},
      {"GET", "/scripts/hello/versions"},
      {"GET", "/scripts/hello/deployments"},
      {"POST", "/scripts/hello/rollback"},
      {"DELETE", "/scripts/hello"},
      {"DELETE", "/routes?pattern=a.b"},
      {"GET", space + "/keys"},
      {"GET", space + "/values/k"},
      {"PUT", space + "/values/k"},
      {"DELETE", space + "/values/k"},
      {"DELETE", space},
      {"DELETE", "/tokens/" + tokenId},
  };
  for (const auto& [method, path] : kCalls) {
    CAPTURE(path);
    CHECK(api.call(method, path).status == 404);
  }
  const Reply bound = api.upload(
      "/scripts/thief/deploy", "x",
      Json({{"main_module", "index.js"},
            {"bindings",
             {{{"type", "kv_namespace"}, {"name", "K"}, {"namespace_id", space.substr(15)}}}}})
          .dump());
  CHECK(bound.status == 404);
}

TEST_CASE("requests that a browser was tricked into are refused") {
  Api api;
  auto rebound = api.head("GET", "/api/v1/healthz", api.owner);
  rebound->authority = "evil.example:9090";
  CHECK(api.run(std::move(rebound), "").status == 403);
  CHECK(
      api.run(api.head("GET", "/api/v1/whoami", api.owner, {{"origin", "http://evil.example"}}), "")
          .status == 403);
  CHECK(api.run(api.head("GET", "/api/v1/whoami", api.owner, {{"origin", "http://127.0.0.1:9090"}}),
                "")
            .status == 200);
}

TEST_CASE("paths and methods that are not there say so; broken ones are 400") {
  Api api;
  CHECK(api.run(api.head("GET", "/", api.owner), "").status == 404);
  CHECK(api.run(api.head("GET", "/client/v5/user", api.owner), "").status == 404);
  CHECK(api.run(api.head("OPTIONS", "*", api.owner), "").status == 404);
  const Reply method = api.call("PATCH", "/scripts");
  CHECK(method.status == 405);
  CHECK(method.headers.find("allow") == "GET");
  CHECK(api.call("GET", "/scripts/%").status == 400);
  CHECK(api.call("GET", "/scripts?a=1&a=2").status == 400);
  for (const char* const body :
       {"{", "[]", "\"x\"", "{\"title\":1}", "{\"titel\":\"x\"}", "\xff"}) {
    CAPTURE(body);
    CHECK(api.call("POST", "/kv/namespaces", body).status == 400);
  }
}

TEST_CASE("bodies are bounded, alone and together, and not read before the token is known") {
  Api api({.bodyBytesMax = 4000, .pendingBytesMax = 5000});
  CHECK(api.upload("/scripts/a/deploy", std::string(5000, 'x')).status == 413);

  FakeExchange unknown;
  auto head = api.head("POST", "/api/v1/scripts/a/deploy", "wrong");
  head->body = http::BodyKind::Unknown;
  api.handler->onRequest(unknown, std::move(head));
  while (!unknown.answered) api.loop.run(true);
  CHECK(unknown.head.status == 401);
  CHECK_FALSE(unknown.bodyWanted);
  unknown.sink->onClosed({});

  const auto open = [&](FakeExchange& exchange) {
    auto request = api.head("POST", "/api/v1/scripts/a/deploy", api.owner);
    request->body = http::BodyKind::Unknown;
    api.handler->onRequest(exchange, std::move(request));
    while (!exchange.bodyWanted) api.loop.run(true);
  };
  FakeExchange first;
  FakeExchange second;
  open(first);
  open(second);
  first.sink->onBody(Bytes(std::string(3500, 'x')));
  CHECK(first.consumedBytes == 3500);
  CHECK(api.handler->pendingBytes() == 3500);
  second.sink->onBody(Bytes(std::string(1600, 'x')));
  CHECK(second.head.status == 503);
  CHECK(second.head.headers.find("retry-after").has_value());
  first.sink->onBody(Bytes(std::string(501, 'x')));
  CHECK(first.head.status == 413);
  first.sink->onBody(Bytes(std::string(100, 'x')));  // What was on its way is dropped.
  first.sink->onClosed({});
  second.sink->onClosed({});
  CHECK(api.handler->pendingBytes() == 0);
}

TEST_CASE("a client that goes away at any point is let go, and a commit begun is finished") {
  Api api;
  const auto gone = fail(ErrorCode::Aborted, "gone");
  {  // While the token is looked up.
    FakeExchange exchange;
    api.handler->onRequest(exchange, api.head("GET", "/api/v1/scripts", api.owner));
    exchange.sink->onClosed(gone);
  }
  {  // In the middle of the body.
    FakeExchange exchange;
    auto head = api.head("POST", "/api/v1/kv/namespaces", api.owner);
    head->body = http::BodyKind::Unknown;
    api.handler->onRequest(exchange, std::move(head));
    while (!exchange.bodyWanted) api.loop.run(true);
    exchange.sink->onBody(Bytes(std::string("{\"title\":")));
    exchange.sink->onClosed(gone);
    CHECK(api.handler->pendingBytes() == 0);
  }
  {  // While it runs.
    std::latch running(1);
    std::latch mayEnd(1);
    api.validate = [&](const deploy::Version&) {
      running.count_down();
      mayEnd.wait();
      return Result<>();
    };
    FakeExchange exchange;
    auto head = api.head("POST", "/api/v1/scripts/left/deploy", api.owner,
                         {{"content-type", "multipart/form-data; boundary=b"}});
    head->body = http::BodyKind::Unknown;
    api.handler->onRequest(exchange, std::move(head));
    while (!exchange.bodyWanted) api.loop.run(true);
    exchange.sink->onBody(Bytes(std::string(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n"
        "{\"main_module\":\"a.js\"}\r\n--b\r\nContent-Disposition: form-data; name=\"a.js\"\r\n"
        "Content-Type: application/javascript+module\r\n\r\nx\r\n--b--")));
    exchange.sink->onBodyEnd({});
    running.wait();
    exchange.sink->onClosed(gone);
    CHECK(api.handler->pendingBytes() > 0);
    mayEnd.count_down();
    while (api.handler->pendingBytes() > 0) api.loop.run(true);
    CHECK_FALSE(exchange.answered);
  }
  CHECK(api.call("GET", "/scripts/left").status == 200);
}

TEST_CASE("what wrangler calls answers in its envelope, for the token's own account only") {
  Api api;
  const auto get = [&](const std::string& target, const std::string& token) {
    return api.run(api.head("GET", "/client/v4" + target, token), "");
  };
  CHECK(get("/user/tokens/verify", api.owner).json()["result"]["status"] == "active");
  const Json account = get("/accounts", api.owner).json()["result"][0];
  CHECK(account["name"] == "default");
  for (const std::string& name : {std::string("default"), account["id"].get<std::string>()}) {
    const Reply scripts = get("/accounts/" + name + "/workers/scripts", api.owner);
    CHECK(scripts.status == 200);
    CHECK(scripts.json()["success"] == true);
  }
  const auto codeOf = [](const Reply& reply) {
    CHECK(reply.json()["success"] == false);
    CHECK(reply.json()["result"].is_null());
    return reply.json()["errors"][0]["code"].get<int>();
  };
  CHECK(codeOf(get("/accounts/other/workers/scripts", api.owner)) == 9109);
  CHECK(codeOf(get("/accounts/default/workers/scripts", "wrong")) == 10000);
  CHECK(codeOf(get("/accounts/default/workers/services/none", api.owner)) == 10007);
  CHECK(codeOf(get("/accounts/default/queues?page=1", api.owner)) == 10400);
  CHECK(codeOf(get("/nothing", api.owner)) == 7003);
}

TEST_CASE("wrangler's routes leave the custom domains that came first") {
  Api api;
  REQUIRE(api.upload("/scripts/hello/deploy", "x").status == 200);
  const std::string base = "/client/v4/accounts/default/workers/scripts/hello";
  const auto put = [&](const std::string& path) { return api.head("PUT", base + path, api.owner); };
  api.run(put("/domains/records"), R"({"origins":[{"hostname":"a.test"}]})");
  CHECK(api.run(put("/routes"), R"([{"pattern":"b.test/*"}])").status == 200);
  CHECK(api.call("GET", "/routes").json()["routes"].size() == 2);
}

TEST_CASE("a token of one script is held to it by wrangler's paths too") {
  Api api;
  const Reply made = api.call("POST", "/tokens", R"({"name":"x","role":"deployer","script":"a"})");
  const std::string token = made.json()["token"];
  const auto status = [&](const std::string& path) {
    return api.run(api.head("GET", "/client/v4/accounts/default" + path, token), "").status;
  };
  CHECK(status("/workers/scripts/a/secrets") == 404);
  CHECK(status("/workers/services/a") == 404);
  CHECK(status("/workers/workers/a") == 404);
  CHECK(status("/workers/scripts/b/secrets") == 403);
  CHECK(status("/workers/services/b") == 403);
  CHECK(status("/workers/scripts") == 403);
  CHECK(status("/storage/kv/namespaces") == 403);
}

}  // namespace atolld::control
