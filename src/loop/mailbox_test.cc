#include "loop/mailbox.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "loop/thread_pool.h"

namespace atolld::loop {
namespace {

TEST_CASE("letters of one sender arrive in the order posted") {
  Loop loop;
  Mailbox mailbox(loop);
  std::vector<int> seen;
  std::thread sender([&] {
    for (int i = 0; i < 1000; ++i) {
      mailbox.post([&, i] {
        loop.checkThread();
        seen.push_back(i);
        if (i == 999) mailbox.close();
      });
    }
  });
  loop.runUntilClosed();
  sender.join();
  REQUIRE(seen.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(seen[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("no letter of many senders is lost or delivered twice") {
  constexpr int kSenders = 4, kLetters = 2000;
  Loop loop;
  Mailbox mailbox(loop);
  std::array<int, kSenders> next{};
  int delivered = 0;
  bool ordered = true;
  std::vector<std::thread> senders;
  for (int s = 0; s < kSenders; ++s) {
    senders.emplace_back([&, s] {
      for (int i = 0; i < kLetters; ++i) {
        mailbox.post([&, s, i] {
          ordered = ordered && next[static_cast<std::size_t>(s)]++ == i;
          if (++delivered == kSenders * kLetters) mailbox.close();
        });
      }
    });
  }
  loop.runUntilClosed();
  for (std::thread& sender : senders) sender.join();
  CHECK(ordered);
  CHECK(delivered == kSenders * kLetters);
}

TEST_CASE("a closed mailbox drops its letters and what they own") {
  Loop loop;
  Mailbox mailbox(loop);
  const auto token = std::make_shared<int>();
  int ran = 0;
  mailbox.post([&] {
    ++ran;
    mailbox.close();
  });
  mailbox.post([&, token] { ++ran; });
  loop.runUntilClosed();
  mailbox.post([&, token] { ++ran; });
  loop.runUntilClosed();
  CHECK(ran == 1);
  CHECK(token.use_count() == 1);
}

TEST_CASE("a letter may destroy its mailbox") {
  Loop loop;
  std::optional<Mailbox> mailbox(std::in_place, loop);
  mailbox->post([&] { mailbox.reset(); });
  loop.runUntilClosed();
  CHECK_FALSE(mailbox.has_value());
}

TEST_CASE("a letter posted by a letter is delivered, but not before the loop had its turn") {
  Loop loop;
  Mailbox mailbox(loop);
  bool inner = false;
  mailbox.post([&] {
    mailbox.post([&] {
      inner = true;
      mailbox.close();
    });
  });
  loop.run(true);
  loop.runUntilClosed();
  CHECK(inner);
}

TEST_CASE("a thread pool starts jobs in order and finishes them before it goes") {
  std::vector<int> order;
  {
    ThreadPool pool("test", 1);
    for (int i = 0; i < 100; ++i) pool.submit([&order, i] { order.push_back(i); });
  }
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("jobs of many threads come back through a mailbox") {
  Loop loop;
  Mailbox mailbox(loop);
  ThreadPool pool("test", 4);
  int sum = 0, answers = 0;
  for (int i = 1; i <= 100; ++i) {
    pool.submit([&, owned = std::make_unique<int>(i)] {
      mailbox.post([&, value = *owned] {
        sum += value;
        if (++answers == 100) mailbox.close();
      });
    });
  }
  loop.runUntilClosed();
  CHECK(sum == 5050);
}

}  // namespace
}  // namespace atolld::loop
