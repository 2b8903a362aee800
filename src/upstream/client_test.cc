#include "upstream/client.h"

#include <doctest/doctest.h>

#include <array>
#include <list>
#include <string>
#include <thread>

#include "upstream/test_origin.h"

namespace atolld::upstream {
namespace {

using namespace std::chrono_literals;

const Identity& identity() {
  static const Identity one;
  return one;
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

TEST_CASE("requests one after the other share a connection: in the clear, over TLS, over HTTP/2") {
  for (const auto& tls :
       {std::shared_ptr<const tls::ServerContext>(), identity().http1Server, identity().server}) {
    TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, tls); });
    TestClient world(identity().trusting);
    for (int i = 0; i < 3; ++i) {
      TestSink sink;
      world.get(sink, tls ? "https" : "http", origin.authority(), "/path?" + std::to_string(i));
      world.run(sink);
      CHECK(sink.detail == "");
      CHECK(sink.status == 200);
      CHECK(sink.body == "GET /path?" + std::to_string(i));
    }
    CHECK(origin.accepted == 1);
    CHECK(world.client->stats().reuses.value() == 2);
  }
}

TEST_CASE("requests at once share one HTTP/2 connection, and get one HTTP/1 connection each") {
  for (const bool http2 : {true, false}) {
    const auto tls = http2 ? identity().server : identity().http1Server;
    TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, tls); });
    TestClient world(identity().trusting);
    std::list<TestSink> sinks;
    for (int i = 0; i < 8; ++i) world.get(sinks.emplace_back(), "https", origin.authority());
    for (const TestSink& sink : sinks) {
      world.run(sink);
      CHECK(sink.body == "GET /");
    }
    CHECK((origin.accepted == 1) == http2);
    CHECK(origin.accepted <= 8);
  }
}

TEST_CASE("limits on connections make requests wait, not fail") {
  TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, {}); });
  TestOrigin second([&](Peer& peer, int) { HttpScript::run(peer, {}); });
  TestClient world(identity().trusting, {.connectionsPerOriginMax = 2, .connectionsMax = 3});
  std::list<TestSink> sinks;
  for (int i = 0; i < 10; ++i) {
    world.get(sinks.emplace_back(), "http", (i % 2 == 0 ? origin : second).authority());
  }
  for (const TestSink& sink : sinks) {
    world.run(sink);
    CHECK(sink.status == 200);
  }
  CHECK(origin.openMost <= 2);
  CHECK(second.openMost <= 2);
}

TEST_CASE("a body is sent whole, or as it is written, also before there is a connection") {
  for (const auto& tls : {std::shared_ptr<const tls::ServerContext>(), identity().server}) {
    const std::string scheme = tls ? "https" : "http";
    TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, tls); });
    TestClient world(identity().trusting);
    TestSink whole, streamed;
    const auto head = [&] { return TestClient::head("POST", scheme, origin.authority(), "/body"); };
    world.client->start(head(), Bytes::fromStatic("payload"), whole);
    auto open = head();
    open.body = http::BodyKind::Unknown;
    http::ClientExchange& exchange = world.client->start(std::move(open), streamed);
    exchange.write(Bytes::fromStatic("pay"));
    CHECK(exchange.bufferedBytes() == 3);
    exchange.write(Bytes::fromStatic("load"));
    exchange.end();
    world.run(whole);
    world.run(streamed);
    CHECK(whole.body == "POST /body payload");
    CHECK(streamed.body.starts_with("POST /body"));
    CHECK(streamed.body.ends_with("load"));
  }
}

TEST_CASE("a certificate that cannot be verified, or is for another host, ends the request") {
  TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, identity().server); });
  TestClient distrusting(identity().distrusting);
  TestSink sink;
  distrusting.get(sink, "https", origin.authority());
  distrusting.run(sink);
  CHECK(sink.error == ErrorCode::Protocol);
  CHECK(sink.detail.find("certificate") != std::string::npos);
}

