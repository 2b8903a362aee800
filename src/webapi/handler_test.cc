#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

std::string failure(std::string handler) {
  TestScript script("export default { fetch: " + std::move(handler) + " };");
  host::Outbox outbox = script.fetch();
  CHECK(count<host::Done>(outbox) == 1);
  CHECK(count<host::Respond>(outbox) == 0);
  REQUIRE(count<host::Failed>(outbox) == 1);
  return find<host::Failed>(outbox)->message;
}

}  // namespace

TEST_CASE("A handler's Response becomes one Respond and one Done, in that order") {
  TestScript script(R"js(
    export default { fetch() { return new Response("Hello World"); } };
  )js");
  host::Outbox outbox = script.fetch();
  REQUIRE(outbox.size() == 2);
  const auto& respond = std::get<host::Respond>(outbox[0]);
  CHECK(respond.invocation == 1);
  CHECK(respond.head.status == 200);
  CHECK(bodyText(respond) == "Hello World");
  CHECK(header(respond, "content-type") == "text/plain;charset=UTF-8");
  CHECK(respond.head.body == http::BodyKind::Length);
  CHECK(respond.head.contentLength == 11);
  CHECK(std::get<host::Done>(outbox[1]).invocation == 1);
}

TEST_CASE("An async handler's Response is sent when its promise settles") {
  TestScript script(R"js(
    export default { async fetch(request) {
      await null;
      return new Response(request.method + " " + request.url, { status: 201 });
    } };
  )js");
  host::Outbox outbox = script.fetch("/a?b=c");
  CHECK(response(outbox).head.status == 201);
  CHECK(bodyText(response(outbox)) == "GET http://example.com/a?b=c");
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE(
    "A tick reaches the scheduled handler, and is done when its promise and waitUntil() are") {
  TestScript script(R"js(
    export default { async scheduled(controller, env, ctx) {
      if (controller.cron === "") throw new Error("no cron");
      ctx.waitUntil(scheduler.wait(5));
      console.log(controller.cron, controller.scheduledTime, controller.noRetry(),
        Object.prototype.toString.call(controller));
    } };
  )js");
  host::Outbox outbox = script.run(host::ScheduledEvent{1, "* * * * *", 1745856238000});
  CHECK(find<host::Log>(outbox)->text ==
        "* * * * * 1745856238000 undefined [object ScheduledController]");
  CHECK(count<host::Done>(outbox) == 0);
  REQUIRE(count<host::TimerStart>(outbox) == 1);
  outbox = script.run(host::TimerFired{find<host::TimerStart>(outbox)->timer});
  CHECK(count<host::Done>(outbox) == 1);
  CHECK(count<host::Failed>(outbox) == 0);
  outbox = script.run(host::ScheduledEvent{2, "", 0});
  CHECK(find<host::Failed>(outbox)->message == "Error: no cron");
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("A tick for a script without a scheduled handler fails with what to add") {
  TestScript script("export default { fetch() {} };");
  host::Outbox outbox = script.run(host::ScheduledEvent{1, "", 0});
  REQUIRE(count<host::Failed>(outbox) == 1);
  CHECK(find<host::Failed>(outbox)->message.contains("scheduled(controller, env, ctx)"));
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("A handler that throws or rejects fails with the error's name, message and stack") {
  TestScript script(R"js(
    export default { fetch() { null.property; } };
  )js");
  host::Outbox outbox = script.fetch();
  REQUIRE(outbox.size() == 2);
  const auto& failed = std::get<host::Failed>(outbox[0]);
  CHECK(failed.message == "TypeError: Cannot read properties of null (reading 'property')");
  CHECK(failed.stack.find("index.js:2") != std::string::npos);

  CHECK(failure("async () => { throw new RangeError('late') }") == "RangeError: late");
  CHECK(failure("() => { throw 'a string' }") == "a string");
  CHECK(failure("() => { throw undefined }") == "undefined");
  CHECK(failure("() => { throw Symbol('s') }") == "Symbol(s)");
  CHECK(failure("() => { throw { get message() { throw 1 }, name: 'X' } }") ==
        "Error: the thrown value cannot be described");
  CHECK(failure("() => { throw new Proxy({}, { get() { throw 1 } }) }") ==
        "Error: the thrown value cannot be described");
  CHECK(failure("() => Promise.reject(null)") == "null");
}

TEST_CASE("A handler's result that is no Response fails and says what to return") {
  CHECK(failure("() => {}") ==
        "TypeError: The fetch handler did not return a Response, but undefined (is a return "
        "statement missing?). Return new Response(body), or a promise of one.");
  CHECK(failure("() => 'text'").starts_with("TypeError: The fetch handler did not return"));
  CHECK(failure("() => ({ status: 200 })").starts_with("TypeError: The fetch handler did not"));
  CHECK(failure("() => Object.create(Response.prototype)").starts_with("TypeError: The fetch"));
  CHECK(failure("() => new Proxy(new Response(), {})").starts_with("TypeError: The fetch handler"));
  CHECK(failure("() => Response.error()").starts_with("TypeError: The handler returned"));
}

TEST_CASE("A thenable counts as a promise, and one that settles twice settles once") {
  TestScript script(R"js(
    export default { fetch() {
      return { then(resolve, reject) {
        resolve(new Response("first"));
        resolve(new Response("second"));
        reject(new Error("third"));
      } };
    } };
  )js");
  CHECK(script.text() == "first");
}

TEST_CASE("The same Response cannot be sent twice") {
  TestScript script(R"js(
    const response = new Response("once");
    export default { fetch() { return response; } };
  )js");
  CHECK(script.text() == "once");
  CHECK(script.text().starts_with("FAILED: TypeError: Body has already been used."));
}

TEST_CASE("A handler that never settles stays open until the host ends it, and then is silent") {
  TestScript script(R"js(
    let go;
    export default { fetch(request) {
      if (request.url.endsWith("/go")) { go(new Response("late")); return new Response("ok"); }
      return new Promise((resolve) => { go = resolve; });
    } };
  )js");
  CHECK(script.fetch("/").empty());
  CHECK(script.run(host::InvocationOver{1}).empty());
  // The late answer to the ended one goes nowhere.
  host::Outbox outbox = script.fetch("/go");
  REQUIRE(outbox.size() == 2);
  CHECK(bodyText(response(outbox)) == "ok");
  CHECK(response(outbox).invocation == 2);
}

TEST_CASE("waitUntil() keeps the invocation open, and its rejection is only logged") {
  TestScript script(R"js(
    export default { fetch(request, env, ctx) {
      ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 5)));
      ctx.waitUntil(Promise.reject(new Error("background")));
      ctx.waitUntil("no promise at all");
      ctx.passThroughOnException();
      return new Response("ok");
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  CHECK(count<host::Respond>(outbox) == 1);
  CHECK(count<host::Done>(outbox) == 0);
  CHECK(count<host::Failed>(outbox) == 0);
  REQUIRE(find<host::Log>(outbox) != nullptr);
  CHECK(find<host::Log>(outbox)->text.starts_with("Uncaught (in waitUntil) Error: background"));
  CHECK(find<host::Log>(outbox)->invocation == 1);
  REQUIRE(find<host::TimerStart>(outbox) != nullptr);
  CHECK(find<host::TimerStart>(outbox)->delayMillis == 5);
  outbox = script.run(host::TimerFired{find<host::TimerStart>(outbox)->timer});
  REQUIRE(outbox.size() == 1);
  CHECK(std::get<host::Done>(outbox[0]).invocation == 1);
}

TEST_CASE("ctx has props, and cannot be made or bent by a script") {
  TestScript script(R"js(
    export default { fetch(request, env, ctx) {
      const results = [JSON.stringify(ctx.props), ctx instanceof ExecutionContext];
      for (const attack of [() => new ExecutionContext(), () => ctx.waitUntil.call({}, 1),
          () => ctx.waitUntil()]) {
        try { attack(); results.push("no error"); } catch (error) { results.push(error.name); }
      }
      return new Response(results.join());
    } };
  )js");
  CHECK(script.text() == "{},true,TypeError,TypeError,TypeError");
}

TEST_CASE("Loading checks the default export and says what to change") {
  const auto problem = [](std::string source) {
    const Result<> loaded = TestScript::tryLoad(std::move(source));
    return loaded ? std::string("loaded") : loaded.error().detail;
  };
  CHECK(problem("export const x = 1;").find("default export") != std::string::npos);
  CHECK(problem("export default 5;").find("has no usable default export") != std::string::npos);
  CHECK(problem("export default {};").find("has no handler") != std::string::npos);
  CHECK(problem("export default { fetch: 1 };").find("`fetch` is not a function") !=
        std::string::npos);
  CHECK(problem("export default function () {};").find("is a function or a class") !=
        std::string::npos);
  CHECK(problem("export default { get fetch() { throw new Error('mine') } };") == "Error: mine");
  CHECK(problem("export default { fetch() {} };") == "loaded");
}

TEST_CASE("I/O and timers at the top level are refused as Workers do") {
  for (const std::string operation :
       {"setTimeout(() => {}, 1)", "await fetch('http://x/')", "await scheduler.wait(1)"}) {
    CAPTURE(operation);
    const Result<> loaded = TestScript::tryLoad(operation + "; export default { fetch() {} };");
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().detail.find("Disallowed operation called within global scope") !=
          std::string::npos);
  }
}

TEST_CASE("env carries text, JSON and KV bindings, and is importable") {
  TestScript script(
      R"js(
    import { env as imported } from "cloudflare:workers";
    export default { fetch(request, env) {
      return Response.json([env.TEXT, env.DATA.list[1], Object.keys(env), env.KV === imported.KV,
        env.KV.constructor.name]);
    } };
  )js",
      {deploy::TextBinding{"TEXT", "h\xC3\xA9llo"},
       deploy::JsonBinding{"DATA", R"({"list":[1,2]})"}, deploy::KvBinding{"KV", "ns1"}});
  CHECK(script.text() == "[\"h\xC3\xA9llo\",2,[\"TEXT\",\"DATA\",\"KV\"],true,\"KvNamespace\"]");
}

TEST_CASE("A handler keeps its object as `this`") {
  TestScript script(R"js(
    class App { name = "app"; fetch() { return new Response(this.name); } }
    export default new App();
  )js");
  CHECK(script.text() == "app");
}

TEST_CASE("Invocations of one isolate overlap and stay apart") {
  TestScript script(R"js(
    export default { async fetch(request) {
      await scheduler.wait(1);
      console.log(request.url);
      return new Response(request.url);
    } };
  )js");
  host::Outbox first = script.run(script.request("/1")), second = script.run(script.request("/2"));
  const auto timer1 = find<host::TimerStart>(first)->timer;
  const auto timer2 = find<host::TimerStart>(second)->timer;
  CHECK(find<host::TimerStart>(second)->invocation == 2);
  second = script.run(host::TimerFired{timer2});
  first = script.run(host::TimerFired{timer1});
  CHECK(response(second).invocation == 2);
  CHECK(bodyText(response(second)) == "http://example.com/2");
  CHECK(find<host::Log>(second)->invocation == 2);
  CHECK(bodyText(response(first)) == "http://example.com/1");
  CHECK(find<host::Log>(first)->invocation == 1);
}

TEST_CASE("Code resumed by another invocation's promise still belongs to its own") {
  TestScript script(R"js(
    let release;
    const shared = new Promise((resolve) => { release = resolve; });
    export default { async fetch(request) {
      if (request.url.endsWith("/release")) { release(); return new Response("released"); }
      await shared;
      console.log("resumed");
      return new Response("first");
    } };
  )js");
  CHECK(script.run(script.request("/")).empty());
  host::Outbox outbox = script.run(script.request("/release"));
  REQUIRE(find<host::Log>(outbox) != nullptr);
  CHECK(find<host::Log>(outbox)->invocation == 1);
  CHECK(count<host::Done>(outbox) == 2);
}

TEST_CASE("Events for what is not there are ignored") {
  TestScript script("export default { fetch() { return new Response('ok') } };");
  std::vector<host::Event> events;
  events.push_back(host::TimerFired{77});
  events.push_back(host::ClientGone{77});
  events.push_back(host::InvocationOver{77});
  events.push_back(host::BodyChunk{78, Bytes(std::string("x"))});
  events.push_back(host::BodyEnd{78, {}});
  events.push_back(host::BodyAccepted{79, 5});
  events.push_back(host::BodyGone{79, {}});
  events.push_back(host::OpDone{77, Bytes(std::string("x"))});
  events.push_back(host::OpDone{77, Error{}});
  CHECK(script.run(std::move(events)).empty());
  CHECK(script.text() == "ok");
}

TEST_CASE("request.signal aborts when the client goes away, and what waits can stop") {
  TestScript script(R"js(
    export default { fetch(request) {
      return new Promise((resolve) => request.signal.addEventListener("abort", () => {
        console.log(request.signal.reason.name);
        resolve(new Response("stopped"));
      }));
    } };
  )js");
  CHECK(script.run(script.request()).empty());
  host::Outbox outbox = script.run(host::ClientGone{1});
  CHECK(find<host::Log>(outbox)->text == "AbortError");
  CHECK(count<host::Done>(outbox) == 1);
}

}  // namespace atolld::webapi
