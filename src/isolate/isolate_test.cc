#include "isolate/isolate.h"

#include <doctest/doctest.h>

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
           Row{"(() => { try { return new WebAssembly.Memory({initial: 1, maximum: 1, shared: "
               "true}).buffer.constructor.name } catch (e) { return 'refused' } })()",
               "Object"},
           Row{"Atomics.wait(new Int32Array(new ArrayBuffer(8)), 0, 0)",
               "TypeError: [object Int32Array] is not a shared typed array."},
           Row{"typeof native", "undefined"},
           Row{"typeof internals", "undefined"},
       }) {
    CAPTURE(expression);
    CHECK(loadAndAnswer(testVersion("export default { fetch() { return " + std::string(expression) +
                                    " } }")) == expected);
  }
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

}  // namespace
}  // namespace atolld::isolate
