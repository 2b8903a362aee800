#include <doctest/doctest.h>

#include "http/server_fixture.h"

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;
using namespace std::string_literals;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string post(std::string_view fields, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace

TEST_CASE(
    "a request is answered with one head and one body in one piece, and the connection lives") {
  Peer peer(makeHttp1ServerConnection);
  peer.connection->receive("GET /a?b=c HTTP/1.1\r\nHost: Example.COM:8080\r\nX-One: 1\r\n\r\n");
  std::array<std::string_view, 4> slices;
  REQUIRE(peer.connection->output(slices) == 1);
  const std::string_view out = slices[0];
  CHECK(out.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(out.contains("content-length: 5\r\n"));
  CHECK(out.contains("date: "));
  CHECK(out.ends_with("\r\n\r\nhello"));
  CHECK_FALSE(out.contains("connection:"));
  peer.connection->consumeOutput(out.size());
  REQUIRE(peer.handler.requests.size() == 1);
  const Recorded& request = *peer.handler.requests[0];
  CHECK(request.head->method == "GET");
  CHECK(request.head->target == "/a?b=c");
  CHECK(request.head->authority == "example.com:8080");
  CHECK(request.head->scheme == "http");
  CHECK(request.head->headers.size() == 1);
  CHECK(request.head->headers.find("x-one").value() == "1");
  CHECK(request.closed == 1);
  CHECK_FALSE(request.error.has_value());
  CHECK_FALSE(peer.connection->shouldClose());
  CHECK(peer.connection->waiting() == Waiting::NextRequest);
  peer.send(kGet);
  CHECK(peer.handler.requests.size() == 2);
}

TEST_CASE("the handler sees end-to-end fields only, and the scheme of the connection") {
  Peer peer(makeHttp1ServerConnection, {}, true);
  peer.send(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop, Upgrade\r\nX-Hop: 1\r\n"
      "Keep-Alive: 1\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTE: "
      "trailers\r\n"
      "Content-Length: 2\r\nX-End: 1\r\nX-End: 2\r\n\r\nhi");
  REQUIRE(peer.handler.requests.size() == 1);
  const RequestHead& head = *peer.handler.requests[0]->head;
  CHECK(head.scheme == "https");
  CHECK(head.body == BodyKind::Length);
  CHECK(head.contentLength == 2);
  std::string names;
  for (const auto [name, value] : head.headers)
    names += std::string(name) + "=" + std::string(value) + " ";
  CHECK(names == "content-length=2 x-end=1 x-end=2 ");
}

TEST_CASE("a body is delivered with a length or chunked, trailers included") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = RecordingHandler::echo;
  peer.send(post("Content-Length: 5\r\n", "hello"));
  CHECK(peer.receivedText().ends_with("\r\n\r\nhello"));
  peer.send(
      post("Transfer-Encoding: chunked\r\n", "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n"));
  CHECK(peer.receivedText().ends_with("\r\n\r\nhello"));
  REQUIRE(peer.handler.requests.size() == 2);
  CHECK(peer.handler.requests[1]->trailers.find("x-sum").value() == "1");
  CHECK_FALSE(peer.connection->shouldClose());
}

TEST_CASE("a response of unknown length is chunked, for HTTP/1.0 it ends with the connection") {
  for (const bool old : {false, true}) {
    Peer peer(makeHttp1ServerConnection);
    peer.handler.answer = [](Recorded& request) {
      request.exchange().respondHead(responseHead(200, BodyKind::Unknown));
      request.exchange().write(Bytes::fromStatic("hello"));
      request.exchange().write({});
      request.exchange().write(Bytes::fromStatic(" world"));
      HeaderList trailers;
      trailers.add("x-sum", "1");
      trailers.add("content-length", "5");
      request.exchange().end(std::move(trailers));
    };
    peer.send(old ? "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" : kGet);
    const std::string text = peer.receivedText();
    if (old) {
      CHECK(text.ends_with("\r\n\r\nhello world"));
      CHECK_FALSE(text.contains("transfer-encoding"));
      CHECK(text.contains("connection: close\r\n"));
      CHECK(peer.connection->shouldClose());
    } else {
      CHECK(text.ends_with("\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nx-sum: 1\r\n\r\n"));
      CHECK(text.contains("transfer-encoding: chunked\r\n"));
      CHECK_FALSE(peer.connection->shouldClose());
    }
  }
}

TEST_CASE("HTTP/1.0 keeps the connection only if asked to, and says so") {
  Peer peer(makeHttp1ServerConnection);
  peer.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  CHECK(peer.receivedText().contains("connection: keep-alive\r\n"));
  CHECK_FALSE(peer.connection->shouldClose());
  peer.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(peer.receivedText().contains("connection: close\r\n"));
  CHECK(peer.connection->shouldClose());
}

TEST_CASE("HEAD, 204, 205 and 304 have no body, and no field that promises one") {
  const struct {
    std::string_view method;
    int status;
    BodyKind kind;
    std::string_view framing;
  } cases[] = {
      {"HEAD", 200, BodyKind::Length, "content-length: 5"},
      {"HEAD", 200, BodyKind::Unknown, ""},
      {"HEAD", 200, BodyKind::None, ""},
      {"GET", 204, BodyKind::Length, ""},
      {"GET", 204, BodyKind::None, ""},
      {"GET", 304, BodyKind::None, ""},
      {"GET", 304, BodyKind::Unknown, ""},
      {"GET", 205, BodyKind::Length, "content-length: 0"},
      {"GET", 200, BodyKind::None, "content-length: 0"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.method);
    CAPTURE(c.status);
    Peer peer(makeHttp1ServerConnection);
    peer.handler.answer = [&](Recorded& request) {
      request.exchange().respondHead(
          responseHead(c.status, c.kind, c.kind == BodyKind::Length ? 5 : 0));
      if (c.kind != BodyKind::None) request.exchange().write(Bytes::fromStatic("hello"));
      request.exchange().end();
    };
    peer.send(std::string(c.method) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string text = peer.receivedText();
    CHECK(text.ends_with("\r\n\r\n"));
    CHECK_FALSE(text.contains("transfer-encoding"));
    if (c.framing.empty()) {
      CHECK_FALSE(text.contains("content-length"));
    } else {
      CHECK(text.contains(c.framing));
    }
    CHECK_FALSE(peer.connection->shouldClose());
    CHECK(peer.handler.requests[0]->closed == 1);
  }
}

TEST_CASE("no handler can frame a response itself or split it") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = [](Recorded& request) {
    ResponseHead head = responseHead(200, BodyKind::Length, 5);
    for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                             "Upgrade", "Proxy-Connection", "TE"}) {
      head.headers.add(name, "99");
    }
    head.headers.add("x-split", "a\r\nSet-Cookie: b");
    head.headers.add("x\r\ny", "a");
    head.headers.add("x-nul", "a\0b"s);
    head.headers.add("date", "mine");
    head.headers.add("x-good", "1");
    request.exchange().respond(head, Bytes::fromStatic("hello"));
  };
  peer.send(kGet);
  CHECK(peer.receivedText() ==
        "HTTP/1.1 200 OK\r\ndate: mine\r\nx-good: 1\r\ncontent-length: 5\r\n\r\nhello");
}

