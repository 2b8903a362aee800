#include "base/suggest.h"

#include <doctest/doctest.h>
#include <array>

namespace atolld {

TEST_CASE("closestTo finds what a person meant and keeps silent about what nobody meant") {
  constexpr std::array<std::string_view, 4> kWords{"deploy", "delete", "rollback", "kv"};
  CHECK(closestTo("deplyo", kWords) == "deploy");
  CHECK(closestTo("delte", kWords) == "delete");
  CHECK(closestTo("rolback", kWords) == "rollback");
  CHECK(closestTo("kvv", kWords) == "kv");
  CHECK_FALSE(closestTo("banana", kWords).has_value());
  CHECK_FALSE(closestTo("", kWords).has_value());
  CHECK_FALSE(closestTo(std::string(100000, 'd'), kWords).has_value());
  CHECK(didYouMean("delpoy", kWords) == ": did you mean \"deploy\"?");
  CHECK(didYouMean("banana", kWords).empty());
}

}  // namespace atolld
