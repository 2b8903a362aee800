#include "dispatch/failed_loads.h"

#include <doctest/doctest.h>

namespace atolld::dispatch {
namespace {

using gateway::Refusal;

TEST_CASE("a version that failed to load is answered for without trying, for a second") {
  FailedLoads loads;
  CHECK_FALSE(loads.find("v1", 5'000).has_value());
  loads.onFailed("v1", Refusal::ScriptLoadFailed, 5'000);
  CHECK(loads.find("v1", 5'000) == Refusal::ScriptLoadFailed);
  CHECK(loads.find("v1", 5'999) == Refusal::ScriptLoadFailed);
  CHECK_FALSE(loads.find("v1", 6'000).has_value());
  CHECK_FALSE(loads.find("v2", 5'000).has_value());  // A new version is tried at once.
}

TEST_CASE("the time between tries doubles up to a minute, and starts afresh after a success") {
  FailedLoads loads;
  std::uint64_t now = 0;
  for (const std::uint64_t pause :
       {1'000u, 2'000u, 4'000u, 8'000u, 16'000u, 32'000u, 60'000u, 60'000u}) {
    loads.onFailed("v", Refusal::MemoryLimit, now);
    CAPTURE(pause);
    CHECK(loads.find("v", now + pause - 1) == Refusal::MemoryLimit);
    CHECK_FALSE(loads.find("v", now + pause).has_value());
    now += pause;
  }
  loads.onLoaded("v");
  CHECK(loads.count() == 0);
  loads.onFailed("v", Refusal::ScriptLoadFailed, now);
  CHECK_FALSE(loads.find("v", now + 1'000).has_value());
}

TEST_CASE("failures that nobody asks about any more are forgotten") {
  FailedLoads loads;
  loads.onFailed("v", Refusal::ScriptLoadFailed, 0);
  loads.sweep(60'000);
  CHECK(loads.count() == 1);
  loads.sweep(1'000 + 10 * 60'000);
  CHECK(loads.count() == 0);
}

}  // namespace
}  // namespace atolld::dispatch
