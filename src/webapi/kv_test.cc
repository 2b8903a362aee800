// env.<KV binding>: what is asked of the host, the forms of answers, and the texts of refusals.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

TestScript kvScript(std::string expression) {
  return TestScript(
      "export default { async fetch(request, { KV }) { try {"
      "const value = await (" +
          std::move(expression) +
          ");"
          "return new Response(value instanceof ReadableStream ? value :"
          " JSON.stringify(value instanceof Map ? [...value] :"
          " value instanceof ArrayBuffer ? [...new Uint8Array(value)] :"
          " value === undefined ? 'undefined' : value));"
          "} catch (error) { return new Response(`${error.name}: ${error.message}`); }"
          "} };",
      {deploy::KvBinding{"KV", "ns1"}});
}

store::KvEntry entry(std::string value, std::optional<std::string> metadata = std::nullopt) {
  return {Bytes(std::move(value)), std::move(metadata), std::nullopt};
}

/// What the script answers when the host gives that entry.
std::string answered(std::string expression, std::optional<store::KvEntry> value) {
  TestScript script = kvScript(std::move(expression));
  host::Outbox outbox = script.run(script.request());
  const auto* const get = find<host::KvGet>(outbox);
  REQUIRE(get != nullptr);
  CHECK(get->namespaceId == "ns1");
  CHECK(get->invocation == 1);
  outbox = script.run(host::OpDone{get->op, std::move(value)});
  std::string text = bodyText(response(outbox));
  if (const auto* const write = find<host::BodyWrite>(outbox)) text += write->bytes.view();
  return text;
}

std::string refused(std::string expression) {
  TestScript script = kvScript(std::move(expression));
  host::Outbox outbox = script.run(script.request());
  CHECK(count<host::KvGet>(outbox) + count<host::KvWrite>(outbox) + count<host::KvList>(outbox) ==
        0);
  return bodyText(response(outbox));
}

}  // namespace

TEST_CASE("KV.get() gives each form, and null for what is not there") {
  CHECK(answered("KV.get('k')", entry("h\xC3\xA9")) == "\"h\xC3\xA9\"");
  CHECK(answered("KV.get('k', 'text')", entry("x")) == "\"x\"");
  CHECK(answered("KV.get('k', { type: 'json', cacheTtl: 60 })", entry("{\"a\":1}")) == "{\"a\":1}");
  CHECK(answered("KV.get('k', 'arrayBuffer')", entry("ab")) == "[97,98]");
  CHECK(answered("KV.get('k', 'stream')", entry("flow")) == "flow");
  CHECK(answered("KV.get('k')", std::nullopt) == "null");
  CHECK(answered("KV.get('k', 'json')", entry("{")).starts_with("SyntaxError: "));
}

TEST_CASE("KV.getWithMetadata() gives value and metadata") {
  CHECK(answered("KV.getWithMetadata('k')", entry("v", "{\"m\":1}")) ==
        R"({"value":"v","metadata":{"m":1},"cacheStatus":null})");
  CHECK(answered("KV.getWithMetadata('k', 'json')", entry("[]")) ==
        R"({"value":[],"metadata":null,"cacheStatus":null})");
  CHECK(answered("KV.getWithMetadata('k')", std::nullopt) ==
        R"({"value":null,"metadata":null,"cacheStatus":null})");
}

TEST_CASE("KV.get() of several keys gives a Map in their order") {
  TestScript script = kvScript("KV.get(['a', 'b'], 'json')");
  host::Outbox outbox = script.run(script.request());
  REQUIRE(count<host::KvGet>(outbox) == 2);
  const auto first = std::get<host::KvGet>(outbox[0]).op;
  const auto second = std::get<host::KvGet>(outbox[1]).op;
  script.run(host::OpDone{second, std::optional<store::KvEntry>()});
  outbox = script.run(host::OpDone{first, std::optional(entry("1"))});
  CHECK(bodyText(response(outbox)) == R"([["a",1],["b",null]])");
}

TEST_CASE("KV.put() hands over strings, buffers and streams, with expiry and metadata") {
  const auto put = [](std::string expression) {
    TestScript script = kvScript(std::move(expression));
    host::Outbox outbox = script.run(script.request());
    auto* const write = find<host::KvWrite>(outbox);
    REQUIRE(write != nullptr);
    CHECK(write->namespaceId == "ns1");
    REQUIRE(write->puts.size() == 1);
    store::KvPut made = write->puts[0];
    outbox = script.run(host::OpDone{write->op, std::monostate{}});
    CHECK(bodyText(response(outbox)) == "\"undefined\"");
    return made;
  };
  CHECK(put("KV.put('k\xC3\xA9', 'v\xC3\xA9')").key == "k\xC3\xA9");
  CHECK(put("KV.put('k', 'v\xC3\xA9')").value.view() == "v\xC3\xA9");
  CHECK(put("KV.put('k', new Uint8Array([1, 2, 3]).subarray(1))").value.view() == "\x02\x03");
  CHECK(put("KV.put('k', new Uint8Array([65]).buffer)").value.view() == "A");
  CHECK(put("KV.put('k', new Response('stream').body)").value.view() == "stream");
  CHECK_FALSE(put("KV.put('k', '')").expirationSeconds.has_value());
  CHECK(put("KV.put('k', '', { expiration: 4000000000 })").expirationSeconds == 4000000000);
  CHECK(put("KV.put('k', '', { expirationTtl: 60 })").expirationSeconds.value() > 1700000000);
  CHECK(put("KV.put('k', '', { metadata: { a: [1] } })").metadata == "{\"a\":[1]}");
}