TEST_CASE("a status that is none becomes 500") {
  for (const int status : {0, 99, 101, 1000, -1}) {
    Peer peer(makeHttp1ServerConnection);
    peer.handler.answer = [&](Recorded& request) {
      request.exchange().respond(responseHead(status), {});
    };
    peer.send(kGet);
    CHECK(peer.receivedText().starts_with("HTTP/1.1 500 "));
  }
}

TEST_CASE("100 Continue is sent when the handler wants the body, and only then") {
  const std::string head = post("Content-Length: 5\r\nExpect: 100-Continue\r\n");
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = RecordingHandler::wait;
  peer.send(head);
  CHECK(peer.received == "");
  Recorded& request = *peer.handler.requests.at(0);
  CHECK(request.head->expectsContinue);
  request.exchange().startBody();
  peer.flush();
  CHECK(peer.receivedText() == "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hello");
  CHECK(request.body == "hello");
  CHECK(request.bodyEnded);
  RecordingHandler::hello(request);
  peer.flush();
  CHECK(peer.receivedText().contains(" 200 OK"));
  CHECK_FALSE(peer.connection->shouldClose());

  // Refused without it: nobody can tell whether the body comes, so the connection ends.
  Peer refusing(makeHttp1ServerConnection);
  refusing.send(head);
  CHECK(refusing.received.starts_with("HTTP/1.1 200 OK"));
  CHECK(refusing.received.contains("connection: close"));
  CHECK(refusing.connection->shouldClose());
  refusing.send(kGet);
  CHECK(refusing.handler.requests.size() == 1);
}

