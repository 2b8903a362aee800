#include "listen/listener.h"

#include <doctest/doctest.h>

#include <latch>
#include <string>
#include <vector>

#include "listen/test_server.h"

namespace atolld::listen {
namespace {

using namespace std::chrono_literals;

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nhost: test\r\n" + std::string(more) + "\r\n";
}

/// Limits that no test reaches unless it shortens one.
ListenLimits patient() {
  return {.handshake = 10min,
          .requestHead = 10min,
          .bodyProgress = 10min,
          .writeProgress = 10min,
          .idle = 10min,
          .linger = 10min,
          .drain = 10min};
}

TEST_CASE("requests on one connection are answered in order, also when they come all at once") {
  TestServer server(patient());
  server.run([&] {
    TestClient client(server.port);
    client.send(get("/hello"));
    CHECK(client.receiveUntil("hello").starts_with("HTTP/1.1 200"));
    std::string pipelined;
    for (int i = 0; i < 20; ++i) pipelined += get("/hello");
    client.send(pipelined + "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\nlast");
    CHECK(client.receiveUntil("last").find("hello") != std::string::npos);
  });
  CHECK(server.handler.completed == 22);
  CHECK(server.stats->requests.value() == 22);
  CHECK(server.stats->accepted.value() == 1);
  CHECK(server.stats->bytesReceived.value() > 22 * 30);
  CHECK(server.handler.lastConnection->clientAddress == "127.0.0.1");
  CHECK(server.handler.lastConnection->localPort == server.port);
  CHECK_FALSE(server.handler.lastConnection->secure);
}

TEST_CASE("a request cut into single bytes is the same request") {
  TestServer server(patient());
  server.run([&] {
    TestClient client(server.port);
    for (const char byte : get("/hello")) client.send({&byte, 1});
    CHECK(client.receiveUntil("hello").starts_with("HTTP/1.1 200"));
  });
}

TEST_CASE("a client that ends its side after the request still gets the answer") {
  TestServer server(patient());
  server.run([&] {
    TestClient client(server.port);
    client.send(get("/hello"));
    client.finish();
    CHECK(client.receiveAll().ends_with("hello"));
    CHECK_FALSE(client.wasReset());
  });
}

TEST_CASE("clients that come and go without a word, or in the middle of one, harm nobody") {
  TestServer server(patient());
  server.run([&] {
    for (std::string_view word : {"", "G", "PRI * HT", "GET /hello HTTP/1.1\r\n"}) {
      TestClient client(server.port);
      client.send(word);
    }
    {
      TestClient client(server.port);
      client.send(get("/hang"));
      const linger abort{.l_onoff = 1, .l_linger = 0};
      setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    }
    TestClient client(server.port);
    client.send(get("/hello"));
    CHECK(client.receiveUntil("hello").ends_with("hello"));
  });
}

TEST_CASE("an error answer reaches a client that is still sending") {
  TestServer server(patient(), {}, {.bodyBytesMax = 1000});
  server.run([&] {
    TestClient client(server.port);
    client.send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10000000\r\n\r\n");
    // All of it is taken, though nobody wants it: closing on it would reset the connection.
    CHECK(client.send(std::string(8'000'000, 'x')));
    CHECK(client.receiveAll().starts_with("HTTP/1.1 413"));
    CHECK_FALSE(client.wasReset());
  });
}

TEST_CASE("a response that is cut off looks cut off") {
  TestServer server(patient());
  server.run([&] {
    TestClient client(server.port);
    client.send(get("/cut"));
    const std::string answer = client.receiveAll();
    CHECK(answer.find("content-length: 100") != std::string::npos);
    CHECK(answer.size() < 300);
  });
  CHECK(server.handler.failed == 1);
}

TEST_CASE("a slow reader holds a bounded buffer, and gets everything") {
  TestServer server(patient());
  constexpr std::size_t kBytes = 24 * 1024 * 1024;
  server.run([&] {
    TestClient client(server.port, 16 * 1024);
    client.send(get("/big/" + std::to_string(kBytes)));
    // Nothing is read until the server has stopped: a second client sees that it is not busy.
    for (int i = 0; i < 3; ++i) {
      TestClient other(server.port);
      other.send(get("/hello"));
      CHECK(other.receiveUntil("hello").ends_with("hello"));
    }
    std::size_t received = client.receiveUntil("\r\n\r\n").size();
    while (received < kBytes) {
      const std::string piece = client.receive();
      if (piece.empty()) break;
      received += piece.size();
    }
    CHECK(received >= kBytes);
    CHECK(received < kBytes + 1000);
  });
  CHECK(server.handler.bufferedMax >= http::Exchange::kHighWaterBytes);
  CHECK(server.handler.bufferedMax < http::Exchange::kHighWaterBytes + 128 * 1024);
}

TEST_CASE("a large upload flows through with backpressure in both directions") {
  TestServer server(patient());
  constexpr std::size_t kBytes = 8 * 1024 * 1024;
  server.run([&] {
    TestClient client(server.port);
    std::thread sender([&] {
      client.send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: " + std::to_string(kBytes) +
                  "\r\n\r\n");
      const std::string block(1024 * 1024, 'u');
      for (std::size_t sent = 0; sent < kBytes; sent += block.size()) client.send(block);
    });
    const std::string answer = client.receiveUntil("\r\n0\r\n\r\n");
    sender.join();
    CHECK(answer.size() > kBytes);
  });
}

