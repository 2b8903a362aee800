#include "loop/socket.h"

#include <sys/socket.h>

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "loop/poll.h"
#include "loop/resolver.h"

namespace atolld::loop {
namespace {

TEST_CASE("SocketAddress::parse takes what operators write") {
  const auto text = [](std::string_view input) {
    return SocketAddress::parse(input).value().toString();
  };
  CHECK(text("127.0.0.1:8080") == "127.0.0.1:8080");
  CHECK(text("localhost:0") == "127.0.0.1:0");
  CHECK(text("[::1]:65535") == "[::1]:65535");
  CHECK(text("*:80") == "[::]:80");
  CHECK(text(":80") == "[::]:80");
  CHECK(text("[::ffff:10.1.2.3]:80") == "10.1.2.3:80");
  CHECK(SocketAddress::parse("0.0.0.0:1").value().isWildcard());
  CHECK_FALSE(SocketAddress::parse("[::1]:1").value().isWildcard());
}

TEST_CASE("SocketAddress::parse refuses the rest and says what to write") {
  constexpr std::string_view kNul("127.0.0.1\0:80", 13);
  for (const std::string_view bad : std::initializer_list<std::string_view>{
           "", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o",
           "::1:80", "[::1]", "[::1:80", "[127.0.0.1]:80", "example.com:80", "1.2.3:80", "[]:80",
           "1.2.3.4.5:80", "[::1]x:80", kNul}) {
    CAPTURE(bad);
    const auto parsed = SocketAddress::parse(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::InvalidArgument);
    CHECK(parsed.error().detail.find("127.0.0.1:8080") != std::string::npos);
  }
}

TEST_CASE("listen sockets for all shards share one kernel-chosen port, and nobody else gets it") {
  for (const char* where : {"127.0.0.1:0", "*:0"}) {
    CAPTURE(where);
    const auto sockets = openListenSockets(SocketAddress::parse(where).value(), 3);
    REQUIRE(sockets.has_value());
    REQUIRE(sockets->size() == 3);
    const SocketAddress bound = localAddress((*sockets)[0].get()).value();
    CHECK(bound.port() != 0);
    CHECK(localAddress((*sockets)[2].get()).value().port() == bound.port());
    const auto second = openListenSockets(bound, 1);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == ErrorCode::Unavailable);
  }
}

TEST_CASE("an address that is not ours is refused with its name") {
  const auto sockets = openListenSockets(SocketAddress::parse("192.0.2.1:0").value(), 1);
  REQUIRE_FALSE(sockets.has_value());
  CHECK(sockets.error().detail.find("192.0.2.1") != std::string::npos);
}

TEST_CASE("a connect is decided when the socket turns writable") {
  Loop loop;
  auto sockets = openListenSockets(SocketAddress::parse("127.0.0.1:0").value(), 1).value();
  const SocketAddress address = localAddress(sockets[0].get()).value();
  const auto outcome = [&] {
    const auto socket = startConnect(address);
    if (!socket) return ECONNREFUSED;  // Loopback may know at once.
    std::optional<Poll> poll;
    int error = -1;
    poll.emplace(Poll::open(loop, socket->get(), [&](Poll::Ready) {
                   error = takeSocketError(socket->get());
                   poll.reset();
                 }).value());
    poll->watch(false, true);
    loop.runUntilClosed();
    return error;
  };
  CHECK(outcome() == 0);
  sockets.clear();
  CHECK(outcome() == ECONNREFUSED);
}

TEST_CASE("the resolver answers names and literals, never from inside resolve()") {
  Loop loop;
  ThreadPool pool("resolve", 2);
  auto resolver = std::make_unique<Resolver>(loop, pool);
  int answers = 0, wrong = 0;
  const auto expectLoopback = [&](const Result<Resolver::Addresses>& found) {
    ++answers;
    if (!found || found->empty() || (*found)[0].port() != 443) ++wrong;
    if (answers == 4) resolver.reset();
  };
  const auto a = resolver->resolve("localhost", 443, expectLoopback);
  const auto b = resolver->resolve("localhost", 443, expectLoopback);
  const auto c = resolver->resolve("127.0.0.1", 443, expectLoopback);
  const auto d = resolver->resolve("::1", 443, expectLoopback);
  CHECK(answers == 0);
  loop.runUntilClosed();
  CHECK(answers == 4);
  CHECK(wrong == 0);
}

TEST_CASE("a lookup given up is not answered; a resolver gone answers nobody") {
  Loop loop;
  ThreadPool pool("resolve", 1);
  auto resolver = std::make_unique<Resolver>(loop, pool);
  int unwanted = 0;
  {
    const auto dropped = resolver->resolve("localhost", 1, [&](const auto&) { ++unwanted; });
  }
  const auto last = resolver->resolve("127.0.0.1", 1, [&](const auto&) { resolver.reset(); });
  const auto late = resolver->resolve("localhost", 2, [&](const auto&) {});
  loop.runUntilClosed();
  CHECK(unwanted == 0);
  CHECK(resolver == nullptr);
}

TEST_CASE("a name that cannot be is an error that names it") {
  Loop loop;
  ThreadPool pool("resolve", 1);
  auto resolver = std::make_unique<Resolver>(loop, pool);
  std::string detail;
  const auto lookup =
      resolver->resolve("no..such..name", 1, [&](const Result<Resolver::Addresses>& found) {
        if (!found) detail = found.error().detail;
        resolver.reset();
      });
  loop.runUntilClosed();
  CHECK(detail.find("no..such..name") != std::string::npos);
}

}  // namespace
}  // namespace atolld::loop
