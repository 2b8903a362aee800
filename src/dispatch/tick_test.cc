#include "dispatch/tick.h"

#include <doctest/doctest.h>

#include <memory>

namespace atolld::dispatch {
namespace {

http::RequestHead headFrom(std::string address, std::string target, std::string method = "GET") {
  http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  auto connection = std::make_shared<http::ConnectionInfo>();
  connection->clientAddress = std::move(address);
  head.connection = std::move(connection);
  return head;
}

}  // namespace

TEST_CASE("a tick is asked for from this machine only, and not through a proxy") {
  const std::string path = "/cdn-cgi/handler/scheduled";
  for (const char* const address : {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(address);
    CHECK(asksForTick(headFrom(address, path)));
    CHECK(asksForTick(headFrom(address, path + "?cron=1")));
  }
  for (const char* const address : {"192.0.2.1", "10.0.0.1", "::2", "12.7.0.1", ""}) {
    CAPTURE(address);
    CHECK_FALSE(asksForTick(headFrom(address, path)));
  }
  CHECK_FALSE(asksForTick(headFrom("127.0.0.1", path, "POST")));
  CHECK_FALSE(asksForTick(headFrom("127.0.0.1", path + "/x")));
  CHECK_FALSE(asksForTick(headFrom("127.0.0.1", "/")));
  for (const char* const added : {"X-Forwarded-For", "forwarded", "via", "x-real-ip"}) {
    CAPTURE(added);
    http::RequestHead head = headFrom("127.0.0.1", path);
    head.headers.add(added, "192.0.2.1");
    CHECK_FALSE(asksForTick(head));
  }
}

TEST_CASE("a tick has the cron expression and the time of its request, or now") {
  const auto tick =
      parseTick("/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+1%2C2&time=1745856238000", 7).value();
  CHECK(tick.cron == "*/5 * * * 1,2");
  CHECK(tick.timeMillis == 1745856238000);
  const auto plain = parseTick("/cdn-cgi/handler/scheduled", 7).value();
  CHECK(plain.cron.empty());
  CHECK(plain.timeMillis == 7);
  CHECK(parseTick("/cdn-cgi/handler/scheduled?", 7).value().timeMillis == 7);
  for (const char* const wrong :
       {"time=soon", "time=", "time=1.5", "time=8640000000000001", "cron=%", "cron=a&cron=b"}) {
    CAPTURE(wrong);
    const auto refused = parseTick(std::string("/cdn-cgi/handler/scheduled?") + wrong, 7);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::InvalidArgument);
  }
}

}  // namespace atolld::dispatch
