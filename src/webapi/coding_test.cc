// Content codings of bodies: decoded when a script reads them, made when it sends them, and neither
// when a body is only passed on.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "coding/codec.h"
#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

std::string run(coding::Codec& codec, std::string_view input) {
  std::string all;
  std::array<char, 4096> output;
  for (bool ended = false; !ended;) {
    const auto step = codec.step(input, output, true).value();
    all.append(output.data(), step.produced);
    input.remove_prefix(step.consumed);
    ended = step.ended;
  }
  return all;
}

std::string gzip(std::string_view text) {
  return run(*coding::makeEncoder(coding::Format::Gzip).value(), text);
}

std::string gunzip(std::string_view bytes) {
  return run(*coding::makeDecoder(coding::Format::Gzip, coding::Reading::Strict).value(), bytes);
}

/// A script that fetches once; `onResponse` makes its answer of `r`.
TestScript fetching(const std::string& onResponse, const std::string& init = "{}") {
  return TestScript(
      "export default { async fetch(request, env, ctx) { try { const r = await "
      "fetch('http://o.test/', " +
      init + "); " + onResponse +
      " } catch (error) { return new Response(`${error.name}: ${error.message}`); } } };");
}

host::OpDone coded(host::OpId op, host::Body body, std::string_view coding = "gzip") {
  host::FetchedResponse response;
  response.head.headers.add("content-encoding", coding);
  response.head.headers.add("content-type", "text/plain");
  response.body = std::move(body);
  return {op, std::move(response)};
}

host::FetchEvent requestOf(TestScript& script, std::string_view acceptEncoding) {
  host::FetchEvent event = script.request();
  if (!acceptEncoding.empty()) event.head->headers.add("accept-encoding", acceptEncoding);
  return event;
}

/// All that follows a script's effects; its inbound body 2 is `wire`.
struct Outcome {
  host::Outbox outbox;
  std::string body;            ///< What it sent.
  std::size_t deliveries = 0;  ///< How often bytes of `wire` entered it.
};

Outcome follow(TestScript& script, host::Outbox outbox, const std::string& wire) {
  Outcome outcome{.outbox = std::move(outbox)};
  std::size_t sent = 0;
  for (std::size_t i = 0; i < outcome.outbox.size(); ++i) {
    std::vector<host::Event> events;
    if (const auto* const pull = std::get_if<host::BodyPull>(&outcome.outbox[i])) {
      const std::size_t size = std::min<std::size_t>(pull->bytes, wire.size() - sent);
      if (size > 0) events.emplace_back(host::BodyChunk{2, Bytes(wire.substr(sent, size))});
      outcome.deliveries += size > 0 ? 1 : 0;
      sent += size;
      if (sent == wire.size()) events.emplace_back(host::BodyEnd{2, std::nullopt});
    } else if (const auto* const collect = std::get_if<host::BodyCollect>(&outcome.outbox[i])) {
      events.emplace_back(host::OpDone{collect->op, Bytes(wire)});
      ++outcome.deliveries;
    } else if (const auto* const write = std::get_if<host::BodyWrite>(&outcome.outbox[i])) {
      outcome.body += write->bytes.view();
      events.emplace_back(host::BodyAccepted{write->body, write->bytes.size()});
    }
    if (events.empty()) continue;
    for (host::Effect& effect : script.run(std::move(events))) {
      outcome.outbox.push_back(std::move(effect));
    }
  }
  outcome.body += bodyText(response(outcome.outbox));
  return outcome;
}

/// A client's request, the upstream's answer, and all that follows.
Outcome exchange(TestScript& script, std::string_view acceptEncoding, const std::string& wire) {
  host::Outbox outbox = script.run(requestOf(script, acceptEncoding));
  auto* const fetch = find<host::FetchStart>(outbox);
  if (fetch == nullptr) checkFailed("the script did not fetch");
  return follow(script, script.run(coded(fetch->op, host::BodyRef{2, wire.size()})), wire);
}

