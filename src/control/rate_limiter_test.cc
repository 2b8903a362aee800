#include "control/rate_limiter.h"

#include <doctest/doctest.h>

namespace atolld::control {

using namespace std::chrono_literals;

TEST_CASE("a caller may burst, then goes on at the rate, and rests back to a burst") {
  RateLimiter limiter(100ms, 3);
  MonotonicTime now{};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limiter.take(1, now));
  CHECK(limiter.take(1, now) == 100ms);
  CHECK(limiter.take(1, now + 40ms) == 60ms);  // A refusal takes nothing.
  CHECK_FALSE(limiter.take(2, now));           // Another caller has its own turns.
  now += 100ms;
  CHECK_FALSE(limiter.wait(1, now));
  CHECK_FALSE(limiter.take(1, now));
  CHECK(limiter.wait(1, now) == 100ms);
  now += 10s;
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limiter.take(1, now));
  CHECK(limiter.take(1, now));
}

TEST_CASE("no interval is no limit") {
  RateLimiter limiter(0ns, 1);
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(limiter.take(1, MonotonicTime{}));
}

TEST_CASE("a full table shares one allowance among new callers, and forgets who has rested") {
  RateLimiter limiter(1s, 1);
  MonotonicTime now{};
  for (std::uint64_t key = 1; key <= RateLimiter::kKeyCountMax; ++key) {
    CHECK_FALSE(limiter.take(key, now));
  }
  CHECK_FALSE(limiter.take(1'000'001, now));
  CHECK(limiter.take(1'000'002, now));
  CHECK(limiter.take(1, now));  // Who was there first keeps its own.
  now += 2s;
  CHECK_FALSE(limiter.take(1'000'003, now));
  CHECK_FALSE(limiter.take(1'000'004, now));
}

TEST_CASE("an IPv6 client counts as its network, an IPv4 one as its address") {
  CHECK(clientKey("2001:db8::1") == clientKey("2001:db8:0:0:ffff::2"));
  CHECK(clientKey("2001:db8::1") != clientKey("2001:db8:0:1::1"));
  CHECK(clientKey("192.0.2.1") != clientKey("192.0.2.2"));
  CHECK(clientKey("192.0.2.1") == clientKey("192.0.2.1"));
}

}  // namespace atolld::control
