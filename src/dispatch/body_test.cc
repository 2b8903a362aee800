#include "dispatch/body.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "http/handler.h"

namespace {

namespace host = atolld::isolate::host;
using namespace atolld::dispatch;
using atolld::Bytes;
using atolld::Error;
using atolld::ErrorCode;

struct FakeOwner final : BodyOwner {
  std::vector<host::Event> events;
  int retired = 0;
  int pins = 0;
  void post(host::Event&& event) override { events.push_back(std::move(event)); }
  void retire(InboundBody&) override { ++retired; }
  void retire(OutboundBody&) override { ++retired; }
  void pin() override { ++pins; }
  void unpin() override { --pins; }

  template <class T>
  T& only() {
    REQUIRE(events.size() == 1);
    return std::get<T>(events.front());
  }
};

struct FakeSource final : BodySource {
  bool started = false;
  bool cancelled = false;
  std::size_t consumed = 0;
  void startBody() override { started = true; }
  void bodyConsumed(std::size_t bytes) override { consumed += bytes; }
  void cancelBody() override { cancelled = true; }
};

struct FakeTarget final : BodyTarget {
  BodyFeeder* feeder = nullptr;
  std::string written;
  bool ended = false;
  bool broken = false;
  std::size_t buffered = 0;
  void setFeeder(BodyFeeder* now) override { feeder = now; }
  void writeBody(Bytes bytes) override {
    written += bytes.view();
    buffered += bytes.size();
  }
  void endBody() override { ended = true; }
  void breakBody(const Error&) override { broken = true; }
  std::size_t bufferedBody() const override { return buffered; }
};

constexpr std::size_t kHigh = atolld::http::Exchange::kHighWaterBytes;

struct Fixture {
  FakeOwner owner;
  FakeSource source;
  FakeTarget target;
  InboundBody body{owner, 2, source};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a script gets no more of a body than it gave credit for") {
  body.receive(Bytes::copyOf("hello world"));
  CHECK(owner.events.empty());
  CHECK(source.consumed == 0);
  body.pull(5);
  CHECK(source.started);
  CHECK(owner.only<host::BodyChunk>().bytes.view() == "hello");
  CHECK(source.consumed == 5);
}

TEST_CASE_FIXTURE(Fixture, "the end comes after the last byte and needs no credit") {
  body.pull(4);
  body.receive(Bytes::copyOf("abcd"));
  body.finish();
  REQUIRE(owner.events.size() == 2);
  CHECK_FALSE(std::get<host::BodyEnd>(owner.events[1]).error.has_value());
  CHECK(owner.retired == 1);
  CHECK_FALSE(source.cancelled);
}

TEST_CASE_FIXTURE(Fixture, "a body that breaks off is never taken for a whole one") {
  SUBCASE("read in pieces") {
    body.pull(100);
    body.breakOff({ErrorCode::Aborted, "reset"});
    CHECK(owner.only<host::BodyEnd>().error->detail == "reset");
  }
  SUBCASE("collected") {
    body.receive(Bytes::copyOf("part"));
    body.collect(7, 100);
    body.breakOff({ErrorCode::Aborted, "reset"});
    CHECK(std::get<Error>(owner.only<host::OpDone>().value).detail == "reset");
  }
  SUBCASE("handed through") {
    body.pipeTo(target);
    body.receive(Bytes::copyOf("part"));
    body.breakOff({ErrorCode::Aborted, "reset"});
    CHECK(target.broken);
    CHECK_FALSE(target.ended);
    CHECK(owner.pins == 0);
  }
  SUBCASE("not yet read") {
    body.receive(Bytes::copyOf("part"));
    body.breakOff({ErrorCode::Aborted, "reset"});
    CHECK_FALSE(body.takeWhole().has_value());
    CHECK(owner.events.empty());
  }
  CHECK_FALSE(source.cancelled);  // It forgot the body by itself.
}

TEST_CASE_FIXTURE(Fixture, "collecting returns the window as it fills and answers once, whole") {
  body.receive(Bytes::copyOf("ab"));
  body.collect(9, 4);
  CHECK(source.consumed == 2);
  body.receive(Bytes::copyOf("cd"));
  CHECK(source.consumed == 4);
  CHECK(owner.events.empty());
  body.finish();
  CHECK(owner.only<host::OpDone>().op == 9);
  CHECK(std::get<Bytes>(owner.only<host::OpDone>().value).view() == "abcd");
}

TEST_CASE_FIXTURE(Fixture, "collecting more than the limit answers TooLarge and drops the source") {
  body.collect(9, 3);
  body.receive(Bytes::copyOf("abcd"));
  CHECK(std::get<Error>(owner.only<host::OpDone>().value).code == ErrorCode::TooLarge);
  CHECK(source.cancelled);
}

TEST_CASE_FIXTURE(Fixture, "a second reader of a body is told that it is gone") {
  body.collect(1, 100);
  body.collect(2, 100);
  CHECK(std::get<Error>(owner.only<host::OpDone>().value).code == ErrorCode::Aborted);
  body.pipeTo(target);
  CHECK(target.broken);
  CHECK(target.feeder == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "handing through stops at the target's high-water mark") {
  body.pipeTo(target);
  CHECK(owner.pins == 1);
  body.receive(Bytes(std::string(kHigh, 'x')));
  body.receive(Bytes::copyOf("later"));
  CHECK(target.written.size() == kHigh);
  CHECK(source.consumed == kHigh);
  target.buffered = 0;
  target.feeder->onTargetDrained();
  CHECK(target.written.size() == kHigh + 5);
  body.finish();
  CHECK(target.ended);
  CHECK(target.feeder == nullptr);
  CHECK(owner.pins == 0);
}

TEST_CASE_FIXTURE(Fixture, "a target that goes away cancels the source") {
  body.pipeTo(target);
  body.onTargetGone({ErrorCode::Aborted, "client left"});
  CHECK(source.cancelled);
  CHECK(owner.retired == 1);
  CHECK(owner.pins == 0);
}

TEST_CASE("a script's body tells the script what was taken, and only below the high-water mark") {
  FakeOwner owner;
  FakeTarget target;
  OutboundBody body(owner, 3, target);
  body.write(Bytes(std::string(kHigh, 'x')));
  body.acknowledge();
  CHECK(owner.events.empty());
  CHECK(body.awaited());
  target.buffered = 10;
  target.feeder->onTargetDrained();
  CHECK(owner.only<host::BodyAccepted>().accepted == kHigh);
  CHECK_FALSE(body.awaited());
  body.close(std::nullopt);
  CHECK(target.ended);
  CHECK(target.feeder == nullptr);
}

TEST_CASE(
    "a script writes far ahead of a reader that keeps up, and little ahead of one that does not") {
  constexpr std::size_t kLow = atolld::http::Exchange::kLowWaterBytes;
  FakeOwner owner;
  FakeTarget target;
  OutboundBody body(owner, 3, target);
  const auto goesOnWith = [&](std::size_t waiting) {
    owner.events.clear();
    body.write(Bytes(std::string("x")));
    target.buffered = waiting;
    body.acknowledge();
    return !owner.events.empty();
  };
  target.buffered = 0;
  target.feeder->onTargetDrained();
  target.feeder->onTargetDrained();
  CHECK(goesOnWith(kHigh - 1));
  CHECK_FALSE(goesOnWith(kHigh));
  target.buffered = kLow - 1;
  target.feeder->onTargetDrained();
  CHECK(goesOnWith(kLow - 1));
  CHECK_FALSE(goesOnWith(kLow));
}

TEST_CASE(
    "a script's body that fails is broken for its reader, and one without a reader is cancelled") {
  FakeOwner owner;
  FakeTarget target;
  SUBCASE("fails") {
    OutboundBody body(owner, 3, target);
    body.close(Error{ErrorCode::Script, "boom"});
    CHECK(target.broken);
    CHECK_FALSE(target.ended);
  }
  SUBCASE("reader gone") {
    OutboundBody body(owner, 3, target);
    target.feeder = nullptr;  // A target forgets its feeder before it says so.
    body.onTargetGone({ErrorCode::Aborted, "client left"});
    CHECK(owner.only<host::BodyGone>().body == 3);
    body.write(Bytes::copyOf("after the end"));
    CHECK(target.written.empty());
  }
  SUBCASE("script gone") {
    {
      const OutboundBody body(owner, 3, target);
    }
    CHECK(target.broken);
  }
  CHECK(target.feeder == nullptr);
}
