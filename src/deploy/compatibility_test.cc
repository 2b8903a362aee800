#include "deploy/compatibility.h"

#include <doctest/doctest.h>

#include <vector>

namespace atolld::deploy {
namespace {

using Flags = std::vector<std::string>;

std::string refusal(std::string_view date, const Flags& flags) {
  const Result<> checked = checkCompatibility(date, flags);
  return checked ? "" : checked.error().detail;
}

TEST_CASE("a date before the floor is refused, with the floor") {
  CHECK(refusal("2022-11-30", {}).empty());
  CHECK(refusal("2026-11-23", {}).empty());
  CHECK(refusal("2022-11-29", {}) ==
        "compatibility date 2022-11-29 is too old: the oldest date accepted is 2022-11-30. Take "
        "that or a later one");
  CHECK(refusal("yesterday", {}) == R"(compatibility date: give a day as "YYYY-MM-DD")");
}

TEST_CASE("an unknown flag is refused with what may have been meant") {
  CHECK(refusal("2026-01-01", {"nodejs_compat"}).empty());
  CHECK(refusal("2026-01-01", {"nodejs_compta"}) ==
        R"(compatibility flag "nodejs_compta" is not known: did you mean "nodejs_compat"?)");
  CHECK(refusal("2026-01-01", {"xxxxxxxxxxxxxx"}) ==
        R"(compatibility flag "xxxxxxxxxxxxxx" is not known)");
  CHECK(refusal("2026-01-01", {"url_original"}).contains("url_standard holds at every date"));
  CHECK(refusal("2026-01-01", {"experimental"}).contains("not offered here"));
  CHECK(refusal("2026-01-01", {"nodejs_compat", "no_nodejs_compat"}).contains("contradict"));
}

TEST_CASE("dates and flags switch features, and flags win") {
  const auto has = [](Feature feature, std::string_view date, const Flags& flags = {}) {
    return featuresOf(date, flags).has(feature);
  };
  CHECK_FALSE(has(Feature::NodeModules, "2026-08-03"));
  CHECK(has(Feature::NodeModules, "2026-08-04"));
  CHECK(has(Feature::NodeModules, ""));
  CHECK_FALSE(has(Feature::NodeModules, "2026-08-04", {"no_nodejs_compat"}));
  CHECK(has(Feature::NodeModules, "2023-01-01", {"nodejs_compat"}));
  // Globals and bare names came later than the modules.
  CHECK_FALSE(has(Feature::NodeGlobals, "2024-09-22", {"nodejs_compat"}));
  CHECK(has(Feature::NodeGlobals, "2024-09-23", {"nodejs_compat"}));
  CHECK(has(Feature::NodeGlobals, "2024-01-01", {"nodejs_compat_v2"}));
  CHECK(has(Feature::NodeModules, "2024-01-01", {"nodejs_compat_v2"}));
  CHECK_FALSE(has(Feature::NodeGlobals, "2026-11-01", {"no_nodejs_compat_v2"}));
  CHECK_FALSE(has(Feature::NodeGlobals, "2026-11-01", {"no_nodejs_compat"}));
  CHECK_FALSE(has(Feature::ProcessEnv, "2026-07-01"));
  CHECK(has(Feature::ProcessEnv, "2025-04-01", {"nodejs_compat"}));
  CHECK_FALSE(has(Feature::ProcessEnv, "2025-03-31", {"nodejs_compat"}));
  CHECK(has(Feature::NodeTimers, "2026-11-01"));
  CHECK_FALSE(has(Feature::NodeTimers, "2026-07-01"));
  CHECK(has(Feature::AsyncLocalStorage, "2023-01-01", {"nodejs_als"}));
  CHECK(has(Feature::CtxExports, "2025-11-17"));
  CHECK_FALSE(has(Feature::CtxExports, "2025-11-16"));
}

}  // namespace
}  // namespace atolld::deploy