TEST_CASE("a body that nobody asks for is not read into memory") {
  TestServer server(patient());
  constexpr std::size_t kBytes = 64 * 1024 * 1024;
  server.run([&] {
    TestClient client(server.port);
    client.send("POST /hang HTTP/1.1\r\nhost: test\r\ncontent-length: " + std::to_string(kBytes) +
                "\r\n\r\n");
    // As much as goes; a slow machine only makes it less.
    const std::string block(64 * 1024, 'x');
    std::size_t sent = 0;
    pollfd writable{.fd = client.fd(), .events = POLLOUT, .revents = 0};
    while (sent < kBytes && poll(&writable, 1, 300) == 1) {
      const ssize_t size = send(client.fd(), block.data(), block.size(), MSG_DONTWAIT);
      if (size > 0) sent += static_cast<std::size_t>(size);
    }
    CHECK(server.stats->bytesReceived.value() < 1024 * 1024);
    server.onLoop([&] { server.handler.release(); });
    CHECK(client.receiveUntil("late").ends_with("late"));
  });
}

TEST_CASE("slow clients are sent away: what they are late with decides how") {
  struct Case {
    const char* what;
    std::string sent;
    ListenLimits limits;
    std::string answer;
  };
  std::vector<Case> cases;
  ListenLimits limits = patient();
  limits.requestHead = 20ms;
  cases.push_back({"no byte at all", "", limits, ""});
  cases.push_back({"a head that does not end", "GET / HTTP/1.1\r\nx: ", limits, "HTTP/1.1 408"});
  cases.push_back({"the beginning of a preface", "PRI * HTTP/2.0\r\n\r\n", limits, "HTTP/1.1"});
  limits = patient();
  limits.bodyProgress = 20ms;
  cases.push_back({"a body that does not come",
                   "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n123", limits,
                   "HTTP/1.1 200"});
  limits = patient();
  limits.idle = 20ms;
  cases.push_back({"no further request", get("/hello"), limits, "HTTP/1.1 200"});
  for (const Case& one : cases) {
    CAPTURE(one.what);
    TestServer server(one.limits);
    server.run([&] {
      TestClient client(server.port);
      client.send(one.sent);
      const std::string answer = client.receiveAll();
      CHECK(answer.starts_with(one.answer));
      CHECK_FALSE(client.wasSilent());
    });
  }
}

TEST_CASE("a head that trickles in is cut off at its deadline, however busy it looks") {
  ListenLimits limits = patient();
  limits.requestHead = 50ms;
  TestServer server(limits);
  server.run([&] {
    TestClient client(server.port);
    client.send("GET / HTTP/1.1\r\nhost: test\r\n");
    // Each line comes a moment after the last: the answer, not the clock, ends the loop.
    pollfd readable{.fd = client.fd(), .events = POLLIN, .revents = 0};
    for (int line = 0; line < 6000 && poll(&readable, 1, 5) == 0; ++line) client.send("x: y\r\n");
    CHECK(client.receiveUntil("\r\n").starts_with("HTTP/1.1 408"));
  });
  CHECK(server.stats->timeouts.value() == 1);
}