TEST_CASE("KV.delete() takes one key or several") {
  TestScript script = kvScript("KV.delete(['a', 'b'])");
  host::Outbox outbox = script.run(script.request());
  CHECK(find<host::KvWrite>(outbox)->removals == std::vector<std::string>{"a", "b"});
  TestScript one = kvScript("KV.delete('a')");
  outbox = one.run(one.request());
  CHECK(find<host::KvWrite>(outbox)->removals == std::vector<std::string>{"a"});
}

TEST_CASE("KV.list() gives names, expiry, metadata and a cursor where there is more") {
  TestScript script = kvScript("KV.list({ prefix: 'p', limit: 2, cursor: 'c' })");
  host::Outbox outbox = script.run(script.request());
  const auto& list = *find<host::KvList>(outbox);
  CHECK(list.prefix == "p");
  CHECK(list.limit == 2);
  CHECK(list.cursor == "c");
  store::KvListing listing;
  listing.keys.push_back({"pa", 4000000000, "{\"m\":1}"});
  listing.keys.push_back({"pb", std::nullopt, std::nullopt});
  listing.cursor = "next";
  outbox = script.run(host::OpDone{list.op, listing});
  CHECK(bodyText(response(outbox)) ==
        R"({"list_complete":false,"keys":[{"name":"pa","expiration":4000000000,)"
        R"("metadata":{"m":1}},{"name":"pb"}],"cursor":"next","cacheStatus":null})");
  TestScript all = kvScript("KV.list()");
  outbox = all.run(all.request());
  CHECK(find<host::KvList>(outbox)->limit == 1000);
  CHECK_FALSE(find<host::KvList>(outbox)->cursor.has_value());
  outbox = all.run(host::OpDone{find<host::KvList>(outbox)->op, store::KvListing{}});
  CHECK(bodyText(response(outbox)) == R"({"list_complete":true,"keys":[],"cacheStatus":null})");
}

TEST_CASE("KV refuses what Workers refuse, in their words") {
  for (const auto& [expression, text] :
       {std::pair{"KV.get('')", "TypeError: Key name cannot be empty."},
        std::pair{"KV.get('.')", "TypeError: \".\" is not allowed as a key name."},
        std::pair{"KV.put('..', '')", "TypeError: \"..\" is not allowed as a key name."},
        std::pair{
            "KV.get('x'.repeat(513))",
            "Error: KV GET failed: 414 UTF-8 encoded length of 513 exceeds key length limit of "
            "512."},
        std::pair{
            "KV.put('\\u00e9'.repeat(257), '')",
            "Error: KV PUT failed: 414 UTF-8 encoded length of 514 exceeds key length limit of "
            "512."},
        std::pair{
            "KV.delete('x'.repeat(600))",
            "Error: KV DELETE failed: 414 UTF-8 encoded length of 600 exceeds key length limit "
            "of 512."},
        std::pair{"KV.get('k', 'blob')",
                  "TypeError: Unknown response type. Possible types are \"text\", \"arrayBuffer\", "
                  "\"json\", and \"stream\"."},
        std::pair{"KV.put('k', {})",
                  "TypeError: KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and "
                  "ReadableStreams as values."},
        std::pair{
            "KV.put('k', '', { expirationTtl: 59 })",
            "Error: KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at "
            "least 60."},
        std::pair{"KV.put('k', '', { expirationTtl: 'x' })",
                  "Error: KV PUT failed: 400 Invalid expiration_ttl of x. Please specify integer "
                  "greater than 0."},
        std::pair{
            "KV.put('k', '', { expiration: 5 })",
            "Error: KV PUT failed: 400 Invalid expiration of 5. Please specify integer greater "
            "than the current number of seconds since the UNIX epoch."},
        std::pair{"KV.put('k', '', { metadata: 'x'.repeat(1023) })",
                  "Error: KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024."},
        std::pair{"KV.put('k', new Uint8Array(26214401))",
                  "Error: KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400."},
        std::pair{
            "KV.list({ limit: 0 })",
            "Error: KV GET failed: 400 Invalid key_count_limit of 0. Please specify an integer "
            "greater than 0."},
        std::pair{"KV.list({ limit: 1001 })",
                  "Error: KV GET failed: 400 Invalid key_count_limit of 1001. Please specify an "
                  "integer less than 1000."},
        std::pair{"KV.get(Array(101).fill('k'))",
                  "Error: KV GET_BULK failed: 400 You can request a maximum of 100 keys"},
        std::pair{"KV.get(['k'], 'stream')",
                  "Error: KV GET_BULK failed: 400 \"stream\" is not a valid type. Use \"json\" or "
                  "\"text\""},
        std::pair{
            "KV.get()",
            "TypeError: Failed to execute 'get' on 'KvNamespace': 1 argument required, but only "
            "0 present."},
        std::pair{"KV.put('k')",
                  "TypeError: Failed to execute 'put' on 'KvNamespace': 2 arguments required, but "
                  "only 1 present."},
        std::pair{"new KV.constructor()", "TypeError: Illegal constructor"}}) {
    CAPTURE(expression);
    CHECK(refused(expression) == text);
  }
}

TEST_CASE("A question that the host cannot answer rejects with its reason") {
  TestScript script = kvScript("KV.put('k', 'v')");
  host::Outbox outbox = script.run(script.request());
  outbox = script.run(host::OpDone{find<host::KvWrite>(outbox)->op,
                                   Error{ErrorCode::Unavailable, "the control plane is away"}});
  CHECK(bodyText(response(outbox)) == "Error: KV PUT failed: 503 the control plane is away");
}

}  // namespace atolld::webapi
