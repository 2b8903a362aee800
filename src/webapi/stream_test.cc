// Bodies between host and script: streamed, collected, handed straight through; backpressure and
// failure on both sides.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

host::FetchEvent streamedPost(TestScript& script, host::BodyId body,
                              std::optional<std::uint64_t> length = std::nullopt) {
  host::FetchEvent event = script.request();
  event.head->method = "POST";
  event.head->body = length ? http::BodyKind::Length : http::BodyKind::Unknown;
  event.head->contentLength = length.value_or(0);
  event.body = host::BodyRef{body, length};
  return event;
}

host::BodyChunk chunk(host::BodyId body, std::string text) {
  return host::BodyChunk{body, Bytes(std::move(text))};
}

}  // namespace

TEST_CASE("A request's body handed back never enters JavaScript") {
  TestScript script(R"js(
    export default { fetch(request) { return new Response(request.body); } };
  )js");
  host::Outbox outbox = script.run(streamedPost(script, 4, 1000));
  REQUIRE(outbox.size() == 2);
  const auto& respond = response(outbox);
  CHECK(std::get<host::BodyRef>(respond.body).id == 4);
  CHECK(std::get<host::BodyRef>(respond.body).length == 1000);
  CHECK(respond.head.body == http::BodyKind::Length);
  CHECK(respond.head.contentLength == 1000);
  CHECK(header(respond, "content-type") == "(none)");
  // One that came whole goes back as the same memory.
  host::FetchEvent post = script.post("small");
  const char* const memory = std::get<Bytes>(post.body).view().data();
  outbox = script.run(std::move(post));
  CHECK(std::get<Bytes>(response(outbox).body).view().data() == memory);
}

TEST_CASE("text(), json() and arrayBuffer() collect a streamed body in one question") {
  for (const auto& [method, sent, seen] :
       {std::tuple{"text", "\xEF\xBB\xBFh\xC3\xA9", "\"h\xC3\xA9\""},
        std::tuple{"json", "{\"a\":[1]}", "{\"a\":[1]}"}}) {
    TestScript script(
        "export default { async fetch(request) { return Response.json(await request." +
        std::string(method) + "()); } };");
    host::Outbox outbox = script.run(streamedPost(script, 2));
    REQUIRE(outbox.size() == 1);
    const auto& collect = std::get<host::BodyCollect>(outbox[0]);
    CHECK(collect.body == 2);
    CHECK(collect.bytesMax == 128ull * 1024 * 1024);
    outbox = script.run(host::OpDone{collect.op, Bytes(std::string(sent))});
    CHECK(bodyText(response(outbox)) == seen);
    CHECK(count<host::Done>(outbox) == 1);
  }
}

TEST_CASE("A body that is too large or breaks off rejects what reads it") {
  TestScript script(R"js(
    export default { async fetch(request) {
      try { await request.text(); } catch (error) {
        return new Response(error.name + error.message);
      }
    } };
  )js");
  host::Outbox outbox = script.run(streamedPost(script, 2));
  outbox = script.run(host::OpDone{find<host::BodyCollect>(outbox)->op,
                                   Error{ErrorCode::TooLarge, "above the limit"}});
  CHECK(bodyText(response(outbox)) ==
        "TypeErrorThe body is too large to be read whole: above the limit");
  outbox = script.run(streamedPost(script, 4));
  outbox = script.run(
      host::OpDone{find<host::BodyCollect>(outbox)->op, Error{ErrorCode::Aborted, "client left"}});
  CHECK(bodyText(response(outbox)) == "TypeErrorThe body broke off: client left");
}

TEST_CASE("A streamed body gives credit only as the script reads") {
  TestScript script(R"js(
    export default { async fetch(request) {
      const reader = request.body.getReader();
      let total = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        total += value.length;
        await scheduler.wait(1);
      }
      return new Response(`${total}`);
    } };
  )js");
  host::Outbox outbox = script.run(streamedPost(script, 2));
  REQUIRE(find<host::BodyPull>(outbox) != nullptr);
  CHECK(find<host::BodyPull>(outbox)->bytes == 65536);
  outbox = script.run(chunk(2, std::string(65536, 'x')));
  CHECK(count<host::BodyPull>(outbox) == 0);  // It waits: no reader asks for more.
  outbox = script.run(host::TimerFired{find<host::TimerStart>(outbox)->timer});
  CHECK(count<host::BodyPull>(outbox) == 1);
  outbox = script.run(host::BodyEnd{2, {}});
  CHECK(bodyText(response(outbox)) == "65536");
}