const std::string kText = [] {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}();

}  // namespace

TEST_CASE("A coded response passed on untouched stays as it is and never enters JavaScript") {
  for (const std::string expression :
       {"return r;", "return new Response(r.body, r);",
        "const copy = new Response(r.body, r); copy.headers.set('a', 'b'); return copy;",
        "return new Response(r.body, {headers: r.headers, encodeBody: 'manual'});"}) {
    CAPTURE(expression);
    TestScript script = fetching(expression);
    Outcome outcome = exchange(script, "gzip", gzip(kText));
    CHECK(outcome.deliveries == 0);
    CHECK(header(response(outcome.outbox), "content-encoding") == "gzip");
    const auto& ref = std::get<host::BodyRef>(response(outcome.outbox).body);
    CHECK(ref.id == 2);
    CHECK(ref.length == gzip(kText).size());
  }
}

TEST_CASE("A coded response is decoded when a script reads it, by whatever means") {
  for (const std::string expression :
       {"return new Response(await r.text());", "return new Response(await r.arrayBuffer());",
        "return new Response(await r.blob());", "return new Response(r.body);",
        "let t = ''; for await (const c of r.body.pipeThrough(new TextDecoderStream())) t += c;"
        " return new Response(t);",
        "const c = r.clone(); await c.text(); return new Response(await r.text());",
        "return new Response(r.clone().body);"}) {
    CAPTURE(expression);
    TestScript script = fetching(expression);
    Outcome outcome = exchange(script, "gzip", gzip(kText));
    CHECK(outcome.body == kText);
    CHECK(header(response(outcome.outbox), "content-encoding") == "(none)");
    CHECK(outcome.deliveries > 0);
  }
}

TEST_CASE("A script sees the Content-Encoding that was decoded") {
  TestScript script = fetching("return new Response(r.headers.get('content-encoding'));");
  CHECK(exchange(script, "gzip", gzip(kText)).body == "gzip");
}

TEST_CASE("Content is decoded for a client that does not take the coding fetch() asked for") {
  for (const std::string_view accepted : {"", "identity", "br", "gzip;q=0"}) {
    CAPTURE(accepted);
    TestScript script = fetching("return r;");
    Outcome outcome = exchange(script, accepted, gzip(kText));
    CHECK(outcome.body == kText);
    CHECK(header(response(outcome.outbox), "content-encoding") == "(none)");
    CHECK_FALSE(std::get<host::BodyRef>(response(outcome.outbox).body).length.has_value());
  }
  // A client that says nothing takes anything that the script asked for in its name.
  TestScript script = fetching("return r;", "{headers: {'accept-encoding': 'gzip'}}");
  CHECK(exchange(script, "", gzip(kText)).deliveries == 0);
}

