// console and timers.

#include <doctest/doctest.h>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

std::string logged(std::string statement) {
  TestScript script("export default { fetch() { " + std::move(statement) +
                    "; return new Response(); } };");
  host::Outbox outbox = script.fetch();
  std::string all;
  for (const host::Effect& effect : outbox) {
    if (const auto* const log = std::get_if<host::Log>(&effect)) {
      all += (all.empty() ? "" : "\n") + log->text;
    }
  }
  return all;
}

std::vector<host::TimerStart> timersOf(const host::Outbox& outbox) {
  std::vector<host::TimerStart> timers;
  for (const host::Effect& effect : outbox) {
    if (const auto* const timer = std::get_if<host::TimerStart>(&effect)) timers.push_back(*timer);
  }
  return timers;
}

}  // namespace

TEST_CASE("Each level of console reaches the host") {
  TestScript script(R"js(
    export default { fetch() {
      console.debug("d"); console.log("l"); console.info("i");
      console.warn("w"); console.error("e");
      return new Response();
    } };
  )js");
  host::Outbox outbox = script.fetch();
  using Level = host::Log::Level;
  std::size_t i = 0;
  for (const Level level : {Level::Debug, Level::Log, Level::Info, Level::Warn, Level::Error}) {
    const auto& log = std::get<host::Log>(outbox[i++]);
    CHECK(log.level == level);
    CHECK(log.invocation == 1);
  }
}

TEST_CASE("Logs of the top level belong to no invocation") {
  TestScript script(
      "console.log('loading'); export default { fetch() { return new Response() } };");
  host::Outbox outbox = script.fetch();
  REQUIRE(find<host::Log>(outbox) != nullptr);
  CHECK(find<host::Log>(outbox)->text == "loading");
  CHECK(find<host::Log>(outbox)->invocation == 0);
}

TEST_CASE("console formats arguments") {
  for (const auto& [arguments, text] :
       {std::pair{"", ""},
        std::pair{"'a', 1, true, null, undefined, 5n", "a 1 true null undefined 5n"},
        std::pair{"'%s is %d and %i, %f', 'x', '42.5', 7.9, 1.5, 'rest'",
                  "x is 42 and 7, 1.5 rest"},
        std::pair{"'%o %O', {a: 1}, [1]", "{ a: 1 } [1]"},
        std::pair{"'100%', 'x'", "100% x"},
        std::pair{"'%%s %c%x', 'css', 1", "%s %x 1"},
        std::pair{"'%s'", "%s"},
        std::pair{"'%d', Symbol('s')", "NaN"},
        std::pair{"{ a: 'x', b: [1, 'y'], 'c-d': { e: null } }",
                  "{ a: \"x\", b: [1, \"y\"], \"c-d\": { e: null } }"},
        std::pair{"[1, , 3]", "[1, <empty>, 3]"},
        std::pair{"-0", "0"},
        std::pair{"[-0]", "[-0]"},
        std::pair{"new Map([['k', { v: 1 }]]), new Set([1])",
                  "Map(1) { \"k\" => { v: 1 } } Set(1) { 1 }"},
        std::pair{"new Uint8Array(3)", "Uint8Array(3) [0, 0, 0]"},
        std::pair{"new ArrayBuffer(4)", "ArrayBuffer { byteLength: 4 }"},
        std::pair{"new Date(0)", "1970-01-01T00:00:00.000Z"},
        std::pair{"/a/g", "/a/g"},
        std::pair{"function named() {}, class C {}, () => {}",
                  "[Function: named] [class C] [Function (anonymous)]"},
        std::pair{"Symbol('s')", "Symbol(s)"},
        std::pair{"new (class Point { x = 1 })", "Point { x: 1 }"},
        std::pair{"Object.create(null)", "[Object: null prototype] {}"},
        std::pair{"{ get a() { throw 1 }, set b(v) {} }", "{ a: [Getter], b: [Setter] }"},
        std::pair{"(() => { const o = {}; o.self = o; return o })()", "{ self: [Circular] }"},
        std::pair{"[[[[[[1]]]]]]", "[[[[[[Array]]]]]]"},
        std::pair{"{ [Symbol('k')]: 1 }", "{ [Symbol(k)]: 1 }"},
        std::pair{"new Headers({ a: 'b' })", "Headers { a: \"b\" }"},
        std::pair{"new Proxy({}, { ownKeys() { throw 1 } })", "[a value that cannot be inspected]"},
        std::pair{"Promise.resolve(1)", "Promise {}"}}) {
    CAPTURE(arguments);
    CHECK(logged("console.log(" + std::string(arguments) + ")") == text);
  }
  CHECK(logged("console.log(new TypeError('bad'))").starts_with("TypeError: bad\n    at "));
  CHECK(logged("console.log(new Error('outer', { cause: new Error('inner') }))")
            .ends_with("[cause]: Error: inner"));
}

TEST_CASE("What console writes is bounded") {
  CHECK(logged("console.log('x'.repeat(1e6))").size() < 70000);
  CHECK(logged("console.log(Array(1e5).fill('x'.repeat(1000)))").size() < 70000);
  CHECK(logged("let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; console.log(o)").size() <
        1000);
}

