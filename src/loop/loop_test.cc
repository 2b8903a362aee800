#include "loop/loop.h"

#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "loop/poll.h"
#include "loop/signal_watcher.h"
#include "loop/timer.h"

namespace atolld::loop {
namespace {

using namespace std::chrono_literals;

TEST_CASE("deferred tasks run in order, and those they add run in the same pass") {
  Loop loop;
  std::string order;
  loop.defer([&] {
    order += 'a';
    for (char c = 'c'; c <= 'z'; ++c) loop.defer([&order, c] { order += c; });
  });
  loop.defer([&] { order += 'b'; });
  CHECK(loop.hasDeferred());
  loop.run(true);  // Does not wait: there is work.
  loop.runDeferred();
  CHECK(order == "abcdefghijklmnopqrstuvwxyz");
  CHECK_FALSE(loop.hasDeferred());
}

TEST_CASE("a Deferred runs once however often it is scheduled, and never once destroyed") {
  Loop loop;
  std::string order;
  Deferred kept(loop, [&] { order += 'k'; });
  std::optional<Deferred> gone(std::in_place, loop, [&] { order += 'g'; });
  std::optional<Deferred> suicidal;
  suicidal.emplace(loop, [&] {
    suicidal.reset();
    order += 's';
    kept.schedule();
  });
  kept.schedule();
  kept.schedule();
  gone->schedule();
  suicidal->schedule();
  gone.reset();
  loop.runDeferred();
  CHECK(order == "ksk");
  kept.schedule();
  loop.runDeferred();
  CHECK(order == "kskk");
}

TEST_CASE("timers fire in the order of their deadlines, never when stopped or destroyed") {
  Loop loop;
  std::string order;
  Timer late(loop), early(loop), stopped(loop), moved(loop);
  std::optional<Timer> destroyed(std::in_place, loop);
  late.start(20ms, [&] { order += 'l'; });
  early.start(1ms, [&] { order += 'e'; });
  stopped.start(1ms, [&] { order += 's'; });
  destroyed->start(1ms, [&] { order += 'd'; });
  moved.start(5ms, [&] { order += 'm'; });
  const Timer elsewhere = std::move(moved);
  stopped.stop();
  CHECK_FALSE(stopped.active());
  destroyed.reset();
  loop.runUntilClosed();
  CHECK(order == "eml");
}

TEST_CASE("a timer's callback may rearm it or destroy it") {
  Loop loop;
  int fired = 0;
  auto timer = std::make_unique<Timer>(loop);
  const std::function<void()> again = [&] {
    if (++fired < 3) {
      timer->start(0ms, again);
    } else {
      timer.reset();
    }
  };
  timer->start(0ms, again);
  loop.runUntilClosed();
  CHECK(fired == 3);
  CHECK(timer == nullptr);
}

TEST_CASE("rearming a timer drops the callback it had") {
  Loop loop;
  std::string order;
  Timer timer(loop);
  timer.start(0ms, [&] { order += 'x'; });
  timer.start(1ms, [&] { order += 'y'; });
  loop.runUntilClosed();
  CHECK(order == "y");
}

TEST_CASE("the seat moves to the thread that takes it") {
  Loop loop;
  bool fired = false;
  Timer timer(loop);
  std::thread([&] {
    loop.takeSeat();
    timer.start(0ms, [&] { fired = true; });
    loop.runUntilClosed();
  }).join();
  loop.takeSeat();
  loop.checkThread();
  CHECK(fired);
}

TEST_CASE("a poll reports what a socket is ready for, and only what is watched") {
  Loop loop;
  std::array<int, 2> pair{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) == 0);
  std::vector<std::string> seen;
  std::optional<Poll> poll;
  auto opened = Poll::open(loop, pair[0], [&](Poll::Ready ready) {
    seen.push_back(ready.readable ? "readable" : ready.writable ? "writable" : "failed");
    poll->watch(false, false);
  });
  REQUIRE(opened.has_value());
  poll.emplace(std::move(*opened));
  poll->watch(true, false);
  loop.run(false);
  CHECK(seen.empty());
  poll->watch(false, true);
  loop.runUntilClosed();
  REQUIRE(write(pair[1], "x", 1) == 1);
  poll->watch(true, false);
  loop.runUntilClosed();
  CHECK(seen == std::vector<std::string>{"writable", "readable"});
  poll.reset();
  close(pair[0]);
  close(pair[1]);
}

TEST_CASE("a poll may be destroyed by its own callback") {
  Loop loop;
  std::array<int, 2> pair{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) == 0);
  const auto token = std::make_shared<int>(0);
  std::optional<Poll> poll;
  poll.emplace(Poll::open(loop, pair[0], [&poll, held = token](Poll::Ready) {
                 poll.reset();
                 ++*held;  // The callback's captures outlive the call.
               }).value());
  poll->watch(false, true);
  loop.runUntilClosed();
  CHECK(*token == 1);
  CHECK(token.use_count() == 1);
  close(pair[0]);
  close(pair[1]);
}

TEST_CASE("a descriptor that cannot be polled is an error") {
  Loop loop;
  CHECK_FALSE(Poll::open(loop, -1, [](Poll::Ready) {}).has_value());
}

TEST_CASE("a signal is called back on the loop thread") {
  Loop loop;
  int caught = 0;
  Timer keepAlive(loop);
  SignalWatcher watcher(loop, SIGUSR1, [&] {
    ++caught;
    keepAlive.stop();
  });
  keepAlive.start(10s, [] {});
  REQUIRE(raise(SIGUSR1) == 0);
  loop.runUntilClosed();
  CHECK(caught == 1);
}

}  // namespace
}  // namespace atolld::loop
