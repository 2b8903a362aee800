// The request as a handler sees it, and heads on their way out.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {

TEST_CASE("A handler sees the method, URL and headers that came") {
  TestScript script(R"js(
    export default { async fetch(request) {
      return Response.json({
        method: request.method, url: request.url, a: request.headers.get("A"),
        host: request.headers.get("host"), none: request.headers.get("none"),
        all: [...request.headers], body: request.body === null, redirect: request.redirect,
        protocol: request.cf.httpProtocol,
      });
    } };
  )js");
  host::FetchEvent event = script.request("/p%20q?x=1");
  event.head->headers.add("a", "1");
  event.head->headers.add("b", "\xE9");
  event.head->headers.add("a", "2");
  CHECK(script.text(std::move(event)) ==
        "{\"method\":\"GET\",\"url\":\"http://example.com/p%20q?x=1\",\"a\":\"1, 2\","
        "\"host\":\"example.com\",\"none\":null,"
        "\"all\":[[\"a\",\"1, 2\"],[\"b\",\"\xC3\xA9\"],[\"host\",\"example.com\"]],"
        "\"body\":true,\"redirect\":\"manual\",\"protocol\":\"HTTP/1.1\"}");
}

TEST_CASE("request.url is in the URL standard's normal form") {
  TestScript script("export default { fetch(request) { return new Response(request.url); } };");
  for (const auto& [authority, target, url] :
       {std::tuple{"a.b", "/", "http://a.b/"}, std::tuple{"a.b", "/x/../y/./z", "http://a.b/y/z"},
        std::tuple{"a.b", "/.well-known/x", "http://a.b/.well-known/x"},
        std::tuple{"a.b", "/a.b/c..d", "http://a.b/a.b/c..d"},
        std::tuple{"a.b", "/%2e%2e/x", "http://a.b/x"},
        std::tuple{"a.b", "/\xC3\xA9", "http://a.b/%C3%A9"},
        std::tuple{"a.b", "/a?b/../c", "http://a.b/a?b/../c"},
        std::tuple{"a.b", "/a\\b", "http://a.b/a/b"},
        std::tuple{"a.b", "/a|b\"", "http://a.b/a|b%22"}, std::tuple{"a.b:80", "/", "http://a.b/"},
        std::tuple{"a.b:8080", "/", "http://a.b:8080/"},
        std::tuple{"[::1]:80", "/", "http://[::1]/"},
        std::tuple{"0x7f.1", "/", "http://127.0.0.1/"},
        std::tuple{"a.b", "//evil", "http://a.b//evil"}, std::tuple{"a.b", "*", "http://a.b/"}}) {
    CAPTURE(target);
    host::FetchEvent event = script.request(target);
    event.head->authority = authority;
    CHECK(script.text(std::move(event)) == url);
  }
}

TEST_CASE("An incoming request's headers cannot be changed; a copy's can") {
  TestScript script(R"js(
    export default { fetch(request) {
      const results = [];
      try { request.headers.set("a", "b"); } catch (error) { results.push(error.name); }
      try { request.clone().headers.set("a", "b"); } catch (error) { results.push(error.name); }
      const copy = new Request(request);
      copy.headers.set("a", "b");
      results.push(copy.headers.get("a"), copy.headers.get("host"));
      return new Response(results.join());
    } };
  )js");
  CHECK(script.text() == "TypeError,TypeError,b,example.com");
}

TEST_CASE("A body that came whole is read in any form, with its Content-Length") {
  TestScript script(R"js(
    export default { async fetch(request) {
      const copies = [request.clone(), request.clone(), request.clone(), request.clone()];
      return Response.json([await copies[0].text(), await copies[1].json(),
        (await copies[2].arrayBuffer()).byteLength, (await copies[3].bytes())[0],
        await new Response(request.body).text(), request.bodyUsed,
        request.headers.get("content-length"), request.headers.get("content-type")]);
    } };
  )js");
  CHECK(script.text(script.post("[1]", "a/b")) == R"(["[1]",[1],3,91,"[1]",true,"3","a/b"])");
}

TEST_CASE("A malformed JSON body is a SyntaxError the script can catch") {
  TestScript script(R"js(
    export default { async fetch(request) {
      try { await request.json(); } catch (error) { return new Response(error.name); }
    } };
  )js");
  CHECK(script.text(script.post("{")) == "SyntaxError");
}

TEST_CASE("Forms are read from requests") {
  TestScript script(R"js(
    export default { async fetch(request) {
      return Response.json([...await request.formData()]);
    } };
  )js");
  CHECK(script.text(script.post("a=1+2&b=%C3%A9", "application/x-www-form-urlencoded")) ==
        "[[\"a\",\"1 2\"],[\"b\",\"\xC3\xA9\"]]");
}

TEST_CASE("Response heads carry each header, and several cookies") {
  TestScript script(R"js(
    export default { fetch() {
      const headers = new Headers({ "X-A": "1", "Content-Type": "text/html" });
      headers.append("Set-Cookie", "a=1");
      headers.append("Set-Cookie", "b=2");
      return new Response("<p>", { status: 404, headers });
    } };
  )js");
  host::Outbox outbox = script.fetch();
  const http::HeaderList& headers = response(outbox).head.headers;
  std::string all;
  for (const auto field : headers) {
    all += std::string(field.name) + ": " + std::string(field.value) + "\n";
  }
  CHECK(all == "x-a: 1\ncontent-type: text/html\nset-cookie: a=1\nset-cookie: b=2\n");
  CHECK(response(outbox).head.status == 404);
}

TEST_CASE("No response header can smuggle another, whatever a script does to get one there") {
  for (const std::string attack :
       {"new Response('', { headers: { a: 'x\\r\\nb: c' } })",
        "new Response('', { headers: [['a\\r\\nb', 'c']] })",
        "(() => { const r = new Response(''); r.headers.append('a', 'x\\ny'); return r; })()",
        "new Response(new Blob(['x'], { type: 'a/b\\r\\nc: d' }))",
        "Response.redirect('http://x/\\r\\na: b')"}) {
    CAPTURE(attack);
    TestScript script("export default { fetch() { return " + attack + "; } };");
    host::Outbox outbox = script.fetch();
    if (const auto* const respond = find<host::Respond>(outbox)) {
      for (const auto field : respond->head.headers) {
        CHECK(field.value.find_first_of("\r\n") == std::string_view::npos);
        CHECK(field.name.find_first_of("\r\n") == std::string_view::npos);
      }
    } else {
      CHECK(count<host::Failed>(outbox) == 1);
    }
  }
}

TEST_CASE("A megabyte of headers is a script's right to send, and goes out whole") {
  TestScript script(R"js(
    export default { fetch() {
      const headers = new Headers();
      for (let i = 0; i < 1000; i++) headers.append(`h${i}`, "x".repeat(1000));
      return new Response(null, { headers });
    } };
  )js");
  host::Outbox outbox = script.fetch();
  CHECK(response(outbox).head.headers.size() == 1000);
}

}  // namespace atolld::webapi
