#include <doctest/doctest.h>

#include <random>

#include "http/client_fixture.h"
#include "http/server_fixture.h"

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;
using namespace std::string_literals;

namespace {

struct Outcome {
  std::string said;  // "200 [body] reusable", or the error's name.
  bool operator==(const Outcome&) const = default;
};

std::string outcomeOfPieces(const std::vector<std::string_view>& pieces, std::string_view method,
                            bool thenClose) {
  RecordedResponse response;
  Origin origin(makeHttp1ClientConnection);
  origin.submit(requestHead(method), response);
  origin.flush();
  for (const std::string_view piece : pieces) origin.answer(piece);
  if (thenClose) {
    origin.connection->receiveEnd();
    origin.flush();
  }
  if (response.closed == 0) return "open";
  CHECK(response.closed == 1);
  if (response.error) {
    CHECK(origin.connection->shouldClose());
    return std::string(errorCodeName(response.error->code));
  }
  std::string said = std::to_string(response.head.status) + " [" + response.body + "]";
  for (const auto [name, value] : response.trailers) said += " " + std::string(name);
  return said + (origin.connection->canSubmit() ? " reusable" : "");
}

std::string outcomeOf(std::string_view bytes, std::string_view method = "GET",
                      bool thenClose = false) {
  const std::string whole = outcomeOfPieces({bytes}, method, thenClose);
  std::vector<std::string_view> bytewise;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytewise.push_back(bytes.substr(i, 1));
  CHECK(outcomeOfPieces(bytewise, method, thenClose) == whole);
  std::minstd_rand random(11);
  for (int i = 0; i < 8; ++i) {
    std::vector<std::string_view> pieces;
    for (std::string_view rest = bytes; !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 9, rest.size());
      pieces.push_back(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    CHECK(outcomeOfPieces(pieces, method, thenClose) == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("HTTP/1: a request is written as one head, and a body as it was announced") {
  RecordedResponse first;
  Origin origin(makeHttp1ClientConnection);
  RequestHead head = requestHead("POST", "/p?q");
  head.headers.add("X-One", "1");
  head.headers.add("Connection", "upgrade");
  head.headers.add("Content-Length", "99");
  head.headers.add("Transfer-Encoding", "gzip");
  head.headers.add("bad name", "x");
  head.headers.add("bad-value", "a\r\nb: c");
  head.body = BodyKind::Unknown;
  ClientExchange& exchange = origin.submit(head, first);
  CHECK_FALSE(origin.connection->canSubmit());
  exchange.write(Bytes::copyOf("hello"));
  exchange.end();
  origin.flush();
  CHECK(origin.receivedText() ==
        "POST /p?q HTTP/1.1\r\nhost: a\r\nx-one: 1\r\n"
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
}

TEST_CASE("HTTP/1: what could not be sent as exactly one request is refused, and not sent") {
  for (const auto& [method, target, authority] :
       std::vector<std::array<std::string, 3>>{{"G T", "/", "a"},
                                               {"CONNECT", "/", "a"},
                                               {"GET", "/ HTTP/1.1\r\nX: ", "a"},
                                               {"GET", "x", "a"},
                                               {"GET", "*", "a"},
                                               {"GET", "/", "a\r\nX: y"},
                                               {"GET", "/", ""}}) {
    CAPTURE(target);
    for (const auto factory : {makeHttp1ClientConnection, makeHttp2ClientConnection}) {
      RecordedResponse response;
      Origin origin(factory);
      RequestHead head = requestHead(method, target);
      head.authority = authority;
      origin.submit(head, response);
      CHECK(response.closed == 0);
      origin.flush();
      CHECK(response.error.value().code == ErrorCode::InvalidArgument);
      CHECK_FALSE(origin.received.contains("GET"));
    }
  }
}

TEST_CASE("HTTP/1: a response is read in one way, however it arrives") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  CHECK(outcomeOf(ok + "Content-Length: 5\r\n\r\nhello") == "200 [hello] reusable");
  CHECK(outcomeOf(ok + "Content-Length: 0\r\n\r\n") == "200 [] reusable");
  CHECK(outcomeOf("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n") == "200 [] reusable");
  CHECK(outcomeOf("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n") == "200 [] reusable");
  CHECK(outcomeOf("HTTP/1.1 204 No Content\r\n\r\n") == "204 [] reusable");
  CHECK(outcomeOf("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n") == "304 [] reusable");
  CHECK(outcomeOf(ok + "Content-Length: 5\r\n\r\n", "HEAD") == "200 [] reusable");
  CHECK(outcomeOf(ok + "Transfer-Encoding: chunked\r\n\r\n", "HEAD") == "200 [] reusable");
  CHECK(outcomeOf(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n") ==
        "200 [hello] x-sum reusable");
  CHECK(outcomeOf("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok +
                  "Content-Length: 1\r\n\r\nx") == "200 [x] reusable");
  CHECK(outcomeOf(ok + "Connection: close\r\nContent-Length: 1\r\n\r\nx") == "200 [x]");
  CHECK(outcomeOf("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx") == "200 [x]");
  CHECK(outcomeOf("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx") ==
        "200 [x] reusable");
  CHECK(outcomeOf(ok + "\r\nhello", "GET", true) == "200 [hello]");
  CHECK(outcomeOf(ok + "\r\nhello") == "open");
  CHECK(outcomeOf(ok + "Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n") == "200 [x]");
}

TEST_CASE("HTTP/1: a response's reason phrase is what the origin sent, and may be empty") {
  const auto reasonOf = [](const std::string& line) {
    RecordedResponse response;
    Origin origin(makeHttp1ClientConnection);
    origin.submit(requestHead("GET", "/"), response);
    origin.answer(line + "\r\nContent-Length: 0\r\n\r\n");
    return response.head.reason;
  };
  CHECK(reasonOf("HTTP/1.1 200 Fine, thanks") == "Fine, thanks");
  CHECK(reasonOf("HTTP/1.1 404 \xe9") == "\xe9");
  CHECK(reasonOf("HTTP/1.1 200 ") == "");
  CHECK(reasonOf("HTTP/1.1 200") == "");
}

TEST_CASE("HTTP/1: a response that can be read in two ways is an error") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& hostile : {
           ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
           ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
           ok + "Content-Length: 1, 1\r\n\r\nx",
           ok + "Content-Length: +1\r\n\r\nx",
           ok + "Content-Length: -1\r\n\r\nx",
           ok + "Content-Length: 18446744073709551616\r\n\r\nx",
           ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
           ok + "Transfer-Encoding: identity\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"s,
           ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
           ok + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n",
           ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n",
           ok + "X: a\n\r\n",
           ok + "X : a\r\n\r\n",
           ok + " X: a\r\n\r\n",
           ok + "X: a\r\n b\r\n\r\n",
           ok + "X: a\0b\r\n\r\n"s,
           ok + "X: a\rb\r\n\r\n",
           ok + ": a\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n"s,
           "HTTP/1.1 20 OK\r\n\r\n"s,
           "HTTP/1.1 2000 OK\r\n\r\n"s,
           "HTTP/1.1 099 OK\r\n\r\n"s,
           "HTTP/1.1 +20 OK\r\n\r\n"s,
           "HTTP/2.0 200 OK\r\n\r\n"s,
           "http/1.1 200 OK\r\n\r\n"s,
           "ICY 200 OK\r\n\r\n"s,
           "\r\nHTTP/1.1 200 OK\r\n\r\n"s,
           "HTTP/1.1 200 OK\n\n"s,
           "HTTP/1.1 200 O\x01K\r\n\r\n"s,
           "HTTP/1.1 101 Switching Protocols\r\n\r\n"s,
       }) {
    CAPTURE(hostile);
    CHECK(outcomeOf(hostile) == "protocol");
  }
  std::string interim;
  for (int i = 0; i < 100; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(outcomeOf(interim) == "protocol");
  CHECK(outcomeOf(ok + "X: " + std::string(200000, 'x')) == "too_large");
}

TEST_CASE("HTTP/1: a response cut short is an error, never a shorter response") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& cut : {""s, "HTTP/1.1"s, ok, ok + "Content-Length: 5\r\n\r\nhell",
                                 ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"}) {
    CAPTURE(cut);
    CHECK(outcomeOf(cut, "GET", true) == "unavailable");
  }
}

TEST_CASE("HTTP/1: unread body stops the reading, and consumed() starts it again") {
  ClientLimits limits;
  limits.receiveWindowBytes = 10;
  RecordedResponse response;
  Origin origin(makeHttp1ClientConnection, limits);
  response.consume = false;
  ClientExchange& exchange = origin.submit(requestHead(), response);
  origin.flush();
  origin.answer("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + std::string(25, 'x'));
  CHECK(response.body.size() == 10);
  CHECK_FALSE(origin.connection->wantsInput());
  const int signals = origin.signals;
  exchange.consumed(10);
  CHECK(origin.signals > signals);
  origin.flush();
  CHECK(response.body.size() == 20);
  exchange.consumed(10);
  origin.flush();
  CHECK(response.body.size() == 25);
  CHECK(origin.connection->wantsInput());
  origin.answer("12345");
  CHECK(response.complete());
}

TEST_CASE("HTTP/1: cancel() closes at once, also from inside a callback") {
  RecordedResponse response;
  Origin origin(makeHttp1ClientConnection);
  ClientExchange& exchange = origin.submit(requestHead(), response);
  response.onBodyDo = [&] { exchange.cancel(); };
  origin.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(response.error.value().code == ErrorCode::Aborted);
  CHECK(origin.connection->shouldClose());
  CHECK_FALSE(origin.connection->canSubmit());
}

TEST_CASE("HTTP/1: the next request can be submitted from onClosed()") {
  RecordedResponse first;
  RecordedResponse second;
  Origin origin(makeHttp1ClientConnection);
  first.onClosedDo = [&] { origin.submit(requestHead("GET", "/2"), second); };
  origin.submit(requestHead("GET", "/1"), first);
  origin.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(first.complete());
  CHECK(origin.received.contains("GET /2 "));
  origin.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  CHECK(second.head.status == 404);
  CHECK(origin.connection->idle());
  origin.answer("HTTP/1.1 408 Request Timeout\r\n\r\n");
  CHECK(origin.connection->shouldClose());
}

TEST_CASE("a connection that goes away closes its exchange with Unavailable") {
  for (const auto factory : {makeHttp1ClientConnection, makeHttp2ClientConnection}) {
    RecordedResponse response;
    {
      Origin origin(factory);
      origin.submit(requestHead(), response);
      origin.flush();
    }
    CHECK(response.error.value().code == ErrorCode::Unavailable);
    CHECK(response.closed == 1);
  }
}

namespace {

/// A client and a server of ours, back to back.
struct Pair {
  explicit Pair(bool http2, const ServerLimits& serverLimits = {}, const ClientLimits& limits = {})
      : origin(http2 ? makeHttp2ClientConnection : makeHttp1ClientConnection, limits),
        peer(http2 ? makeHttp2ServerConnection : makeHttp1ServerConnection, serverLimits) {}

  /// Moves bytes until nobody has more to say.
  void run() {
    for (bool moved = true; moved;) {
      origin.flush();
      peer.flush();
      const std::string up = origin.receivedText();
      const std::string down = peer.receivedText();
      if (!up.empty()) peer.connection->receive(up);
      if (!down.empty()) origin.connection->receive(down);
      moved = !up.empty() || !down.empty();
    }
  }

  Origin origin;
  Peer peer;
};

}  // namespace

TEST_CASE("client and server understand each other: heads, bodies and trailers both ways") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    RecordedResponse response;
    Pair pair(http2);
    pair.peer.handler.answer = [](Recorded& request) {
      request.onBodyEndDo = [&request] {
        ResponseHead head = responseHead(200, BodyKind::Unknown);
        head.headers.add("x-target", request.head->target);
        request.exchange().respondHead(head);
        request.exchange().write(Bytes::copyOf(request.body));
        HeaderList trailers;
        trailers.add("x-sum", "1");
        request.exchange().end(std::move(trailers));
      };
      request.exchange().startBody();
    };
    RequestHead head = requestHead("POST", "/x?y");
    head.body = BodyKind::Unknown;
    head.headers.add("x-one", "1");
    ClientExchange& exchange = pair.origin.submit(head, response);
    exchange.write(Bytes::copyOf("hello "));
    pair.run();
    exchange.write(Bytes::copyOf(std::string(50000, 'x')));
    exchange.end();
    pair.run();
    CHECK(response.complete());
    CHECK(response.head.status == 200);
    CHECK(response.head.headers.find("x-target").value() == "/x?y");
    CHECK(response.head.headers.find("date").has_value());
    CHECK(response.body == "hello " + std::string(50000, 'x'));
    CHECK(response.trailers.find("x-sum").value() == "1");
    REQUIRE(pair.peer.handler.requests.size() == 1);
    const Recorded& request = *pair.peer.handler.requests[0];
    CHECK(request.head->headers.find("x-one").value() == "1");
    CHECK(request.head->authority == "a");
    CHECK(request.closed == 1);
    CHECK_FALSE(request.error.has_value());
    CHECK(pair.origin.connection->canSubmit());
  }
}

TEST_CASE("a large response flows only as fast as it is consumed") {
  for (const bool http2 : {false, true}) {
    CAPTURE(http2);
    ClientLimits limits;
    limits.receiveWindowBytes = 100'000;
    RecordedResponse response;
    Pair pair(http2, {}, limits);
    const std::string large(1'000'000, 'x');
    pair.peer.handler.answer = [&](Recorded& request) {
      request.exchange().respond(responseHead(200, BodyKind::Length, large.size()),
                                 Bytes::copyOf(large));
    };
    response.consume = false;
    ClientExchange& exchange = pair.origin.submit(requestHead(), response);
    pair.run();
    CHECK(response.body.size() <= 100'000);
    for (std::size_t read = 0; read < large.size();) {
      const std::size_t size = response.body.size() - read;
      REQUIRE(size > 0);
      if (response.closed == 0) exchange.consumed(size);
      read += size;
      pair.run();
    }
    CHECK(response.body == large);
    CHECK(response.complete());
  }
}

TEST_CASE("a response that the handler aborts never looks complete") {
  for (const bool http2 : {false, true}) {
    for (const BodyKind kind : {BodyKind::Length, BodyKind::Unknown}) {
      CAPTURE(http2);
      RecordedResponse response;
      Pair pair(http2);
      pair.peer.handler.answer = RecordingHandler::wait;
      pair.origin.submit(requestHead(), response);
      pair.run();
      Recorded& request = *pair.peer.handler.requests.at(0);
      request.exchange().respondHead(responseHead(200, kind, 10));
      request.exchange().write(Bytes::fromStatic("hello"));
      pair.run();
      request.exchange().abort();
      CHECK(request.closed == 0);  // Never from inside.
      pair.run();
      CHECK(request.closed == 1);
      CHECK(request.error.has_value());
      if (!http2) {
        CHECK(pair.peer.connection->shouldClose());
        pair.origin.connection->receiveEnd();
      }
      CHECK(response.body == "hello");
      CHECK(response.error.has_value());
    }
  }
}

TEST_CASE("a body that is not what its length says is aborted by either side") {
  for (const bool http2 : {false, true}) {
    for (const std::string& body : {"hell"s, "hello!"s}) {
      CAPTURE(http2);
      CAPTURE(body);
      RecordedResponse response;
      RecordedResponse upload;
      Pair pair(http2);
      pair.peer.handler.answer = [&](Recorded& request) {
        request.exchange().respondHead(responseHead(200, BodyKind::Length, 5));
        request.exchange().write(Bytes::copyOf(body));
        request.exchange().end();
      };
      pair.origin.submit(requestHead(), response);
      pair.run();
      if (!http2) pair.origin.connection->receiveEnd();
      CHECK(response.error.has_value());

      Pair other(http2);
      other.peer.handler.answer = RecordingHandler::echo;
      RequestHead head = requestHead("POST");
      head.body = BodyKind::Length;
      head.contentLength = 5;
      ClientExchange& exchange = other.origin.submit(head, upload);
      exchange.write(Bytes::copyOf(body));
      exchange.end();
      other.run();
      CHECK(upload.error.value().code == ErrorCode::InvalidArgument);
      for (const auto& request : other.peer.handler.requests) CHECK_FALSE(request->bodyEnded);
    }
  }
}

TEST_CASE("HTTP/2: streams are independent, and cancel() ends one of them only") {
  RecordedResponse one;
  RecordedResponse two;
  Pair pair(true);
  pair.peer.handler.answer = RecordingHandler::wait;
  ClientExchange& first = pair.origin.submit(requestHead("GET", "/1"), one);
  pair.origin.submit(requestHead("GET", "/2"), two);
  pair.run();
  REQUIRE(pair.peer.handler.requests.size() == 2);
  first.cancel();
  CHECK(one.error.value().code == ErrorCode::Aborted);
  pair.run();
  CHECK(pair.peer.handler.requests[0]->error.value().code == ErrorCode::Aborted);
  RecordingHandler::hello(*pair.peer.handler.requests[1]);
  pair.run();
  CHECK(two.body == "hello");
  CHECK(two.complete());
  CHECK(pair.origin.connection->idle());
}

TEST_CASE("HTTP/2: a server that drains serves what it was sent, then both sides close") {
  RecordedResponse one;
  Pair pair(true);
  pair.peer.handler.answer = RecordingHandler::wait;
  pair.origin.submit(requestHead("GET", "/1"), one);
  pair.run();
  pair.peer.connection->startDrain();
  pair.run();
  CHECK_FALSE(pair.origin.connection->canSubmit());
  CHECK_FALSE(pair.peer.connection->shouldClose());
  RecordingHandler::hello(*pair.peer.handler.requests.at(0));
  pair.run();
  CHECK(one.complete());
  CHECK(pair.peer.connection->shouldClose());
  CHECK(pair.origin.connection->shouldClose());
}
