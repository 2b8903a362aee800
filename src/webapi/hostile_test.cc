// Scripts that attack the code around them.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {

TEST_CASE("A script that replaces every method of the built-ins still gets and gives messages") {
  TestScript script(R"js(
    const boom = () => { throw new Error("patched"); };
    const { getOwnPropertyNames, defineProperty, getOwnPropertyDescriptor } = Object;
    const holders = [Array, Object, Function, Map, Set, WeakMap, WeakSet, Promise, String, RegExp,
      Number, Symbol, Date, Error, TypeError, ArrayBuffer, Uint8Array,
      Reflect.getPrototypeOf(Uint8Array),
      Headers, Request, Response, ReadableStream, ReadableStreamDefaultReader, AbortSignal,
      EventTarget];
    const namespaces = [Object, Reflect, JSON, Math, Array, Promise, String, Number, Symbol];
    const length = holders.length;
    const patch = (holder, name) => {
      const descriptor = getOwnPropertyDescriptor(holder, name);
      if (!descriptor.configurable || name === "constructor") return;
      if (typeof descriptor.value === "function") {
        defineProperty(holder, name, { value: boom, configurable: true });
      } else if (descriptor.get !== undefined && holder !== Object.prototype) {
        defineProperty(holder, name, { get: boom, set: boom, configurable: true });
      }
    };
    for (let i = 0; i < length; i++) {
      const names = getOwnPropertyNames(holders[i].prototype);
      for (let j = 0; j < names.length; j++) patch(holders[i].prototype, names[j]);
    }
    const fetchIt = fetch, log = console.log, wait = scheduler.wait, sched = scheduler;
    defineProperty(Array.prototype, Symbol.iterator, { value: boom });
    for (let i = 0; i < namespaces.length; i++) {
      const names = getOwnPropertyNames(namespaces[i]);
      for (let j = 0; j < names.length; j++) patch(namespaces[i], names[j]);
    }
    export default { async fetch(request, env, ctx) {
      await null;
      const headers = new Headers({ "X-A": "1" });
      return new Response("alive", { headers, status: 201 });
    } };
  )js");
  for (int i = 0; i < 3; ++i) {
    host::Outbox outbox = script.run(script.post("body"));
    CHECK(response(outbox).head.status == 201);
    CHECK(bodyText(response(outbox)) == "alive");
    CHECK(header(response(outbox), "x-a") == "1");
    CHECK(count<host::Done>(outbox) == 1);
  }
}

TEST_CASE(
    "Accessors on Object.prototype and Array.prototype see nothing of ours and break nothing") {
  TestScript script(R"js(
    let seen = 0;
    for (const name of ["value", "get", "then", "done", "slot", "text", "stream", "body", "status",
        "headers", "type", "cf", "signal", "method", "start", "pull", "highWaterMark"]) {
      Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true,
        get() { return undefined; }, set() { seen++; } });
    }
    export default { async fetch(request) {
      const text = await request.text();
      return new Response(new Response(text + seen).body);
    } };
  )js");
  host::Outbox outbox = script.run(script.post("text"));
  REQUIRE(find<host::BodyWrite>(outbox) == nullptr);
  CHECK(bodyText(response(outbox)) == "text0");
}

TEST_CASE("Neither natives nor internals can be reached, nor do errors show them") {
  TestScript script(R"js(
    export default { fetch(request) {
      const found = [typeof native, typeof internals];
      try { new Headers({ "a b": "c" }); } catch (error) {
        found.push(/kernel|native\./.test(error.stack));
      }
      Error.prepareStackTrace = (error, frames) => frames;
      try { new Headers({ "a b": "c" }); } catch (error) {
        if (Array.isArray(error.stack)) {
          for (const frame of error.stack) {
            found.push(frame.getFunction() === undefined, frame.getThis() === undefined);
          }
        }
      }
      return new Response(found.slice(0, 2).join() + found.slice(3).every((x) => x === true));
    } };
  )js");
  CHECK(script.text() == "undefined,undefinedtrue");
}

