#include "tls/ticket_keys.h"

#include <doctest/doctest.h>

namespace atolld::tls {
namespace {

struct ManualClock : Clock {
  UnixMillis now() const override { return {}; }
  MonotonicTime monotonic() const override { return time; }
  MonotonicTime time = MonotonicTime(std::chrono::hours(1000));
};

TEST_CASE("a ticket key seals for one period and opens for three") {
  ManualClock clock;
  TicketKeys keys(clock, std::chrono::minutes(60));
  const auto first = keys.current().value();
  clock.time += std::chrono::minutes(59);
  CHECK(keys.current().value().name == first.name);
  CHECK(keys.find(first.name).value().newest);
  for (int period = 1; period <= 2; ++period) {
    clock.time += std::chrono::minutes(60);
    CHECK(keys.current().value().name != first.name);
    const auto found = keys.find(first.name);
    REQUIRE(found.has_value());
    CHECK_FALSE(found->newest);
    CHECK(found->key.cipherKey == first.cipherKey);
  }
  clock.time += std::chrono::minutes(60);
  CHECK_FALSE(keys.find(first.name).has_value());
}

TEST_CASE("a key nobody used for three periods is gone, as if it had been rotated out") {
  ManualClock clock;
  TicketKeys keys(clock, std::chrono::minutes(60));
  const auto first = keys.current().value();
  clock.time += std::chrono::minutes(180);
  CHECK_FALSE(keys.find(first.name).has_value());
}

}  // namespace
}  // namespace atolld::tls