TEST_CASE("a stale kept connection is replaced unseen, for requests that can be repeated only") {
  struct Case {
    const char* method;
    bool hasBody;
    bool retried;
  };
  for (const Case& one : {Case{"GET", false, true}, Case{"PUT", true, true},
                          Case{"POST", true, false}, Case{"POST", false, false}}) {
    CAPTURE(one.method);
    // The first connection serves one request and closes when the second one comes.
    TestOrigin origin([&](Peer& peer, int number) {
      while (!peer.receiveUntil("\r\n\r\n").empty()) {
        peer.send(kOk);
        if (number == 0) {
          peer.receive();
          return;
        }
      }
    });
    TestClient world(identity().trusting);
    TestSink first, second;
    world.get(first, "http", origin.authority());
    world.run(first);
    auto head = TestClient::head(one.method, "http", origin.authority(), "/");
    if (one.hasBody) {
      world.client->start(std::move(head), Bytes::fromStatic("x"), second);
    } else {
      world.client->start(std::move(head), second);
    }
    world.run(second);
    CHECK((second.status == 200) == one.retried);
    CHECK(world.client->stats().retries.value() == (one.retried ? 1 : 0));
    if (!one.retried) CHECK(second.error == ErrorCode::Unavailable);
  }
}

TEST_CASE("a request whose fresh connection is lost is not sent again") {
  TestOrigin origin([&](Peer& peer, int) { peer.receiveUntil("\r\n\r\n"); });
  TestClient world(identity().trusting);
  TestSink sink;
  world.get(sink, "http", origin.authority());
  world.run(sink);
  CHECK(sink.error == ErrorCode::Unavailable);
  CHECK(origin.accepted == 1);
}

TEST_CASE("responses that are cut off or are no HTTP are errors") {
  for (const std::string answer :
       {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nonly", "HTTP/1.1 200 OK\r\ncontent-le",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"}) {
    CAPTURE(answer);
    TestOrigin origin([&](Peer& peer, int) {
      peer.receiveUntil("\r\n\r\n");
      peer.send(answer);
    });
    TestClient world(identity().trusting);
    TestSink sink;
    world.get(sink, "http", origin.authority());
    world.run(sink);
    CHECK(sink.error.has_value());
    CHECK(sink.closedCount == 1);
  }
}

TEST_CASE("a response that ends with its connection is complete") {
  TestOrigin origin([&](Peer& peer, int) {
    peer.receiveUntil("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  TestClient world(identity().trusting);
  TestSink sink;
  world.get(sink, "http", origin.authority());
  world.run(sink);
  CHECK_FALSE(sink.error.has_value());
  CHECK(sink.body == "until the end");
}

/// Answers one request over TLS with raw bytes, and cuts the line without close_notify.
void answerAndCut(Peer& peer, std::string_view answer) {
  tls::Session session = tls::Session::server(identity().http1Server);
  std::array<char, 16 * 1024> scratch;
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    const std::string bytes = peer.receive();
    if (bytes.empty()) return;
    (void)session.receive(bytes, scratch, [&](std::string_view text) { request += text; });
    peer.send(session.output());
    session.consumeOutput(session.output().size());
  }
  (void)session.write(answer);
  peer.send(session.output());
}

TEST_CASE(
    "over TLS, a response that says its length survives a cut line, one that does not cannot") {
  for (const bool hasLength : {true, false}) {
    TestOrigin origin([&](Peer& peer, int) {
      answerAndCut(peer, hasLength ? "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"
                                   : "HTTP/1.1 200 OK\r\n\r\nbody");
    });
    TestClient world(identity().trusting);
    TestSink sink;
    world.get(sink, "https", origin.authority());
    world.run(sink);
    CHECK(sink.body == "body");
    CHECK(sink.error.has_value() != hasLength);
  }
}

TEST_CASE("an origin that does not answer is given up: while connecting, in TLS, in HTTP") {
  TestOrigin silent([](Peer& peer, int) {
    while (!peer.receive().empty()) {
    }
  });
  TestClient world(identity().trusting, {.connect = 50ms, .firstByte = 50ms});
  TestSink clear, secure;
  world.get(clear, "http", silent.authority());
  world.get(secure, "https", silent.authority());
  world.run(clear);
  world.run(secure);
  CHECK(clear.error == ErrorCode::Timeout);
  CHECK(secure.error == ErrorCode::Timeout);
}

TEST_CASE(
    "nobody there, no such host, no such origin: each its own error, none from inside start") {
  std::string gone;
  {
    const TestOrigin origin([](Peer&, int) {});
    gone = origin.authority();
  }
  TestClient world(identity().trusting);
  TestSink refused, unknown, impossible;
  world.get(refused, "http", gone);
  world.get(unknown, "http", "no..such..name");
  world.get(impossible, "gopher", "127.0.0.1");
  CHECK_FALSE(impossible.done());
  world.run(refused);
  world.run(unknown);
  world.run(impossible);
  CHECK(refused.error == ErrorCode::Unavailable);
  CHECK((unknown.error == ErrorCode::NotFound || unknown.error == ErrorCode::Unavailable));
  CHECK(impossible.error == ErrorCode::InvalidArgument);
}

TEST_CASE("the address filter sees what a name resolves to, and its refusal is the answer") {
  TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, {}); });
  int asked = 0;
  TestClient world(identity().trusting, {}, [&](const loop::SocketAddress&) -> Result<> {
    ++asked;
    return fail(ErrorCode::Forbidden, "loopback is not for scripts");
  });
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    TestSink sink;
    world.get(sink, "http", host + ":" + std::to_string(origin.port));
    world.run(sink);
    CHECK(sink.error == ErrorCode::Forbidden);
    CHECK(sink.detail == "loopback is not for scripts");
  }
  CHECK(asked >= 2);
  CHECK(origin.accepted == 0);
}

