#include "dispatch/limit_breaks.h"

#include <doctest/doctest.h>

namespace atolld::dispatch {
namespace {

using gateway::Refusal;

TEST_CASE("a few breaks are free; then the pauses grow, and end") {
  LimitBreaks breaks;
  for (std::uint64_t now = 1; now <= 3; ++now) {
    breaks.onBroken("a", Refusal::CpuLimit, now);
    CHECK_FALSE(breaks.find("a", now).has_value());
  }
  breaks.onBroken("a", Refusal::MemoryLimit, 1000);
  CHECK(breaks.find("a", 1000) == Refusal::MemoryLimit);
  CHECK(breaks.find("a", 1099) == Refusal::MemoryLimit);
  CHECK_FALSE(breaks.find("a", 1100).has_value());
  breaks.onBroken("a", Refusal::CpuLimit, 1100);
  CHECK(breaks.find("a", 1299) == Refusal::CpuLimit);
  CHECK_FALSE(breaks.find("a", 1300).has_value());
  for (int i = 0; i < 100; ++i) breaks.onBroken("a", Refusal::CpuLimit, 2000);
  CHECK(breaks.find("a", 6999).has_value());
  CHECK_FALSE(breaks.find("a", 7000).has_value());
  CHECK_FALSE(breaks.find("b", 2000).has_value());
}

TEST_CASE("a version that keeps its limits for a while starts afresh") {
  LimitBreaks breaks;
  for (int i = 0; i < 10; ++i) breaks.onBroken("a", Refusal::CpuLimit, 1000);
  breaks.onBroken("a", Refusal::CpuLimit, 40'000);
  CHECK_FALSE(breaks.find("a", 40'000).has_value());
  breaks.sweep(70'000);
  CHECK(breaks.count() == 1);
  breaks.sweep(70'001);
  CHECK(breaks.count() == 0);
}

TEST_CASE("what is not the script's doing does not count") {
  LimitBreaks breaks;
  for (int i = 0; i < 10; ++i) breaks.onBroken("a", Refusal::Internal, 1000);
  CHECK(breaks.count() == 0);
}

}  // namespace
}  // namespace atolld::dispatch
