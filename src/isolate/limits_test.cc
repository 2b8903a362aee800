#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "isolate/isolate.h"
#include "isolate/test_guest.h"

namespace atolld::isolate {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

std::unique_ptr<Isolate> load(const std::string& body, IsolateLimits limits = {}) {
  startTestGuest();
  auto isolate = Isolate::create(limits).value();
  REQUIRE(isolate->load(testVersion("export default { async fetch(target) { " + body + " } }"))
              .has_value());
  return isolate;
}

/// Runs the script until another thread, once the script called enter(), ends it.
std::string endFromOutside(Isolate& isolate) {
  testEntered() = false;
  std::thread watchdog([&] {
    while (!testEntered()) std::this_thread::yield();
    isolate.terminate();
  });
  std::string end = answerOf(isolate);
  watchdog.join();
  return end;
}

TEST_CASE("a script that uses up its memory loses its isolate; process and neighbours live") {
  constexpr IsolateLimits kLimits{.heapBytesMax = 32 * kMiB, .bufferBytesMax = 32 * kMiB};
  const auto neighbour = load("return 'alive'");
  for (const char* const attack : {
           "const a = []; for (;;) a.push({x: a.length})",
           "let s = 'x'; for (;;) s = s + s.slice(1) + 'y'.repeat(1e6)",
           "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length).toString(); a.join()",
           "const m = new Map(); for (let i = 0;; ++i) m.set(i, [i])",
           "const a = []; for (;;) a.push(new Promise((r) => r()).then(() => a))",
           "for (;;) { const a = new Array(1e7).fill({}); globalThis.k = [globalThis.k, a] }",
           "const a = []; for (;;) a.push(() => a)",
           "const a = []; for (;;) a.push(new Uint8Array(8))",
           "const a = []; for (;;) a.push(new Array(1000))",
           "const a = []; for (;;) { try { a.push(new Error('x'.repeat(100) + a.length).stack) } "
           "catch {} }",
           "const a = []; for (;;) a.push(JSON.parse('[' + '[1],'.repeat(1e5) + '1]'))",
           "class A { x = new Array(1000).fill(1) } const a = []; for (;;) a.push(new A)",
       }) {
    CAPTURE(attack);
    const auto isolate = load(attack, kLimits);
    const std::string end = answerOf(*isolate);
    // Some end in an exception of their own: a string that grew too long, a buffer refused.
    CHECK_MESSAGE((end.starts_with("lost: the script used more than its 32 MB") ||
                   end.starts_with("RangeError") ||
                   end.ends_with("RangeError: Array buffer allocation failed")),
                  end);
    if (end.starts_with("lost")) CHECK(answerOf(*isolate) == end);  // And it stays lost.
    CHECK(answerOf(*neighbour) == "alive");
  }
}

TEST_CASE("buffers beyond the quota are refused, and the script goes on") {
  const auto isolate = load(
      "const a = []; try { for (;;) a.push(new Uint8Array(1e6)) } "
      "catch (e) { return [e.name, a.length > 20, a.length < 40] }",
      {.heapBytesMax = 64 * kMiB, .bufferBytesMax = 32 * kMiB});
  CHECK(answerOf(*isolate) == "RangeError,true,true");
  CHECK(answerOf(*isolate) == "RangeError,true,true");
}

TEST_CASE("memory that bypasses the allocator is seen: resizable buffers and Wasm memories") {
  for (const char* const attack : {
           "const a = []; for (;;) { const b = new ArrayBuffer(0, {maxByteLength: 1e7}); "
           "b.resize(1e7); new Uint8Array(b).fill(1); a.push(b) }",
           "const a = []; for (;;) { const m = new WebAssembly.Memory({initial: 100}); "
           "new Uint8Array(m.buffer).fill(1); a.push(m) }",
       }) {
    CAPTURE(attack);
    const auto isolate = load(attack, {.heapBytesMax = 32 * kMiB, .bufferBytesMax = 32 * kMiB});
    CHECK(answerOf(*isolate).contains("the script used more than its 32 MB of buffers"));
  }
}

TEST_CASE("a slice that another thread ends is over; finally blocks and catch do not save it") {
  for (const char* const body :
       {"for (;;) {}",
        "for (;;) { try { for (;;) {} } catch {} finally { "
        "for (;;) {} } }",
        "await null; for (;;) {}", "/(a*)*b/.test('a'.repeat(100))",
        "let a; for (;;) a = new Array(1000)", "const a = []; for (;;) { a.push(1); a.pop() }"}) {
    CAPTURE(body);
    const auto isolate = load("enter(); " + std::string(body));
    CHECK(endFromOutside(*isolate) == "lost: the script used more CPU time than it may");
  }
}

TEST_CASE("an endless loop in Wasm is ended as well, with and without calls in it") {
  // (func (export "spin") (loop br 0)) and (func $f) (func (export "spin") (loop call 0 br 0))
  const std::string plain(
      "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\x08\1\4spin\0\0\x0a\x09\1\7\0\3\x40\x0c\0\x0b\x0b",
      39);
  const std::string calling(
      "\0asm\1\0\0\0\1\4\1\x60\0\0\3\3\2\0\0\7\x08\1\4spin\0\1"
      "\x0a\x0e\2\2\0\x0b\x09\0\3\x40\x10\0\x0c\0\x0b\x0b",
      45);
  startTestGuest();
  for (const std::string& wasm : {plain, calling}) {
    const auto isolate = Isolate::create({}).value();
    REQUIRE(
        isolate
            ->load(testVersion(
                {testModule("index.js",
                            "import m from './spin.wasm'; const i = new WebAssembly.Instance(m);"
                            "export default { fetch() { enter(); i.exports.spin() } }"),
                 testModule("spin.wasm", wasm, deploy::ModuleType::Wasm)}))
            .has_value());
    CHECK(endFromOutside(*isolate) == "lost: the script used more CPU time than it may");
  }
}

TEST_CASE("any thread may run the isolate, one at a time, with the whole stack of its own") {
  const auto isolate = load(
      "globalThis.n = (globalThis.n ?? 0) + 1;"
      "const dive = (k) => k === 0 ? 0 : 1 + dive(k - 1); return [n, dive(5000)]");
  for (int round = 0; round < 5; ++round) {
    std::string fromThread;
    std::thread other([&] { fromThread = answerOf(*isolate); });
    other.join();
    CHECK(fromThread == std::to_string(2 * round + 1) + ",5000");
    CHECK(answerOf(*isolate) == std::to_string(2 * round + 2) + ",5000");
  }
}

TEST_CASE("endless recursion is a RangeError the script can catch") {
  const auto isolate = load("const f = () => f(); try { f() } catch (e) { return e.name }");
  CHECK(answerOf(*isolate) == "RangeError");
  CHECK(answerOf(*isolate) == "RangeError");
}

TEST_CASE("heapBytes() is known after loading and follows what the script keeps") {
  const auto isolate = load("globalThis.keep = new Array(1e6).fill(1.5); return 1");
  const std::size_t before = isolate->heapBytes();
  CHECK(before > 500'000);
  for (int i = 0; i < 100; ++i) CHECK(answerOf(*isolate) == "1");
  CHECK(isolate->heapBytes() > before + 4'000'000);
}

}  // namespace
}  // namespace atolld::isolate