TEST_CASE("console groups, counts, times, asserts and draws tables") {
  CHECK(logged("console.group('g'); console.log('a\\nb'); console.groupEnd(); console.log('c')") ==
        "g\n  a\n  b\nc");
  CHECK(logged("console.count(); console.count(); console.countReset(); console.count('x')") ==
        "default: 1\ndefault: 2\nx: 1");
  CHECK(logged("console.time('t'); console.timeEnd('t'); console.timeEnd('t')").starts_with("t: "));
  CHECK(logged("console.assert(true, 'no'); console.assert(false, 'yes %d', 1)") ==
        "Assertion failed: yes 1");
  CHECK(logged("console.trace('here')").starts_with("Trace: here\n    at "));
  CHECK(logged("console.table([{ a: 1, b: 'x' }, { a: 22 }])") ==
        "(index) | a  | b\n--------+----+--\n0       | 1  | x\n1       | 22 |");
  CHECK(logged("const { log } = console; log('bound')") == "bound");
}

TEST_CASE("Timers fire in their invocation, with their arguments, until cleared") {
  TestScript script(R"js(
    export default { fetch() {
      return new Promise((resolve) => {
        let ticks = 0;
        const id = setInterval((a, b) => {
          if (++ticks < 3) return;
          clearInterval(id);
          resolve(new Response(`${a}${b}${ticks} ${typeof +id}`));
        }, 10, "x", "y");
        clearTimeout(setTimeout(() => resolve(new Response("never")), 1));
        clearTimeout(undefined); clearTimeout("junk"); clearTimeout(99999);
      });
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  const auto timers = timersOf(outbox);
  REQUIRE(timers.size() == 2);
  CHECK(timers[0].delayMillis == 10);
  CHECK(find<host::TimerCancel>(outbox)->timer == timers[1].timer);
  CHECK(script.run(host::TimerFired{timers[1].timer}).empty());
  for (int i = 0; i < 2; ++i) {
    outbox = script.run(host::TimerFired{timers[0].timer});
    REQUIRE(outbox.size() == 1);  // Started again.
    CHECK(std::get<host::TimerStart>(outbox[0]).timer == timers[0].timer);
  }
  outbox = script.run(host::TimerFired{timers[0].timer});
  CHECK(bodyText(response(outbox)) == "xy3 number");
  CHECK(count<host::TimerStart>(outbox) == 0);
}

TEST_CASE("Timers take odd delays as the standard has it, and at most 10,000 at once") {
  TestScript script(R"js(
    export default { fetch() {
      const delays = [-5, NaN, "7", 1.9, Infinity, undefined, null];
      for (const delay of delays) setTimeout(() => {}, delay);
      const results = [];
      for (const bad of ["code", null, undefined, {}]) {
        try { setTimeout(bad, 0); } catch (error) { results.push(error.name); }
      }
      try { for (;;) setTimeout(() => {}, 1); } catch (error) { results.push(error.message); }
      return new Response(results.join());
    } };
  )js");
  host::Outbox outbox = script.run(script.request());
  const auto timers = timersOf(outbox);
  std::string delays;
  for (std::size_t i = 0; i < 7; ++i) delays += std::to_string(timers[i].delayMillis) + " ";
  CHECK(delays == "0 0 7 1 0 0 0 ");
  CHECK(timers.size() == 10000);
  CHECK(
      bodyText(response(outbox)) ==
      "TypeError,TypeError,TypeError,TypeError,You have exceeded the number of active timeouts you "
      "may set, 10000.");
}

TEST_CASE("An exception in a timer is logged and nothing else suffers") {
  TestScript script(R"js(
    export default { fetch(request, env, ctx) {
      setTimeout(() => { throw new Error("in timer"); }, 1);
      ctx.waitUntil(scheduler.wait(2));
      return new Response("ok");
    } };
  )js");
  host::Outbox outbox = script.fetch();
  REQUIRE(find<host::Log>(outbox) != nullptr);
  CHECK(find<host::Log>(outbox)->text.starts_with("Uncaught (in timer) Error: in timer"));
  CHECK(count<host::Done>(outbox) == 1);
}

TEST_CASE("scheduler.wait() resolves in time and can be aborted") {
  TestScript script(R"js(
    export default { async fetch() {
      await scheduler.wait(3);
      try { await scheduler.wait(5, { signal: AbortSignal.abort("now") }); } catch (reason) {
        return new Response(reason);
      }
    } };
  )js");
  CHECK(script.text() == "now");
}

TEST_CASE("Unhandled rejections and exceptions in microtasks are logged") {
  CHECK(
      logged("Promise.reject(new Error('lost'))").starts_with("Uncaught (in promise) Error: lost"));
  CHECK(logged("reportError(new Error('told'))").starts_with("Uncaught Error: told"));
  CHECK(logged("queueMicrotask(() => { throw new Error('micro') })").find("Error: micro") !=
        std::string::npos);
}

}  // namespace atolld::webapi