TEST_CASE("Getters that throw while a response is made fail the handler, once") {
  for (const std::string bad :
       {"new Response('x', { get status() { throw new Error('mine') } })",
        "new Response('x', { headers: { get a() { throw new Error('mine') } } })",
        "new Response({ toString() { throw new Error('mine') } })",
        "Response.json({ toJSON() { throw new Error('mine') } })",
        "new Response('x', { headers: new Proxy({}, { ownKeys() { throw new Error('mine') } }) "
        "})"}) {
    CAPTURE(bad);
    TestScript script("export default { fetch() { return " + bad + "; } };");
    host::Outbox outbox = script.fetch();
    REQUIRE(outbox.size() == 2);
    CHECK(std::get<host::Failed>(outbox[0]).message == "Error: mine");
    CHECK(std::holds_alternative<host::Done>(outbox[1]));
  }
}

TEST_CASE("A stream written after its end, or closed twice, hurts only the script") {
  TestScript script(R"js(
    export default { fetch() {
      const errors = [];
      const stream = new ReadableStream({ start(controller) {
        controller.enqueue(new Uint8Array([65]));
        controller.close();
        const bytes = new Uint8Array(1);
        for (const late of [() => controller.enqueue(bytes), () => controller.close()]) {
          try { late(); } catch (error) { console.log(error.name); }
        }
      } });
      return new Response(stream);
    } };
  )js");
  host::Outbox outbox = script.fetch();
  CHECK(count<host::Log>(outbox) == 2);
  CHECK(find<host::BodyWrite>(outbox)->bytes.view() == "A");
  CHECK(count<host::BodyClose>(outbox) == 1);
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("A resizable or detached buffer as a body is taken as it is at that moment") {
  TestScript script(R"js(
    export default { async fetch() {
      const resizable = new ArrayBuffer(4, { maxByteLength: 8 });
      const first = new Response(resizable);
      resizable.resize(0);
      const detached = new ArrayBuffer(4);
      detached.transfer();
      return Response.json([(await first.bytes()).length,
        (await new Response(detached).bytes()).length,
        (await new Response(new Uint8Array(resizable)).bytes()).length]);
    } };
  )js");
  CHECK(script.text() == "[4,0,0]");
}

TEST_CASE("What piles up outside the isolate's heap is bounded: logs, questions, bytes under way") {
  TestScript logs(R"js(
    export default { fetch() {
      for (let i = 0; i < 1e5; i++) console.log("x".repeat(1000));
      return new Response("ok");
    } };
  )js");
  host::Outbox outbox = logs.fetch();
  CHECK(count<host::Log>(outbox) < 300);
  CHECK(std::get<host::Log>(outbox[outbox.size() - 3]).text.starts_with("Log limit exceeded"));
  CHECK(bodyText(response(outbox)) == "ok");

  TestScript failing("export default { fetch() { throw new Error('x'.repeat(1e7)) } };");
  outbox = failing.fetch();
  CHECK(find<host::Failed>(outbox)->message.size() == 16384);

  TestScript asking(R"js(
    export default { async fetch(request, { KV }) {
      const value = new Uint8Array(25 * 1024 * 1024);
      const puts = [];
      for (let i = 0; i < 20; i++) puts.push(KV.put("k", value));
      const asked = [];
      for (let i = 0; i < 10100; i++) asked.push(KV.get("k"));
      const [put, get] = await Promise.allSettled([puts[19], asked[10099]]);
      return new Response(put.reason.message + "|" + get.reason.message);
    } };
  )js",
                    {deploy::KvBinding{"KV", "ns"}});
  outbox = asking.fetch();
  CHECK(count<host::KvWrite>(outbox) == 5);
  CHECK(count<host::KvGet>(outbox) < 10000);
  CHECK(bodyText(response(outbox)).find("128 MiB may be under way") != std::string::npos);
  CHECK(bodyText(response(outbox)).find("Too many subrequests") != std::string::npos);
}

TEST_CASE("Promises that resolve to themselves or to strange thenables end in an answer") {
  for (const std::string handler :
       {"() => { let r; const p = new Promise((x) => { r = x; }); r(p); return p; }",
        "() => ({ get then() { throw new Error('mine') } })",
        "async () => ({ then(ok, no) { no(new Error('mine')) } })", "() => ({ then: 5 })"}) {
    CAPTURE(handler);
    TestScript script("export default { fetch: " + handler + " };");
    host::Outbox outbox = script.fetch();
    CHECK(count<host::Failed>(outbox) == 1);
    CHECK(count<host::Done>(outbox) == 1);
  }
}

}  // namespace atolld::webapi
