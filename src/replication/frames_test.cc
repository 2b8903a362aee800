#include "replication/frames.h"

#include <doctest/doctest.h>

#include <vector>

#include "store/crypto.h"
#include "store/log_entry.h"

namespace atolld::replication {
namespace {

struct Recorder final : FrameReader::Sink {
  void onHello(Hello hello) override { hellos.push_back(std::move(hello)); }
  void onEntry(std::string_view row) override { entries.emplace_back(row); }
  void onNews(News news) override { newses.push_back(news); }
  std::vector<Hello> hellos;
  std::vector<std::string> entries;
  std::vector<News> newses;
};

const Hello kGreeting{.verdict = Verdict::Follow,
                      .isRoot = true,
                      .age = std::chrono::milliseconds(17),
                      .head = {.history = std::string(store::kHistoryBytes, 'h'),
                               .index = 7,
                               .hash = std::string(store::kHashBytes, 'x')}};

TEST_CASE("a stream reads the same however it is cut") {
  std::string stream = helloFrame(kGreeting);
  appendEntryFrame(stream, "an entry");
  stream += newsFrame({.headIndex = 9, .age = std::chrono::milliseconds(3)});
  const std::string large(100'000, 'e');
  appendEntryFrame(stream, large);
  appendEntryFrame(stream, "");
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{3}, std::size_t{4096}, stream.size()}) {
    CAPTURE(step);
    Recorder seen;
    FrameReader reader(seen);
    for (std::size_t at = 0; at < stream.size(); at += step) {
      REQUIRE(reader.receive(std::string_view(stream).substr(at, step)));
    }
    REQUIRE(seen.hellos.size() == 1);
    CHECK(seen.hellos[0] == kGreeting);
    CHECK(seen.entries == std::vector<std::string>{"an entry", large, ""});
    REQUIRE(seen.newses.size() == 1);
    CHECK(seen.newses[0] == News{.headIndex = 9, .age = std::chrono::milliseconds(3)});
  }
}

TEST_CASE("what no source would send ends the stream") {
  const std::string hello = helloFrame(kGreeting);
  std::string entry;
  appendEntryFrame(entry, "e");
  std::string oldVersion = hello, badVerdict = hello, longHello = hello;
  oldVersion[5] = 9;
  badVerdict[6] = 4;
  longHello[3] = static_cast<char>(longHello[3] + 1);
  longHello += 'x';
  std::string unknown = hello + std::string("\0\0\0\1\7", 5);
  for (const std::string& hostile :
       {entry, hello + hello, oldVersion, badVerdict, longHello, unknown,
        hello + std::string("\0\0\0\0", 4), hello + std::string("\xff\xff\xff\xff", 4),
        hello + std::string("\0\0\0\2\3\0", 6), std::string("GET / HTTP/1.1\r\n\r\n")}) {
    Recorder seen;
    FrameReader reader(seen);
    const Result<> received = reader.receive(hostile);
    REQUIRE_FALSE(received.has_value());
    CHECK(received.error().code == ErrorCode::Protocol);
    Recorder bytewise;
    FrameReader slow(bytewise);
    Result<> ok;
    for (const char c : hostile) {
      if (ok) ok = slow.receive(std::string_view(&c, 1));
    }
    CHECK_FALSE(ok.has_value());
  }
}

TEST_CASE("a source follows only from what is its own past") {
  const store::Position head{.history = "H", .index = 10, .hash = "ten"};
  const auto verdict = [&](std::string history, std::uint64_t index, std::string hash,
                           std::optional<std::string> own, std::uint64_t base = 3) {
    return judge(head, base,
                 {.history = std::move(history), .index = index, .hash = std::move(hash)}, own);
  };
  CHECK(verdict("H", 5, "five", "five") == Verdict::Follow);
  CHECK(verdict("H", 10, "ten", "ten") == Verdict::Follow);
  CHECK(verdict("H", 5, "other", "five") == Verdict::Foreign);
  CHECK(verdict("G", 5, "five", "five") == Verdict::Foreign);
  CHECK(verdict("H", 11, "eleven", std::nullopt) == Verdict::BehindYou);
  CHECK(verdict("H", 2, "two", std::nullopt) == Verdict::TooOld);
  CHECK(verdict("", 0, "", std::nullopt, 0) == Verdict::Follow);
  CHECK(verdict("", 0, "", std::nullopt, 3) == Verdict::TooOld);
  CHECK(judge({}, 0, {.history = "H", .index = 1, .hash = "one"}, std::nullopt) ==
        Verdict::BehindYou);
}

}  // namespace
}  // namespace atolld::replication