TEST_CASE("A Content-Encoding of gzip that a script sets is made on the way out") {
  for (const std::string body : {"text", "new TextEncoder().encode(text)",
                                 "new Blob([text]).stream()", "new Response(text).body"}) {
    CAPTURE(body);
    TestScript script(
        "export default { fetch(request) { const text = 'a'.repeat(200000); return new Response(" +
        body + ", {headers: {'content-encoding': 'gzip'}}); } };");
    for (const std::string_view accepted : {"gzip, br", "", "identity"}) {
      CAPTURE(accepted);
      Outcome outcome = follow(script, script.run(requestOf(script, accepted)), "");
      const bool encoded = accepted != "identity";
      CHECK(header(response(outcome.outbox), "content-encoding") == (encoded ? "gzip" : "(none)"));
      CHECK((encoded ? gunzip(outcome.body) : outcome.body) == std::string(200'000, 'a'));
    }
  }
}

TEST_CASE("encodeBody manual, and codings that are not made, leave bytes as they are") {
  for (const std::string init :
       {"{encodeBody: 'manual', headers: {'content-encoding': 'gzip'}}",
        "{headers: {'content-encoding': 'zstd'}}", "{headers: {'content-encoding': 'gzip, br'}}"}) {
    CAPTURE(init);
    TestScript script("export default { fetch() { return new Response('bytes', " + init +
                      "); } };");
    host::Outbox outbox = script.run(requestOf(script, "gzip, br, zstd"));
    CHECK(bodyText(response(outbox)) == "bytes");
    CHECK(header(response(outbox), "content-encoding") != "(none)");
  }
  CHECK(evaluate("(new Response('', {encodeBody: 'x'}))") ==
        "TypeError: Failed to construct 'Response': encodeBody: unexpected value: x. It must be "
        "\"automatic\" or \"manual\".");
}

TEST_CASE("A body read, changed and sent on under its old headers is encoded again") {
  TestScript script = fetching("return new Response((await r.text()).toUpperCase(), r);");
  Outcome outcome = exchange(script, "gzip", gzip("hello"));
  CHECK(header(response(outcome.outbox), "content-encoding") == "gzip");
  CHECK(gunzip(outcome.body) == "HELLO");
}

TEST_CASE("encodeResponseBody manual gives a response's bytes as they came") {
  TestScript script =
      fetching("return new Response(await r.bytes());", "{encodeResponseBody: 'manual'}");
  CHECK(exchange(script, "gzip", gzip("hello")).body == gzip("hello"));
}

TEST_CASE("Of a cloned coded response, the copy that nobody reads goes on encoded") {
  TestScript script =
      fetching("const c = r.clone(); const t = c.text(); ctx.waitUntil(t); return r;");
  Outcome outcome = exchange(script, "gzip", gzip(kText));
  CHECK(header(response(outcome.outbox), "content-encoding") == "gzip");
  CHECK(outcome.body == gzip(kText));
}

TEST_CASE("Content that is not what its coding says fails its reader, and only it") {
  const std::string good = gzip(kText);
  for (const std::string& wire : {std::string("not gzip"), good.substr(0, good.size() / 2)}) {
    for (const std::string read : {"await r.text()", "await new Response(r.body).text()"}) {
      TestScript script = fetching("return new Response(" + read + ");");
      const std::string said = exchange(script, "gzip", wire).body;
      CAPTURE(read);
      CAPTURE(said);
      CHECK(said.starts_with("TypeError: The body's Content-Encoding could not be decoded"));
    }
  }
  TestScript script = fetching("return new Response(await r.text());");
  CHECK(exchange(script, "gzip", good + "junk").body == kText);
  TestScript empty = fetching("return new Response('(' + await r.text() + ')');");
  CHECK(exchange(empty, "gzip", "").body == "()");
}

TEST_CASE("A part is asked for without coding, and a script's own Accept-Encoding is kept") {
  for (const auto& [init, sent] :
       {std::pair{"{}", "gzip, br"}, std::pair{"{headers: {range: 'bytes=0-1'}}", "identity"},
        std::pair{"{headers: {'accept-encoding': 'zstd'}}", "zstd"}}) {
    TestScript script = fetching("return r;", init);
    host::Outbox outbox = script.run(script.request());
    CHECK(find<host::FetchStart>(outbox)->head->headers.find("accept-encoding") == sent);
  }
}

TEST_CASE("Scripts see of Accept-Encoding what can be both read and made; cf has the rest") {
  TestScript script(R"js(
    export default { fetch(request) { return new Response([
      request.headers.get("accept-encoding"), new Headers(request.headers).get("accept-encoding"),
      request.cf.clientAcceptEncoding].join(";")); } };
  )js");
  for (const auto& [given, seen] :
       {std::pair{"gzip, deflate, br, zstd", "gzip, br"}, std::pair{"zstd", "identity"},
        std::pair{"*", "gzip, br"}, std::pair{"gzip;q=0.5, br;q=0", "gzip"}}) {
    CHECK(script.text(requestOf(script, given)) == std::string(seen) + ";" + seen + ";" + given);
  }
}

}  // namespace atolld::webapi
