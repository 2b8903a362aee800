#include "shard/trial.h"

#include <doctest/doctest.h>

#include "isolate/test_guest.h"

namespace atolld::shard {
namespace {

std::string outcome(const std::string& source, TrialLimits limits = {}) {
  isolate::startTestGuest();
  const Result<> loaded = tryLoad(*isolate::testVersion(source), limits);
  if (loaded) return "loads";
  CHECK(loaded.error().code == ErrorCode::Script);
  return loaded.error().detail;
}

TEST_CASE("a version that loads passes its trial, again and again") {
  for (int i = 0; i < 3; ++i) {
    CHECK(outcome("export default { fetch(target) { return target } }") == "loads");
  }
}

TEST_CASE("what goes wrong at the top level is told with its place") {
  const std::string thrown =
      outcome("const a = 1;\nthrow new TypeError('top trouble');\nexport default { fetch() {} }");
  CHECK(thrown.contains("TypeError: top trouble"));
  CHECK(thrown.contains(":2"));
  CHECK(outcome("await new Promise(() => {}); export default {}").contains("top-level await"));
  CHECK(outcome("throw { toString() { throw 1 } }; export default {}").contains("top level"));
}

TEST_CASE("a top level without end, or without measure, ends at its limit") {
  const TrialLimits limits{.isolate = {.heapBytesMax = 32 << 20, .bufferBytesMax = 16 << 20},
                           .cpuMax = std::chrono::milliseconds(200)};
  CHECK(outcome("for (;;) {}; export default {}", limits).contains("200 ms of CPU time"));
  CHECK(outcome("const step = () => { Promise.resolve().then(step) }; step(); export default {}",
                limits)
            .contains("200 ms of CPU time"));
  CHECK(outcome("const all = []; for (;;) all.push(new Array(1e5).fill(1.5)); export default {}",
                limits)
            .contains("32 MB of memory before it was ready"));
}

}  // namespace
}  // namespace atolld::shard