TEST_CASE("pipelined requests are answered in order, one at a time, within a bound") {
  ServerLimits limits;
  limits.pipelinedMax = 4;
  Peer peer(makeHttp1ServerConnection, limits);
  peer.handler.answer = RecordingHandler::wait;
  std::string requests;
  for (int i = 0; i < 8; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  CHECK(peer.connection->wantsInput());
  peer.send(requests);
  CHECK_FALSE(peer.connection->wantsInput());
  for (std::size_t i = 0; i < 8; ++i) {
    REQUIRE(peer.handler.requests.size() == i + 1);
    Recorded& request = *peer.handler.requests[i];
    const std::string target = "/" + std::to_string(i);
    CHECK(request.head->target == target);
    request.exchange().respond(responseHead(200, BodyKind::Length, target.size()),
                               Bytes::copyOf(target));
    peer.flush();
    CHECK(peer.receivedText().ends_with("\r\n\r\n" + target));
    CHECK(request.closed == 1);
  }
  CHECK(peer.connection->wantsInput());
}

TEST_CASE("pipelined requests that are answered at once leave in one piece") {
  Peer peer(makeHttp1ServerConnection);
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += kGet;
  peer.connection->receive(requests);
  CHECK(peer.signals == 1);
  std::array<std::string_view, 8> slices;
  CHECK(peer.connection->output(slices) == 1);
  CHECK(peer.handler.requests.size() == 16);
  CHECK(peer.connection->openExchanges() == 16);
  peer.connection->consumeOutput(slices[0].size());
  CHECK(peer.connection->openExchanges() == 0);
}

TEST_CASE("body waits for startBody() and for room: then reading stops") {
  ServerLimits limits;
  limits.receiveWindowBytes = 10;
  Peer peer(makeHttp1ServerConnection, limits);
  peer.handler.answer = RecordingHandler::wait;
  peer.send(post("Content-Length: 100\r\n", std::string(12, 'x')));
  Recorded& request = *peer.handler.requests.at(0);
  request.consume = false;
  CHECK(request.body == "");
  CHECK(peer.connection->waiting() == Waiting::Handler);
  CHECK_FALSE(peer.connection->wantsInput());
  request.exchange().startBody();
  CHECK(request.body == "");  // Never from inside.
  peer.flush();
  CHECK(request.body.size() == 10);
  CHECK_FALSE(peer.connection->wantsInput());
  const int signals = peer.signals;
  request.exchange().consumed(10);
  CHECK(peer.signals == signals + 1);
  peer.flush();
  CHECK(request.body.size() == 12);
  CHECK(peer.connection->wantsInput());
  CHECK(peer.connection->waiting() == Waiting::RequestBody);
}

TEST_CASE(
    "a client that does not read is told of by bufferedBytes(), and its reading by onDrained()") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = RecordingHandler::wait;
  peer.send(kGet);
  Recorded& request = *peer.handler.requests.at(0);
  Exchange& exchange = request.exchange();
  exchange.respondHead(responseHead(200, BodyKind::Unknown));
  const std::string chunk(32 * 1024, 'x');
  while (exchange.bufferedBytes() < Exchange::kHighWaterBytes) exchange.write(Bytes::copyOf(chunk));
  CHECK(peer.connection->waiting() == Waiting::ClientToRead);
  peer.take(1000);
  CHECK(request.drained == 0);
  while (exchange.bufferedBytes() >= Exchange::kLowWaterBytes) {
    CHECK(request.drained == 0);
    peer.take(10'000);
  }
  CHECK(request.drained == 1);
  peer.flush();
  CHECK(request.drained == 1);
  exchange.end();
  CHECK(request.closed == 0);
  peer.flush();
  CHECK(request.closed == 1);
}

TEST_CASE("a large body is sent from the handler's memory, without a copy") {
  Peer peer(makeHttp1ServerConnection);
  const Bytes body = Bytes(std::string(100'000, 'x'));
  peer.handler.answer = [&](Recorded& request) {
    request.exchange().respond(responseHead(200, BodyKind::Length, body.size()), body);
  };
  peer.connection->receive(kGet);
  std::array<std::string_view, 4> slices;
  REQUIRE(peer.connection->output(slices) == 2);
  CHECK(slices[1].data() == body.view().data());
  CHECK(slices[1].size() == body.size());
}

TEST_CASE("a response before the body is read costs a bounded amount of reading") {
  Peer small(makeHttp1ServerConnection);
  small.send(post("Content-Length: 1000\r\n"));
  CHECK(small.receivedText().contains(" 200 OK"));
  CHECK(small.handler.requests[0]->closed == 1);
  CHECK_FALSE(small.connection->shouldClose());
  CHECK(small.connection->waiting() == Waiting::RequestBody);
  small.send(std::string(1000, 'x') + std::string(kGet));
  CHECK(small.handler.requests.size() == 2);
  CHECK(small.receivedText().contains(" 200 OK"));

  Peer large(makeHttp1ServerConnection);
  large.send(post("Content-Length: 1000000\r\n"));
  CHECK(large.receivedText().contains("connection: close\r\n"));
  CHECK(large.connection->shouldClose());

  Peer chunked(makeHttp1ServerConnection);
  chunked.send(post("Transfer-Encoding: chunked\r\n"));
  CHECK_FALSE(chunked.connection->shouldClose());
  for (int i = 0; i < 7; ++i) chunked.send("2710\r\n" + std::string(10000, 'x') + "\r\n");
  CHECK(chunked.connection->shouldClose());
}

TEST_CASE("a body that goes bad after the handler began is answered if no answer has begun") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = [](Recorded& request) { request.exchange().startBody(); };
  peer.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nx"));
  peer.send(kGet);
  Recorded& request = *peer.handler.requests.at(0);
  CHECK(request.body == "hello");
  CHECK(request.error.value().code == ErrorCode::Protocol);
  CHECK(peer.receivedText().starts_with("HTTP/1.1 400 "));
  CHECK(peer.connection->shouldClose());

  Peer begun(makeHttp1ServerConnection);
  begun.handler.answer = [](Recorded& r) {
    r.exchange().startBody();
    r.exchange().respondHead(responseHead(200, BodyKind::Unknown));
  };
  begun.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nx"));
  CHECK(begun.received.ends_with("\r\n\r\n"));  // The head, and no last chunk.
  CHECK(begun.connection->shouldClose());
}

TEST_CASE("startDrain() finishes what was accepted and nothing else") {
  Peer idle(makeHttp1ServerConnection);
  idle.connection->startDrain();
  CHECK(idle.connection->shouldClose());
  CHECK(idle.signals == 1);

  Peer busy(makeHttp1ServerConnection);
  busy.handler.answer = RecordingHandler::wait;
  busy.send(std::string(kGet) + std::string(kGet));
  busy.connection->startDrain();
  CHECK_FALSE(busy.connection->shouldClose());
  RecordingHandler::hello(*busy.handler.requests.at(0));
  busy.flush();
  CHECK(busy.received.contains("connection: close\r\n"));
  CHECK(busy.handler.requests.size() == 1);
  CHECK(busy.connection->shouldClose());

  Peer partial(makeHttp1ServerConnection);
  partial.send(kGet.substr(0, 20));
  partial.connection->startDrain();
  CHECK_FALSE(partial.connection->shouldClose());
  partial.send(kGet.substr(20));
  CHECK(partial.received.contains("connection: close\r\n"));
  CHECK(partial.connection->shouldClose());
}

TEST_CASE("a deadline that passes is answered 408 where that can be understood") {
  Peer idle(makeHttp1ServerConnection);
  CHECK(idle.connection->waiting() == Waiting::NextRequest);
  idle.connection->onTimeout();
  CHECK(idle.connection->shouldClose());
  idle.flush();
  CHECK(idle.received == "");

  Peer head(makeHttp1ServerConnection);
  head.send("GET / HT");
  CHECK(head.connection->waiting() == Waiting::RequestHead);
  head.connection->onTimeout();
  head.flush();
  CHECK(head.received.starts_with("HTTP/1.1 408 "));
  CHECK(head.connection->shouldClose());

  Peer body(makeHttp1ServerConnection);
  body.handler.answer = [](Recorded& request) { request.exchange().startBody(); };
  body.send(post("Content-Length: 5\r\n", "he"));
  body.connection->onTimeout();
  body.flush();
  CHECK(body.received.starts_with("HTTP/1.1 408 "));
  CHECK(body.handler.requests.at(0)->error.value().code == ErrorCode::Timeout);
  CHECK(body.connection->shouldClose());

  Peer stuck(makeHttp1ServerConnection);
  stuck.handler.answer = [](Recorded& request) {
    request.exchange().respondHead(responseHead(200, BodyKind::Unknown));
  };
  stuck.connection->receive(kGet);
  stuck.connection->onTimeout();
  stuck.flush();
  CHECK(stuck.received == "");
  CHECK(stuck.connection->shouldClose());
  CHECK(stuck.connection->shouldReset());
  CHECK(stuck.handler.requests.at(0)->error.value().code == ErrorCode::Timeout);
}

TEST_CASE("a client that half-closes still gets its answers") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = RecordingHandler::wait;
  peer.send(std::string(kGet) + std::string(kGet));
  peer.connection->receiveEnd();
  CHECK_FALSE(peer.connection->shouldClose());
  RecordingHandler::hello(*peer.handler.requests.at(0));
  peer.flush();
  CHECK(peer.connection->shouldClose());
  CHECK(peer.received.contains("connection: close"));

  Peer cut(makeHttp1ServerConnection);
  cut.handler.answer = [](Recorded& request) { request.exchange().startBody(); };
  cut.send(post("Content-Length: 5\r\n", "he"));
  cut.connection->receiveEnd();
  CHECK(cut.handler.requests.at(0)->error.value().code == ErrorCode::Aborted);
  CHECK_FALSE(cut.handler.requests.at(0)->bodyEnded);
  CHECK(cut.connection->shouldClose());
}

TEST_CASE("an aborted response cannot be taken for a complete one") {
  for (const bool old : {false, true}) {
    Peer peer(makeHttp1ServerConnection);
    peer.handler.answer = [](Recorded& request) {
      request.exchange().respondHead(responseHead(200, BodyKind::Unknown));
      request.exchange().write(Bytes::fromStatic("hello"));
      request.exchange().abort();
      CHECK(request.closed == 0);
    };
    peer.send(old ? "GET / HTTP/1.0\r\nHost: a\r\n\r\n" : kGet);
    CHECK(peer.handler.requests.at(0)->closed == 1);
    CHECK(peer.connection->shouldClose());
    CHECK_FALSE(peer.received.contains("\r\n0\r\n"));
    // A body that ends with the connection looks complete, unless the end is a reset.
    CHECK(peer.connection->shouldReset() == old);
  }
}

TEST_CASE("a connection that is destroyed closes every open exchange, once") {
  std::vector<std::unique_ptr<Recorded>> requests;
  {
    Peer peer(makeHttp1ServerConnection);
    peer.connection->receive(std::string(kGet) + std::string(kGet));
    peer.handler.answer = RecordingHandler::wait;
    peer.connection->receive(kGet);
    CHECK(peer.connection->openExchanges() == 3);
    peer.connection.reset();
    requests = std::move(peer.handler.requests);
  }
  REQUIRE(requests.size() == 3);
  for (const auto& request : requests) {
    CHECK(request->closed == 1);
    CHECK(request->error.value().code == ErrorCode::Aborted);
  }
}