TEST_CASE("a client that does not read is cut off, and its exchange ends") {
  ListenLimits limits = patient();
  limits.writeProgress = 50ms;
  TestServer server(limits);
  std::latch failed(1);
  server.handler.onFailure = [&] { failed.count_down(); };
  server.run([&] {
    TestClient client(server.port, 16 * 1024);
    client.send(get("/big/100000000"));
    failed.wait();
  });
  CHECK(server.handler.failed == 1);
  CHECK(server.stats->timeouts.value() == 1);
}

TEST_CASE("an HTTP/2 client that opens no window is cut off like one that does not read") {
  using namespace std::string_view_literals;
  ListenLimits limits = patient();
  limits.writeProgress = 50ms;
  TestServer server(limits);
  server.run([&] {
    TestClient client(server.port);
    client.send(http::kHttp2Preface);
    client.send("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00"sv);  // Window 0.
    client.send("\x00\x00\x10\x01\x05\x00\x00\x00\x01\x82\x86\x44\x06/hello\x41\x04test"sv);
    CHECK_FALSE(client.receiveAll().empty());  // Settings, a response's head, and the end.
    CHECK_FALSE(client.wasSilent());
  });
  CHECK(server.handler.failed == 1);
  CHECK(server.stats->timeouts.value() == 1);
}

TEST_CASE("a drain finishes what is open, closes what is idle and accepts no more") {
  TestServer server(patient());
  std::latch seen(1);
  server.handler.onRequestSeen = [&](std::string_view target) {
    if (target == "/hang") seen.count_down();
  };
  server.run([&] {
    TestClient idle(server.port), busy(server.port), silent(server.port);
    idle.send(get("/hello"));
    CHECK(idle.receiveUntil("hello").ends_with("hello"));
    busy.send(get("/hang"));
    seen.wait();
    server.onLoop([&] { server.drain(); });
    CHECK(idle.receiveAll().empty());
    CHECK(silent.receiveAll().empty());
    CHECK_FALSE(TestClient(server.port).connected());
    server.onLoop([&] { server.handler.release(); });
    CHECK(busy.receiveAll().ends_with("late"));
  });
  CHECK(server.handler.completed == 2);
}

TEST_CASE("a drain that takes too long is cut short") {
  ListenLimits limits = patient();
  limits.drain = 20ms;
  TestServer server(limits);
  std::latch seen(1);
  server.handler.onRequestSeen = [&](auto) { seen.count_down(); };
  server.run([&] {
    TestClient client(server.port);
    client.send(get("/hang"));
    seen.wait();
    server.onLoop([&] { server.drain(); });
    CHECK(client.receiveAll().empty());
  });
  CHECK(server.handler.failed == 1);
  CHECK(server.handler.lastError == "aborted");
}

TEST_CASE("a full listener makes room by closing idle connections") {
  ListenLimits limits = patient();
  limits.connectionCountMax = 4;
  TestServer server(limits);
  server.run([&] {
    std::vector<std::unique_ptr<TestClient>> clients;
    for (int i = 0; i < 12; ++i) {
      clients.push_back(std::make_unique<TestClient>(server.port));
      clients.back()->send(get("/hello"));
      CHECK(clients.back()->receiveUntil("hello").ends_with("hello"));
    }
    CHECK(clients[0]->receiveAll().empty());
  });
  CHECK(server.handler.completed == 12);
  CHECK(server.stats->fullPauses.value() > 0);
}

TEST_CASE("a listener may go while requests are open: they end, and nothing is left") {
  TestServer server(patient());
  std::latch seen(1);
  server.handler.onRequestSeen = [&](auto) { seen.count_down(); };
  server.run([&] {
    TestClient client(server.port);
    client.send(get("/hang"));
    seen.wait();
    server.onLoop([&] {
      server.draining = true;
      server.listener.reset();
      server.mailbox.close();
    });
    CHECK(client.receiveAll().empty());
  });
  CHECK(server.handler.lastError == "aborted");
}

}  // namespace
}  // namespace atolld::listen