TEST_CASE("A streamed body that breaks off errors the stream") {
  TestScript script(R"js(
    export default { async fetch(request) {
      try { for await (const chunk of request.body); } catch (error) {
        return new Response(error.message);
      }
    } };
  )js");
  script.run(streamedPost(script, 2));
  host::Outbox outbox = script.run(host::BodyEnd{2, Error{ErrorCode::Aborted, "gone"}});
  CHECK(bodyText(response(outbox)) == "The body broke off: gone");
}

TEST_CASE("Cancelling a request's stream tells the host") {
  TestScript script(R"js(
    export default { async fetch(request) {
      await request.body.cancel();
      return new Response("ok");
    } };
  )js");
  host::Outbox outbox = script.run(streamedPost(script, 2));
  REQUIRE(find<host::BodyCancel>(outbox) != nullptr);
  CHECK(find<host::BodyCancel>(outbox)->body == 2);
}

TEST_CASE("A response stream is written as it is produced, and Done comes after its end") {
  TestScript script(R"js(
    export default { fetch() {
      const stream = new ReadableStream({ async start(controller) {
        controller.enqueue(new TextEncoder().encode("one"));
        await scheduler.wait(1);
        controller.enqueue(new TextEncoder().encode("two"));
        controller.close();
      } });
      return new Response(stream, { headers: { "content-type": "text/x" } });
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  const auto& respond = response(outbox);
  const auto body = std::get<host::BodyRef>(respond.body);
  CHECK(body.id % 2 == 1);
  CHECK(respond.head.body == http::BodyKind::Unknown);
  CHECK(header(respond, "content-type") == "text/x");
  CHECK(count<host::Done>(outbox) == 0);
  CHECK(find<host::BodyWrite>(outbox)->bytes.view() == "one");
  CHECK(std::holds_alternative<host::Respond>(outbox[outbox.size() - 2]));  // Before its bytes.
  outbox = script.run(host::TimerFired{find<host::TimerStart>(outbox)->timer});
  REQUIRE(outbox.size() == 3);
  CHECK(std::get<host::BodyWrite>(outbox[0]).bytes.view() == "two");
  CHECK(std::get<host::BodyClose>(outbox[1]).body == body.id);
  CHECK_FALSE(std::get<host::BodyClose>(outbox[1]).error.has_value());
  CHECK(std::holds_alternative<host::Done>(outbox[2]));
}

TEST_CASE("A stream without end stops at its high-water mark until bytes are accepted") {
  TestScript script(R"js(
    export default { fetch() {
      return new Response(new ReadableStream({ pull(controller) {
        controller.enqueue(new Uint8Array(16384));
      } }));
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  const host::BodyId body = std::get<host::BodyRef>(response(outbox).body).id;
  CHECK(count<host::BodyWrite>(outbox) == 4);  // 64 KiB.
  CHECK(script.run(host::BodyAccepted{body, 0}).empty());
  outbox = script.run(host::BodyAccepted{body, 16384});
  CHECK(count<host::BodyWrite>(outbox) == 1);
  outbox = script.run(host::BodyAccepted{body, 65536});
  CHECK(count<host::BodyWrite>(outbox) == 4);
}

TEST_CASE("When nobody reads a response stream any more, its source is cancelled") {
  TestScript script(R"js(
    export default { fetch() {
      return new Response(new ReadableStream({
        pull(controller) { controller.enqueue(new Uint8Array(65536)); },
        cancel(reason) { console.log("cancelled: " + reason.message); },
      }));
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  const host::BodyId body = std::get<host::BodyRef>(response(outbox).body).id;
  outbox = script.run(host::BodyGone{body, Error{ErrorCode::Aborted, "client left"}});
  REQUIRE(find<host::Log>(outbox) != nullptr);
  CHECK(find<host::Log>(outbox)->text == "cancelled: The body's reader is gone: client left");
  CHECK(count<host::Done>(outbox) == 1);
  CHECK(count<host::BodyClose>(outbox) == 0);
}

TEST_CASE("A response stream that fails closes its body with the error") {
  for (const std::string source :
       {"pull() { throw new Error('broken') }", "pull(c) { c.enqueue('text') }",
        "pull(c) { c.enqueue({}) }", "start(c) { c.error(new Error('broken')) }"}) {
    CAPTURE(source);
    TestScript script("export default { fetch() { return new Response(new ReadableStream({ " +
                      source + " })); } };");
    host::Outbox outbox = script.fetch();
    CHECK(count<host::Respond>(outbox) == 1);
    CHECK(count<host::BodyWrite>(outbox) == 0);
    REQUIRE(find<host::BodyClose>(outbox) != nullptr);
    CHECK(find<host::BodyClose>(outbox)->error.has_value());
    CHECK(count<host::Failed>(outbox) == 0);
    CHECK(count<host::Done>(outbox) == 1);
    CHECK(count<host::Log>(outbox) == 1);
  }
}

TEST_CASE("An invocation ended from outside stops its streams") {
  TestScript script(R"js(
    export default { fetch(request) {
      return new Response(request.body.pipeThrough(new TransformStream()));
    } };
  )js");
  host::Outbox outbox = script.run(streamedPost(script, 2));
  const host::BodyId body = std::get<host::BodyRef>(response(outbox).body).id;
  outbox = script.run(host::InvocationOver{1});
  for (const host::Effect& effect : outbox) CHECK_FALSE(std::holds_alternative<host::Done>(effect));
  CHECK(script.run(chunk(2, "late")).empty());
  CHECK(script.run(host::BodyAccepted{body, 10}).empty());
}

TEST_CASE("A FixedLengthStream's length becomes the response's, and is kept") {
  TestScript script(R"js(
    export default { async fetch(request, env, ctx) {
      const { readable, writable } = new FixedLengthStream(5);
      const writer = writable.getWriter();
      ctx.waitUntil((async () => {
        await writer.write(new TextEncoder().encode("hello"));
        await writer.close();
      })());
      return new Response(readable);
    } };
  )js");
  host::Outbox outbox = script.fetch();
  CHECK(response(outbox).head.body == http::BodyKind::Length);
  CHECK(response(outbox).head.contentLength == 5);
  CHECK(find<host::BodyWrite>(outbox)->bytes.view() == "hello");
  CHECK_FALSE(find<host::BodyClose>(outbox)->error.has_value());
}

TEST_CASE("A request's body can be cloned: one copy read, the other sent on") {
  TestScript script(R"js(
    export default { async fetch(request) {
      const copy = request.clone();
      const text = await copy.text();
      return new Response(request.body, { headers: { seen: text } });
    } };
  )js");
  host::Outbox outbox = script.run(streamedPost(script, 2));
  script.run(chunk(2, "abc"));
  outbox = script.run(host::BodyEnd{2, {}});
  CHECK(header(response(outbox), "seen") == "abc");
  CHECK(find<host::BodyWrite>(outbox)->bytes.view() == "abc");
  // One that came whole is never teed.
  outbox = script.run(script.post("whole"));
  CHECK(header(response(outbox), "seen") == "whole");
  CHECK(bodyText(response(outbox)) == "whole");
}

TEST_CASE("A body of another request cannot be used") {
  TestScript script(R"js(
    let kept;
    export default { fetch(request) {
      if (kept === undefined) { kept = request; return new Promise(() => {}); }
      return new Response(kept.body);
    } };
  )js");
  script.run(streamedPost(script, 2));
  host::Outbox outbox = script.run(script.request());
  REQUIRE(find<host::Failed>(outbox) != nullptr);
  CHECK(find<host::Failed>(outbox)->message.find("on behalf of a different request") !=
        std::string::npos);
}

TEST_CASE("What is left of an ended request says so instead of misleading") {
  TestScript script(R"js(
    let kept;
    export default { fetch(request) {
      if (kept === undefined) { kept = request; request.method; return new Response("kept"); }
      const results = [kept.method];
      for (const use of [() => kept.url, () => kept.headers.get("a"), () => [...kept.headers]]) {
        try { use(); results.push("no error"); } catch (error) { results.push(error.message); }
      }
      return Response.json(results);
    } };
  )js");
  script.fetch();
  const std::string text = script.text();
  CHECK(text.starts_with("[\"GET\",\"This request has ended"));
  CHECK(text.find("no error") == std::string::npos);
}

}  // namespace atolld::webapi