TEST_CASE("a request can be cancelled at any time, and is told so before cancel() returns") {
  TestOrigin silent([](Peer& peer, int) {
    while (!peer.receive().empty()) {
    }
  });
  TestOrigin endless([](Peer& peer, int) {
    peer.receiveUntil("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    while (peer.send("4\r\nmore\r\n")) {
    }
  });
  TestClient world(identity().trusting);
  TestSink waiting, answered;
  world.get(waiting, "http", silent.authority());
  waiting.exchange->cancel();
  CHECK(waiting.error == ErrorCode::Aborted);
  world.get(answered, "http", endless.authority());
  answered.onData = [&] {
    answered.onData = nullptr;
    world.loop.defer([&] { answered.exchange->cancel(); });
  };
  world.run(answered);
  CHECK(answered.error == ErrorCode::Aborted);
  CHECK(answered.closedCount == 1);
}

TEST_CASE("a caller that does not consume holds the origin back, within the window") {
  std::atomic<std::size_t> sent{0};
  constexpr std::size_t kBytes = 16 * 1024 * 1024;
  TestOrigin origin([&](Peer& peer, int) {
    peer.receiveUntil("\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBytes) + "\r\n\r\n");
    const std::string block(64 * 1024, 'x');
    while (sent < kBytes && peer.send(block)) sent += block.size();
  });
  TestClient world(identity().trusting);
  TestSink sink;
  http::ClientExchange* const exchange =
      &world.client->start(TestClient::head("GET", "http", origin.authority(), "/"), sink);
  // Rounds without a wait until nothing comes any more.
  std::size_t before = 1;
  for (int quiet = 0; quiet < 1000; quiet = sink.body.size() == before ? quiet + 1 : 0) {
    before = sink.body.size();
    world.loop.run(false);
    world.loop.runDeferred();
  }
  CHECK(sink.body.size() <= 512 * 1024);
  sink.exchange = exchange;
  exchange->consumed(sink.body.size());
  world.run(sink);
  CHECK(sink.body.size() == kBytes);
}

TEST_CASE(
    "an unused connection is closed after its time, and a client that goes ends its requests") {
  std::atomic<int> ended{0};
  TestOrigin origin([&](Peer& peer, int) {
    while (!peer.receiveUntil("\r\n\r\n").empty()) peer.send(kOk);
    ++ended;
  });
  TestSink sink, open;
  TestOrigin silent([](Peer& peer, int) {
    while (!peer.receive().empty()) {
    }
  });
  {
    TestClient world(identity().trusting, {.idle = 10ms});
    world.get(sink, "http", origin.authority());
    world.run(sink);
    // Without waiting: what ends it is the other thread's word, which wakes no loop.
    while (ended == 0) {
      world.loop.run(false);
      world.loop.runDeferred();
      std::this_thread::yield();
    }
    world.get(open, "http", silent.authority());
    world.loop.run(false);
    world.loop.runDeferred();
  }
  CHECK(open.error == ErrorCode::Aborted);
}

TEST_CASE("a sink may start the next request from its last call") {
  TestOrigin origin([&](Peer& peer, int) { HttpScript::run(peer, {}); });
  TestClient world(identity().trusting);
  TestSink first, second;
  first.onDone = [&] { world.get(second, "http", origin.authority(), "/second"); };
  world.get(first, "http", origin.authority(), "/first");
  world.run(second);
  CHECK(second.body == "GET /second");
  CHECK(origin.accepted == 1);
}

}  // namespace
}  // namespace atolld::upstream
