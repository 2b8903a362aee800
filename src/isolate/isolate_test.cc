#include "isolate/isolate.h"

#include <doctest/doctest.h>

#include "isolate/hardening.h"
#include "isolate/test_guest.h"

namespace atolld::isolate {
namespace {

std::unique_ptr<Isolate> makeIsolate(IsolateLimits limits = {}) {
  startTestGuest();
  return Isolate::create(limits).value();
}

std::string loadAndAnswer(std::shared_ptr<const deploy::Version> version) {
  const auto isolate = makeIsolate();
  if (const Result<> loaded = isolate->load(std::move(version)); !loaded) {
    return "load: " + loaded.error().detail;
  }
  return answerOf(*isolate);
}

TEST_CASE("a handler's value, now or later, is the response") {
  CHECK(loadAndAnswer(testVersion("export default { fetch() { return 'hello' } }")) == "hello");
  CHECK(loadAndAnswer(testVersion(
            "export default { async fetch() { await null; await null; return 'later' } }")) ==
        "later");
  CHECK(loadAndAnswer(testVersion("export default { fetch() { throw new TypeError('no') } }")) ==
        "TypeError: no");
}

TEST_CASE("module state lives from one slice to the next") {
  const auto isolate = makeIsolate();
  REQUIRE(isolate->load(testVersion("let n = 0; export default { fetch() { return ++n } }")));
  CHECK(answerOf(*isolate) == "1");
  CHECK(answerOf(*isolate) == "2");
}

TEST_CASE("between slices no invocation's event runs") {
  const auto isolate = makeIsolate();
  REQUIRE(isolate->load(testVersion("export default { fetch() { return 1 } }")));
  CHECK(isolate->runningInvocation() == 0);
  CHECK(answerOf(*isolate) == "1");
  CHECK(isolate->runningInvocation() == 0);
}

TEST_CASE("what loading logged comes with the first slice") {
  CHECK(loadAndAnswer(testVersion("log('top'); export default { fetch() { return 1 } }")) ==
        "top|1");
}

TEST_CASE("a lazy built-in script runs once, with native and internals") {
  CHECK(loadAndAnswer(testVersion("export default { fetch() { const a = lazy(), b = lazy(); "
                                  "return [a === b, a.runs, a.hasNative] } }")) ==
        "true,1,function");
}

TEST_CASE("scripts cannot make code, share memory or block") {
  struct Row {
    std::string_view expression, answer;
  };
  for (const auto& [expression, expected] : {
           Row{"eval('1')",
               "EvalError: eval() and new Function() are not available: code runs only as it was "
               "deployed"},
           Row{"new Function('return 1')()",
               "EvalError: eval() and new Function() are not available: code runs only as it was "
               "deployed"},
           Row{"typeof SharedArrayBuffer", "undefined"},
           Row{"new WebAssembly.Memory({initial: 1, maximum: 1, shared: true})",
               "TypeError: WebAssembly.Memory: shared memory is not available"},
           Row{"new WebAssembly.Memory({initial: 1, maximum: 1, get shared() { "
               "return globalThis.asked || !(globalThis.asked = true) } }).buffer.byteLength",
               "65536"},
           Row{"new WebAssembly.Memory(Object.assign(() => {}, {initial: 1, maximum: 1, shared: "
               "true}))",
               "TypeError: WebAssembly.Memory: shared memory is not available"},
           Row{"new (new WebAssembly.Memory({initial: 1})).constructor("
               "{initial: 1, maximum: 1, shared: 1})",
               "TypeError: WebAssembly.Memory: shared memory is not available"},
           Row{"[new WebAssembly.Memory({initial: 2}) instanceof WebAssembly.Memory, "
               "WebAssembly.Memory.name]",
               "true,Memory"},
           Row{"Atomics.wait(new Int32Array(new ArrayBuffer(8)), 0, 0)",
               "TypeError: [object Int32Array] is not a shared typed array."},
           Row{"typeof Atomics.waitAsync", "undefined"},
           Row{"typeof native", "undefined"},
           Row{"typeof internals", "undefined"},
       }) {
    CAPTURE(expression);
    CHECK(loadAndAnswer(testVersion("export default { fetch() { return " + std::string(expression) +
                                    " } }")) == expected);
  }
}

TEST_CASE("a Wasm module with a shared memory of its own is found and refused") {
  const std::string header("\0asm\1\0\0\0", 8);
  CHECK(definesSharedMemory(header + std::string("\5\4\1\3\1\1", 6)));
  CHECK(definesSharedMemory(header + std::string("\1\4\1\x60\0\0", 6) +
                            std::string("\5\x87\0\2\1\1\xff\1\3\1", 10)));
  CHECK_FALSE(definesSharedMemory(header + std::string("\5\4\1\1\3\3", 6)));
  CHECK_FALSE(definesSharedMemory(header));
  for (const std::string_view hostile :
       {"", "\0asm", "12345678\5", "12345678\5\xff\xff\xff\xff\xff\xff", "12345678\5\1\xff",
        "12345678\5\x7f\1"}) {
    CHECK_FALSE(definesSharedMemory(hostile));
  }
  startTestGuest();
  const auto loaded = Isolate::create({}).value()->load(testVersion(
      {testModule("index.js", "import m from './t.wasm'; export default {}"),
       testModule("t.wasm", header + std::string("\5\4\1\3\1\1", 6), deploy::ModuleType::Wasm)}));
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().detail ==
        "t.wasm: TypeError: it defines a shared memory, which is not "
        "available: build it without threads");
}

TEST_CASE("rejections without a handler and stray exceptions reach the guest, once") {
  CHECK(loadAndAnswer(testVersion("export default { fetch() { Promise.reject(new Error('a')); "
                                  "Promise.reject(1).catch(() => {}); return 1 } }")) ==
        "1|unhandled: Error: a");
  const auto isolate = makeIsolate();
  REQUIRE(
      isolate->load(testVersion("export default { fetch() { "
                                "(async () => { await null; throw 'late' })(); return 1 } }")));
  CHECK(answerOf(*isolate) == "1|unhandled: late");
}

TEST_CASE("a script's clock stands still while it runs and goes on between its events") {
  startTestGuest();
  const auto isolate = Isolate::create({}).value();
  REQUIRE(isolate
              ->load(testVersion("const loaded = Date.now();"
                                 "function work() { let n = 0; while (n < 3e7) n++; return n; }"
                                 "export default { fetch() {"
                                 "  const start = Date.now();"
                                 "  work();"
                                 "  return `${Date.now() - start} ${+new Date() - start} "
                                 "${start >= loaded} ${start}`; } }"))
              .has_value());
  const std::string first = answerOf(*isolate);
  CHECK(first.starts_with("0 0 true "));
  const auto millisOf = [](const std::string& answer) { return std::stoll(answer.substr(9)); };
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = now();
  while (now() <= before) {
  }
  CHECK(millisOf(answerOf(*isolate)) > millisOf(first));
}

}  // namespace
}  // namespace atolld::isolate
