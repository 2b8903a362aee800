// The Cache API: what is asked of the host, and what a script makes of the answers.

#include <doctest/doctest.h>

#include "isolate/cache_question.h"
#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

/// A script whose handler's answer is the value of `expression`, as JSON, or what it throws.
TestScript caching(const std::string& expression) {
  return TestScript("export default { async fetch(request, env, ctx) { try { const v = await (" +
                    expression +
                    "); return v instanceof Response ? v : new Response(JSON.stringify(v)); }"
                    " catch (error) { return new Response(`${error.name}: ${error.message}`); }"
                    " } };");
}

host::FetchStart question(TestScript& script) {
  host::Outbox outbox = script.run(script.request());
  auto* const asked = find<host::FetchStart>(outbox);
  if (asked == nullptr) checkFailed(bodyText(response(outbox)));
  CHECK(asked->head->scheme == host::kCacheScheme);
  return std::move(*asked);
}

}  // namespace

TEST_CASE("match() asks with the URL and the request's headers, and gives what the host has") {
  TestScript script = caching(
      "caches.default.match(new Request('http://o.test/a?b#c', {headers: {range: 'bytes=1-2'}}))");
  const host::FetchStart asked = question(script);
  CHECK(asked.head->method == host::kCacheMatch);
  CHECK(asked.head->authority == "");
  CHECK(asked.head->target == "http://o.test/a?b");
  CHECK(asked.head->headers.find(":range") == "bytes=1-2");
  host::FetchedResponse found;
  found.head.status = 206;
  found.head.headers.add("cf-cache-status", "HIT");
  found.body = host::BodyRef{2, 2};
  host::Outbox outbox = script.run(host::OpDone{asked.op, std::move(found)});
  CHECK(response(outbox).head.status == 206);
  CHECK(header(response(outbox), "cf-cache-status") == "HIT");
  CHECK(std::get<host::BodyRef>(response(outbox).body).id == 2);
}

TEST_CASE("What is not there is undefined, and so is any method but GET") {
  TestScript script = caching("caches.default.match('http://o.test/').then(String)");
  const host::FetchStart asked = question(script);
  host::Outbox outbox = script.run(host::OpDone{asked.op, std::monostate{}});
  CHECK(bodyText(response(outbox)) == "\"undefined\"");
  CHECK(
      caching("caches.default.match(new Request('http://o.test/', {method: 'POST'})).then(String)")
          .text() == "\"undefined\"");
  CHECK(caching("caches.default.delete(new Request('http://o.test/', {method: 'PUT'}))").text() ==
        "false");
  TestScript ignoring = caching(
      "caches.default.match(new Request('http://o.test/', {method: 'POST', body: 'x'}),"
      " {ignoreMethod: true})");
  CHECK(question(ignoring).head->method == host::kCacheMatch);
}

TEST_CASE("put() hands over status, headers and body; named caches are apart") {
  TestScript script = caching(
      "caches.open('mine').then((c) => c.put('http://o.test/', new Response('body', {status: 203,"
      " headers: {'x-a': '1', 'cf-cache-status': 'HIT'}})))");
  const host::FetchStart asked = question(script);
  CHECK(asked.head->method == host::kCachePut);
  CHECK(asked.head->authority == "named:mine");
  CHECK(asked.head->headers.find(host::kStatusField) == "203");
  CHECK(asked.head->headers.find("x-a") == "1");
  CHECK(asked.head->headers.find("content-type") == "text/plain;charset=UTF-8");
  CHECK_FALSE(asked.head->headers.find("cf-cache-status").has_value());
  CHECK(std::get<Bytes>(asked.body).view() == "body");
  CHECK(count<host::Done>(script.run(host::OpDone{asked.op, std::monostate{}})) == 1);
}

TEST_CASE("put() refuses what Workers refuse, in their words") {
  for (const auto& [expression, said] :
       {std::pair{"caches.default.put(new Request('http://o.test/', {method: 'POST'}),"
                  " new Response())",
                  "TypeError: Cannot cache response to non-GET request."},
        std::pair{"caches.default.put('http://o.test/', new Response('', {status: 206}))",
                  "TypeError: Cannot cache response to a range request (206 Partial Content)."},
        std::pair{
            "caches.default.put('http://o.test/', new Response('', {headers: {vary: 'a, *'}}))",
            "TypeError: Cannot cache response with 'Vary: *' header."},
        std::pair{"caches.default.put('http://o.test/', {})",
                  "TypeError: Failed to execute 'put' on 'Cache': argument 2 is not a Response."},
        std::pair{"caches.default.put('ftp://o.test/', new Response())",
                  "TypeError: Failed to execute 'put' on 'Cache': only http: and https: URLs can "
                  "be cached."},
        std::pair{"caches.open('x'.repeat(1025))",
                  "TypeError: Cache name is too long: 1024 characters at the most."},
        std::pair{"(async () => { const r = new Response('x'); await r.text();"
                  " await caches.default.put('http://o.test/', r); })()",
                  "TypeError: Body has already been used. It can only be used once. Use tee() "
                  "first if you need to read it twice."},
        std::pair{"new Cache()", "TypeError: Illegal constructor"},
        std::pair{"new CacheStorage()", "TypeError: Illegal constructor"}}) {
    CAPTURE(expression);
    CHECK(caching(expression).text() == said);
  }
}

TEST_CASE("A fetched body goes into the cache without entering JavaScript") {
  TestScript script(R"js(
    export default { async fetch(request, env, ctx) {
      const r = await fetch("http://o.test/");
      await caches.default.put("http://o.test/", r);
      return new Response("done");
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  host::FetchedResponse fetched;
  fetched.head.headers.add("content-encoding", "gzip");
  fetched.body = host::BodyRef{2, 100};
  outbox = script.run(host::OpDone{find<host::FetchStart>(outbox)->op, std::move(fetched)});
  REQUIRE(outbox.size() == 1);
  const auto& asked = std::get<host::FetchStart>(outbox[0]);
  CHECK(std::get<host::BodyRef>(asked.body).id == 2);
  CHECK(std::get<host::BodyRef>(asked.body).length == 100);
  CHECK(asked.head->headers.find("content-encoding") == "gzip");
}

TEST_CASE("delete() says whether there was something") {
  for (const bool there : {false, true}) {
    TestScript script = caching("caches.default.delete('http://o.test/')");
    const host::FetchStart asked = question(script);
    CHECK(asked.head->method == host::kCacheDelete);
    host::OpValue answer;
    if (there) answer = host::FetchedResponse{};
    host::Outbox outbox = script.run(host::OpDone{asked.op, std::move(answer)});
    CHECK(bodyText(response(outbox)) == (there ? "true" : "false"));
  }
}

}  // namespace atolld::webapi
