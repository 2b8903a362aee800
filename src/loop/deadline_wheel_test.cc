#include "loop/deadline_wheel.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace atolld::loop {
namespace {

using namespace std::chrono_literals;

struct Recorder final : DeadlineWheel::Owner {
  Recorder(DeadlineWheel& wheel, std::string& where, char mark)
      : log(where), name(mark), deadline(wheel, *this) {}
  void onDeadline(DeadlineWheel::Deadline& passed) override {
    CHECK(&passed == &deadline);
    log += name;
    if (then) then();
  }
  std::string& log;
  char name;
  std::function<void()> then;
  DeadlineWheel::Deadline deadline;
};

TEST_CASE("deadlines pass in order, a tick late at most; cleared and destroyed ones never") {
  Loop loop;
  DeadlineWheel wheel(loop, 1ms);
  std::string log;
  Recorder late(wheel, log, 'l'), early(wheel, log, 'e'), cleared(wheel, log, 'c');
  auto destroyed = std::make_unique<Recorder>(wheel, log, 'd');
  late.deadline.set(30ms);
  early.deadline.set(2ms);
  cleared.deadline.set(2ms);
  destroyed->deadline.set(2ms);
  cleared.deadline.clear();
  CHECK_FALSE(cleared.deadline.isSet());
  destroyed.reset();
  loop.runUntilClosed();
  CHECK(log == "el");
  CHECK_FALSE(late.deadline.isSet());
}

TEST_CASE("a deadline moves both ways") {
  Loop loop;
  DeadlineWheel wheel(loop, 1ms);
  std::string log;
  Recorder a(wheel, log, 'a'), b(wheel, log, 'b'), mark(wheel, log, '|');
  a.deadline.set(2ms);
  a.deadline.set(40ms);
  b.deadline.set(1h);
  b.deadline.set(2ms);
  mark.deadline.set(20ms);
  loop.runUntilClosed();
  CHECK(log == "b|a");
}

TEST_CASE("a deadline further away than one turn of the wheel is not early") {
  Loop loop;
  DeadlineWheel wheel(loop, 1ms);
  std::string log;
  Recorder far(wheel, log, 'f');
  const std::uint64_t start = loop.nowMillis();
  std::uint64_t passed = 0;
  far.then = [&] { passed = loop.nowMillis(); };
  far.deadline.set(300ms);
  loop.runUntilClosed();
  CHECK(log == "f");
  CHECK(passed - start >= 300);
}

TEST_CASE(
    "a callback may set its deadline again, and destroy its own and others of the same tick") {
  Loop loop;
  DeadlineWheel wheel(loop, 1ms);
  std::string log;
  std::vector<std::unique_ptr<Recorder>> all;
  for (char c = 'a'; c < 'f'; ++c) {
    all.push_back(std::make_unique<Recorder>(wheel, log, c));
    all.back()->deadline.set(5ms);
  }
  all[0]->then = [&, turns = 0]() mutable {
    if (++turns < 3) all[0]->deadline.set(3ms);
  };
  all[1]->then = [&] {
    all[2].reset();
    all[4].reset();
    all[1].reset();
  };
  loop.runUntilClosed();
  CHECK(log == "abdaa");
}

}  // namespace
}  // namespace atolld::loop
