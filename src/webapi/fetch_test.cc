// fetch(): what is asked of the host, and what a script makes of the answers.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

host::OpDone answer(host::OpId op, int status, std::string location = "", host::Body body = {}) {
  host::FetchedResponse response;
  response.head.status = status;
  response.head.reason = "Why";
  if (!location.empty()) response.head.headers.add("location", location);
  response.head.headers.add("x-a", "1");
  response.body = std::move(body);
  return {op, std::move(response)};
}

std::string urlOf(const host::FetchStart& fetch) {
  return fetch.head->scheme + "://" + fetch.head->authority + fetch.head->target;
}

/// A script whose handler fetches by `expression` and answers with what `show` makes of it.
TestScript fetching(std::string expression) {
  return TestScript("export default { async fetch(request, env, ctx) { try { const r = await " +
                    std::move(expression) +
                    "; return r; } catch (error) {"
                    " return new Response(`${error.name}: ${error.message}`); } } };");
}

}  // namespace

TEST_CASE("fetch() asks the host for one exchange, and its Response passes straight through") {
  TestScript script = fetching(
      "fetch('https://Origin.test:8443/a/../b?c#frag', { method: 'post', body: 'data',"
      " headers: { 'X-Key': 'v', host: 'evil', connection: 'close' } })");
  host::Outbox outbox = script.run(script.request());
  REQUIRE(outbox.size() == 1);
  const auto& fetch = std::get<host::FetchStart>(outbox[0]);
  CHECK(fetch.invocation == 1);
  CHECK(fetch.head->method == "POST");
  CHECK(urlOf(fetch) == "https://origin.test:8443/b?c");
  CHECK(fetch.head->headers.find("x-key") == "v");
  CHECK(fetch.head->headers.find("content-type") == "text/plain;charset=UTF-8");
  CHECK(fetch.head->headers.find("accept-encoding") == "gzip, br");
  CHECK(fetch.head->headers.find("accept") == "*/*");
  CHECK(fetch.head->headers.find("user-agent") == "Atoll");
  CHECK_FALSE(fetch.head->headers.find("host").has_value());
  CHECK_FALSE(fetch.head->headers.find("connection").has_value());
  CHECK(std::get<Bytes>(fetch.body).view() == "data");
  outbox = script.run(answer(fetch.op, 418, "", host::BodyRef{6, 10}));
  CHECK(response(outbox).head.status == 418);
  CHECK(header(response(outbox), "x-a") == "1");
  CHECK(std::get<host::BodyRef>(response(outbox).body).id == 6);
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("A fetched Response has the answer's parts, and cannot be changed but copied") {
  TestScript script = fetching(R"js(
    (async () => {
      const r = await fetch("http://o.test/#x");
      let error;
      try { r.headers.set("a", "b"); } catch (e) { error = e.name; }
      const copy = new Response(r.body, r);
      copy.headers.set("x-a", "2");
      return Response.json([r.status, r.ok, r.url, r.redirected, r.headers.get("x-a"), error,
        copy.headers.get("x-a"), await copy.text(), r.type, r.statusText, copy.statusText]);
    })()
  )js");
  host::Outbox outbox = script.run(script.request());
  outbox = script.run(
      answer(find<host::FetchStart>(outbox)->op, 200, "", Bytes(std::string("h\xC3\xA9"))));
  CHECK(bodyText(response(outbox)) ==
        "[200,true,\"http://o.test/\",false,\"1\",\"TypeError\",\"2\",\"h\xC3\xA9\","
        "\"basic\",\"Why\",\"Why\"]");
}

TEST_CASE("A request's cache mode is said to the caches on the way") {
  const auto sent = [](const std::string& init) {
    TestScript script = fetching("fetch('http://o.test/', {" + init + "})");
    host::Outbox outbox = script.run(script.request());
    const http::HeaderList& headers = find<host::FetchStart>(outbox)->head->headers;
    return std::string(headers.find("cache-control").value_or("-")) + " " +
           std::string(headers.find("pragma").value_or("-"));
  };
  CHECK(sent("") == "- -");
  CHECK(sent("cache: 'default'") == "- -");
  CHECK(sent("cache: 'force-cache'") == "- -");
  CHECK(sent("cache: 'no-cache'") == "max-age=0 -");
  CHECK(sent("cache: 'no-store'") == "no-cache no-cache");
  CHECK(sent("cache: 'reload'") == "no-cache no-cache");
  CHECK(sent("cache: 'no-store', headers: {'cache-control': 'mine'}") == "mine no-cache");
}

TEST_CASE("A proxied request goes out with method, headers and body as they came") {
  TestScript script =
      fetching("fetch(new Request('http://origin.test' + new URL(request.url).pathname, request))");
  host::FetchEvent event = script.request("/path");
  event.head->method = "PUT";
  event.head->headers.add("authorization", "secret");
  event.head->body = http::BodyKind::Unknown;
  event.body = host::BodyRef{2, std::nullopt};
  host::Outbox outbox = script.run(std::move(event));
  REQUIRE(outbox.size() == 1);
  const auto& fetch = std::get<host::FetchStart>(outbox[0]);
  CHECK(fetch.head->method == "PUT");
  CHECK(urlOf(fetch) == "http://origin.test/path");
  CHECK(fetch.head->headers.find("authorization") == "secret");
  CHECK(std::get<host::BodyRef>(fetch.body).id == 2);
  // An incoming request's redirect mode is manual: the client follows by itself.
  outbox = script.run(answer(fetch.op, 302, "/elsewhere"));
  CHECK(response(outbox).head.status == 302);
  CHECK(header(response(outbox), "location") == "/elsewhere");
}

TEST_CASE("Redirects are followed with the standard's method, body and credential rules") {
  struct Row {
    int status;
    std::string method, location, nextUrl, nextMethod;
    bool body, authorization;
  };
  for (const Row& row :
       {Row{301, "POST", "/n", "http://o.test/n", "GET", false, true},
        Row{302, "POST", "?q", "http://o.test/a?q", "GET", false, true},
        Row{303, "PUT", "/n", "http://o.test/n", "GET", false, true},
        Row{303, "POST", "/n", "http://o.test/n", "GET", false, true},
        Row{307, "POST", "/n", "http://o.test/n", "POST", true, true},
        Row{308, "PUT", "/n", "http://o.test/n", "PUT", true, true},
        Row{302, "PUT", "/n", "http://o.test/n", "PUT", true, true},
        Row{307, "POST", "http://other.test/n", "http://other.test/n", "POST", true, false},
        Row{307, "POST", "https://o.test/n", "https://o.test/n", "POST", true, false},
        Row{307, "POST", "//o.test:81/n", "http://o.test:81/n", "POST", true, false}}) {
    CAPTURE(row.status);
    CAPTURE(row.location);
    TestScript script =
        fetching("fetch('http://o.test/a', { method: '" + row.method +
                 "', body: 'data', headers: { authorization: 'x', cookie: 'y' } })");
    host::Outbox outbox = script.run(script.request());
    outbox = script.run(
        answer(find<host::FetchStart>(outbox)->op, row.status, row.location, host::BodyRef{8, {}}));
    CHECK(find<host::BodyCancel>(outbox)->body == 8);
    const auto* const next = find<host::FetchStart>(outbox);
    REQUIRE(next != nullptr);
    CHECK(urlOf(*next) == row.nextUrl);
    CHECK(next->head->method == row.nextMethod);
    CHECK(std::holds_alternative<Bytes>(next->body) == row.body);
    CHECK(next->head->headers.find("content-type").has_value() == row.body);
    CHECK(next->head->headers.find("authorization").has_value() == row.authorization);
    CHECK(next->head->headers.find("cookie").has_value() == row.authorization);
  }
}

TEST_CASE("Redirects end: after twenty, at other schemes, by mode, and for bodies already sent") {
  const auto run = [](std::string expression, std::string location, int hops, int status = 302) {
    TestScript script = fetching(std::move(expression));
    host::Outbox outbox = script.run(script.request());
    for (int i = 0; i < hops; ++i) {
      const auto* const fetch = find<host::FetchStart>(outbox);
      REQUIRE(fetch != nullptr);
      outbox = script.run(answer(fetch->op, status, location));
    }
    return find<host::Respond>(outbox) == nullptr ? "(goes on)" : bodyText(response(outbox));
  };
  CHECK(run("fetch('http://o.test/')", "/again", 20) == "(goes on)");
  CHECK(run("fetch('http://o.test/')", "/again", 21).starts_with("TypeError: Too many redirects"));
  CHECK(run("fetch('http://o.test/')", "file:///etc/passwd", 1)
            .starts_with("TypeError: Fetch API cannot load: file:///etc/passwd"));
  CHECK(
      run("fetch('http://o.test/')", "http://", 1).starts_with("TypeError: http://o.test/ redir"));
  CHECK(run("fetch('http://o.test/', { redirect: 'error' })", "/x", 1)
            .starts_with("TypeError: Fetch of http://o.test/ was redirected"));
  CHECK(run("(async () => Response.json([(await fetch('http://o.test/', { redirect: 'manual' }))"
            ".status]))()",
            "/x", 1) == "[302]");
  CHECK(run("fetch('http://o.test/', { method: 'POST', body: new ReadableStream() })", "/x", 1, 307)
            .find("a stream can be sent only once") != std::string::npos);
}

TEST_CASE("A beacon is sent after the response, and keeps the invocation open until it was") {
  TestScript script(
      "export default { fetch() { return new Response("
      "String(navigator.sendBeacon('https://collect.test/x', 'seen'))) } }");
  host::Outbox outbox = script.run(script.request());
  CHECK(response(outbox).head.status == 200);
  const auto* const fetch = find<host::FetchStart>(outbox);
  REQUIRE(fetch != nullptr);
  CHECK(fetch->head->method == "POST");
  CHECK(urlOf(*fetch) == "https://collect.test/x");
  CHECK(std::get<Bytes>(fetch->body).view() == "seen");
  CHECK(count<host::Done>(outbox) == 0);
  outbox = script.run(answer(fetch->op, 500, "", host::BodyRef{6, 10}));
  CHECK(count<host::Done>(outbox) == 1);
  CHECK(evaluate("navigator.sendBeacon('/relative')").starts_with("TypeError"));
}

TEST_CASE("fetch() refuses what it cannot send, by rejecting") {
  for (const auto& [expression, problem] :
       {std::pair{"fetch('/relative')", "TypeError: Failed to execute 'fetch': Invalid URL"},
        std::pair{"fetch('ftp://x/')", "TypeError: Fetch API cannot load: ftp://x/"},
        std::pair{"fetch('data:x')", "TypeError: Failed to fetch: the data: URL has no comma"},
        std::pair{"fetch('blob:x')", "TypeError: Failed to fetch blob:x: there is no such blob"},
        std::pair{"fetch('http://x', { cache: 'only-if-cached', mode: 'same-origin' })",
                  "TypeError: Failed to fetch http://x/: fetch() has no cache"},
        std::pair{"fetch()", "TypeError: Failed to execute 'fetch': 1 argument required"},
        std::pair{"fetch('http://x', { body: 'x' })", "TypeError: Request with a GET or HEAD"},
        std::pair{"fetch('http://x', { headers: { 'a b': '' } })", "TypeError: Failed to"},
        std::pair{"fetch('http://u:p@x/')",
                  "TypeError: Failed to execute 'fetch': the URL contains"},
        std::pair{"fetch('http://x', { signal: AbortSignal.abort('why') })",
                  "undefined: undefined"}}) {
    CAPTURE(expression);
    TestScript script = fetching(expression);
    host::Outbox outbox = script.run(script.request());
    CHECK(count<host::FetchStart>(outbox) == 0);
    CHECK(bodyText(response(outbox)).starts_with(problem));
  }
}

TEST_CASE(
    "Aborting a fetch's signal breaks the response's body, being read, read later, or cloned") {
  for (const char* const read :
       {"const p = r.text(); c.abort('why'); await p", "c.abort('why'); await r.text()",
        "c.abort('why'); await r.blob()",
        "const s = r.body.getReader(); c.abort('why'); await s.read()",
        "const s = r.body.getReader(), p = s.read(); c.abort('why'); await p",
        "c.abort('why'); await r.body.getReader().read()",
        "const k = r.clone(); c.abort('why'); await k.text()"}) {
    CAPTURE(read);
    TestScript script(
        "export default { async fetch() { const c = new AbortController();"
        " const r = await fetch('http://o.test/', { signal: c.signal });"
        " try { " +
        std::string(read) + " } catch (e) { return new Response(`caught ${e}`); } } };");
    host::Outbox outbox = script.run(script.request());
    outbox = script.run(
        answer(find<host::FetchStart>(outbox)->op, 200, "", host::BodyRef{6, std::nullopt}));
    CHECK(bodyText(response(outbox)) == "caught why");
    CHECK(find<host::BodyCancel>(outbox)->body == 6);
  }
}

TEST_CASE("A signal that is aborted once the body was read changes nothing") {
  TestScript script(
      "export default { async fetch() { const c = new AbortController();"
      " const r = await fetch('http://o.test/', { signal: c.signal });"
      " const text = await r.text(); c.abort(); return new Response(text); } };");
  host::Outbox outbox = script.run(script.request());
  outbox =
      script.run(answer(find<host::FetchStart>(outbox)->op, 200, "", Bytes(std::string("all"))));
  CHECK(bodyText(response(outbox)) == "all");
}

TEST_CASE("An upload whose stream breaks rejects the fetch with the stream's error") {
  TestScript script = fetching(
      "fetch('http://o.test/', { method: 'POST',"
      " body: new ReadableStream({ pull() { throw new RangeError('mine'); } }) })");
  host::Outbox outbox = script.run(script.request());
  CHECK(bodyText(response(outbox)) == "RangeError: mine");
}

TEST_CASE("A response with status 205 has no body, whatever came") {
  TestScript script = fetching("fetch('http://o.test/').then((r) => new Response(`${r.body}`))");
  host::Outbox outbox = script.run(script.request());
  outbox = script.run(answer(find<host::FetchStart>(outbox)->op, 205, "", host::BodyRef{6, 1}));
  CHECK(bodyText(response(outbox)) == "null");
  CHECK(find<host::BodyCancel>(outbox)->body == 6);
}

TEST_CASE("A response of nothing has an empty body, but for HEAD and statuses without one") {
  const auto bodyOf = [](const std::string& init, int status) {
    TestScript script =
        fetching("fetch('http://o.test/', {" + init +
                 "}).then(async (r) => new Response(`${r.body} ${await r.text()}`))");
    host::Outbox outbox = script.run(script.request());
    outbox = script.run(answer(find<host::FetchStart>(outbox)->op, status));
    return bodyText(response(outbox));
  };
  CHECK(bodyOf("", 200) == "[object ReadableStream] ");
  CHECK(bodyOf("", 404) == "[object ReadableStream] ");
  CHECK(bodyOf("method: 'HEAD'", 200) == "null ");
  CHECK(bodyOf("", 204) == "null ");
  CHECK(bodyOf("", 304) == "null ");
}

TEST_CASE("A fetch that is aborted already cancels its body at once") {
  TestScript script(
      "export default { async fetch() { const seen = [];"
      " const body = new ReadableStream({ cancel(reason) { seen.push(`cancelled ${reason}`); } });"
      " const p = fetch('http://o.test/', { method: 'POST', body, signal: AbortSignal.abort('why') "
      "});"
      " seen.push('after'); await p.catch((e) => seen.push(e));"
      " return new Response(seen.join()); } };");
  host::Outbox outbox = script.run(script.request());
  CHECK(bodyText(response(outbox)) == "cancelled why,after,why");
}

TEST_CASE("A redirect's Location is taken for UTF-8") {
  TestScript script = fetching("fetch('http://o.test/')");
  host::Outbox outbox = script.run(script.request());
  outbox = script.run(answer(find<host::FetchStart>(outbox)->op, 302, "/\xe2\x98\x83"));
  CHECK(urlOf(*find<host::FetchStart>(outbox)) == "http://o.test/%E2%98%83");
}

TEST_CASE("A failed exchange rejects with a TypeError") {
  TestScript script = fetching("fetch('http://o.test/')");
  host::Outbox outbox = script.run(script.request());
  outbox = script.run(host::OpDone{find<host::FetchStart>(outbox)->op,
                                   Error{ErrorCode::Unavailable, "connection refused"}});
  CHECK(bodyText(response(outbox)) == "TypeError: Network connection lost: connection refused");
}

TEST_CASE("Aborting a fetch cancels it at the host and rejects with the reason") {
  TestScript script = fetching("fetch('http://o.test/', { signal: AbortSignal.timeout(5) })");
  host::Outbox outbox = script.run(script.request());
  const host::OpId op = find<host::FetchStart>(outbox)->op;
  outbox = script.run(host::TimerFired{find<host::TimerStart>(outbox)->timer});
  REQUIRE(find<host::OpCancel>(outbox) != nullptr);
  CHECK(find<host::OpCancel>(outbox)->op == op);
  CHECK(bodyText(response(outbox)).starts_with("TimeoutError: "));
  CHECK(script.run(answer(op, 200)).empty());
}

TEST_CASE("A fetch nobody waits for is cancelled when its invocation is done") {
  TestScript script(R"js(
    export default { fetch() { fetch("http://o.test/"); return new Response("ok"); } };
  )js");
  host::Outbox outbox = script.run(script.request());
  CHECK(count<host::OpCancel>(outbox) == 1);
  CHECK(std::holds_alternative<host::Done>(outbox.back()));
}

TEST_CASE("A stream sent by fetch() flows with backpressure") {
  TestScript script = fetching(R"js(
    fetch("http://o.test/", { method: "POST", body: new ReadableStream({
      pull(controller) { controller.enqueue(new Uint8Array(65536)); } }) })
  )js");
  host::Outbox outbox = script.run(script.request());
  REQUIRE(find<host::FetchStart>(outbox) != nullptr);
  const host::OpId op = find<host::FetchStart>(outbox)->op;
  const host::BodyId body = std::get<host::BodyRef>(find<host::FetchStart>(outbox)->body).id;
  CHECK(find<host::FetchStart>(outbox)->head->body == http::BodyKind::Unknown);
  CHECK(count<host::BodyWrite>(outbox) == 1);
  outbox = script.run(host::BodyAccepted{body, 65536});
  CHECK(count<host::BodyWrite>(outbox) == 1);
  outbox = script.run(answer(op, 200));
  CHECK(count<host::Done>(outbox) == 0);
  outbox = script.run(host::BodyGone{body, Error{ErrorCode::Aborted, "enough"}});
  CHECK(count<host::Done>(outbox) == 1);
}

}  // namespace atolld::webapi
