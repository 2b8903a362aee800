// Status 101: an exchange that becomes the bytes of both directions, over each codec.

#include <doctest/doctest.h>

#include "http/client_fixture.h"
#include "http/http2_frames.h"
#include "http/server_fixture.h"

namespace atolld::http::testing {
namespace {

constexpr std::string_view kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

ResponseHead switching() {
  ResponseHead head = responseHead(101);
  head.headers.add("sec-websocket-accept", "x");
  head.headers.add("upgrade", "nonsense");
  return head;
}

void openTunnel(Recorded& request) {
  REQUIRE(request.head->webSocket);
  CHECK(request.head->method == "GET");
  CHECK(request.head->body == BodyKind::None);
  request.exchange().respondHead(switching());
  request.exchange().startBody();
}

}  // namespace

TEST_CASE("HTTP/1: after 101 bytes go both ways, and both ends close") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = openTunnel;
  peer.send(std::string(kUpgrade) + "ahead");
  const std::string head = peer.receivedText();
  CHECK(head.starts_with("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: x\r\ndate: "));
  CHECK(head.ends_with("connection: Upgrade\r\nupgrade: websocket\r\n\r\n"));
  CHECK_FALSE(head.contains("nonsense"));
  Recorded& request = *peer.handler.requests[0];
  CHECK(request.body == "ahead");
  CHECK(peer.connection->waiting() == Waiting::Handler);
  peer.send("GET / HTTP/1.1\r\n\r\n");
  CHECK(request.body == "aheadGET / HTTP/1.1\r\n\r\n");
  request.exchange().write(Bytes::fromStatic("raw"));
  peer.flush();
  CHECK(peer.receivedText() == "raw");
  request.exchange().write(Bytes::fromStatic("last"));
  request.exchange().end();
  peer.flush();
  CHECK(peer.receivedText() == "last");
  CHECK(request.closed == 1);
  CHECK_FALSE(request.error);
  CHECK(peer.connection->shouldClose());
  CHECK(peer.handler.requests.size() == 1);
}

TEST_CASE("HTTP/1: a tunnel stops reading while nobody takes the bytes") {
  ServerLimits limits;
  limits.receiveWindowBytes = 100;
  Peer peer(makeHttp1ServerConnection, limits);
  peer.handler.answer = [](Recorded& request) {
    request.consume = false;
    openTunnel(request);
  };
  peer.send(kUpgrade);
  Recorded& request = *peer.handler.requests[0];
  peer.send(std::string(150, 'x'));
  CHECK(request.body.size() == 100);
  CHECK_FALSE(peer.connection->wantsInput());
  request.exchange().consumed(100);
  peer.flush();
  CHECK(request.body.size() == 150);
  CHECK(peer.connection->wantsInput());
}

TEST_CASE("HTTP/1: the end of the client's direction is told, and ours goes on") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = openTunnel;
  peer.send(kUpgrade);
  peer.receivedText();
  Recorded& request = *peer.handler.requests[0];
  peer.connection->receiveEnd();
  peer.flush();
  CHECK(request.bodyEnded);
  CHECK(request.closed == 0);
  request.exchange().write(Bytes::fromStatic("still"));
  request.exchange().end();
  peer.flush();
  CHECK(peer.receivedText() == "still");
  CHECK(peer.connection->shouldClose());
}

TEST_CASE("HTTP/1: other answers to an upgrade are ordinary, and so is the next request") {
  Peer peer(makeHttp1ServerConnection);
  peer.send(std::string(kUpgrade) + std::string(kUpgrade));
  CHECK(peer.handler.requests.size() == 2);
  CHECK_FALSE(peer.receivedText().contains("upgrade"));
  CHECK_FALSE(peer.connection->shouldClose());
}

TEST_CASE("HTTP/1: a tunnel that is aborted is cut, not ended") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = openTunnel;
  peer.send(kUpgrade);
  peer.handler.requests[0]->exchange().abort();
  peer.flush();
  CHECK(peer.connection->shouldClose());
  CHECK(peer.connection->shouldReset());
  CHECK(peer.handler.requests[0]->closed == 1);
}

TEST_CASE("HTTP/1: handshakes that are none are refused; other upgrades are ignored") {
  struct Row {
    std::string_view from, to, answer;
  };
  for (const Row& row : {
           Row{"Version: 13", "Version: 12", "HTTP/1.1 426"},
           Row{"Sec-WebSocket-Version: 13\r\n", "", "HTTP/1.1 426"},
           Row{"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=", "HTTP/1.1 400"},
           Row{"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j*Q==", "HTTP/1.1 400"},
           Row{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "HTTP/1.1 400"},
           Row{"WebSocket\r\n", "h2c\r\n", "HTTP/1.1 200"},
           Row{"GET", "POST", "HTTP/1.1 200"},
       }) {
    CAPTURE(row.to);
    std::string text(kUpgrade);
    text.replace(text.find(row.from), row.from.size(), row.to);
    Peer peer(makeHttp1ServerConnection);
    peer.send(text);
    const std::string answer = peer.receivedText();
    CHECK(answer.starts_with(row.answer));
    if (answer.starts_with("HTTP/1.1 426")) CHECK(answer.contains("sec-websocket-version: 13\r\n"));
    for (const auto& request : peer.handler.requests) CHECK_FALSE(request->head->webSocket);
  }
}

TEST_CASE(
    "HTTP/2: an extended CONNECT is a GET that asks for a WebSocket, and a stream both ways") {
  const FieldVector connect{{":method", "CONNECT"}, {":protocol", "websocket"},
                            {":scheme", "http"},    {":path", "/chat"},
                            {":authority", "a"},    {"sec-websocket-version", "13"}};
  Peer peer(makeHttp2ServerConnection);
  peer.handler.answer = openTunnel;
  peer.send(std::string(kHttp2Preface) + settings() + headers(1, connect, kEndHeaders));
  REQUIRE(peer.handler.requests.size() == 1);
  Recorded& request = *peer.handler.requests[0];
  std::string lines;
  Inflater inflater;
  for (const Frame& one : parseFrames(peer.receivedText())) {
    if (one.type == NGHTTP2_HEADERS) lines = inflater.inflate(one.payload);
    if (one.type == NGHTTP2_HEADERS) CHECK((one.flags & kEndStream) == 0);
  }
  CHECK(lines.starts_with(":status: 200\n"));
  CHECK_FALSE(lines.contains("accept"));
  CHECK_FALSE(lines.contains("upgrade"));
  CHECK_FALSE(lines.contains("content-length"));
  CHECK(peer.connection->waiting() == Waiting::Handler);
  peer.send(data(1, "raw", 0));
  CHECK(request.body == "raw");
  request.exchange().write(Bytes::fromStatic("back"));
  peer.flush();
  CHECK(parseFrames(peer.receivedText()).back().payload == "back");
  peer.send(data(1, "", kEndStream));
  CHECK(request.bodyEnded);
  request.exchange().end();
  peer.flush();
  CHECK((parseFrames(peer.receivedText()).back().flags & kEndStream) != 0);
  CHECK(request.closed == 1);
  CHECK_FALSE(request.error);
}

TEST_CASE("A bare connection is its bytes from the start, and each direction has its own end") {
  RecordedResponse response;
  Origin origin(makeHttp1ClientConnection);
  RequestHead head = requestHead("CONNECT", "");
  head.scheme = "tcp";
  head.authority = "a:1";
  head.body = BodyKind::Unknown;
  origin.submit(head, response);
  origin.flush();
  CHECK(origin.receivedText().empty());
  CHECK(response.head.status == 200);
  origin.answer("HTTP/1.1 400 no head at all");
  CHECK(response.body == "HTTP/1.1 400 no head at all");
  response.exchange->write(Bytes::fromStatic("raw"));
  response.exchange->end();
  origin.flush();
  CHECK(origin.receivedText() == "raw");
  CHECK(origin.connection->outputEnded());
  CHECK_FALSE(origin.connection->shouldClose());
  origin.answer(" more");
  origin.connection->receiveEnd();
  CHECK(response.body.ends_with(" more"));
  CHECK(response.complete());
  CHECK(origin.connection->shouldClose());
}

TEST_CASE("A client's request for a WebSocket becomes a tunnel by 101 alone") {
  const auto ask = [](std::string_view answer, RecordedResponse& response, Origin& origin) {
    RequestHead head = requestHead("GET", "/chat");
    head.webSocket = true;
    origin.submit(head, response);
    origin.flush();
    const std::string sent = origin.receivedText();
    CHECK(sent.contains("connection: Upgrade\r\nupgrade: websocket\r\n"));
    CHECK_FALSE(sent.contains("content-length"));
    origin.answer(answer);
  };
  {
    RecordedResponse response;
    Origin origin(makeHttp1ClientConnection);
    ask("HTTP/1.1 101 X\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\nfirst", response,
        origin);
    CHECK(response.head.status == 101);
    CHECK(response.body == "first");
    response.exchange->write(Bytes::fromStatic("raw"));
    origin.flush();
    CHECK(origin.receivedText() == "raw");
    CHECK_FALSE(origin.connection->canSubmit());
    response.exchange->write(Bytes::fromStatic("bye"));
    response.exchange->end();
    origin.flush();
    CHECK(origin.receivedText() == "bye");
    CHECK(response.complete());
    CHECK(origin.connection->shouldClose());
  }
  {
    RecordedResponse response;
    Origin origin(makeHttp1ClientConnection);
    ask("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", response, origin);
    CHECK(response.complete());
    CHECK(response.body == "no");
    CHECK(origin.connection->canSubmit());
  }
  for (std::string_view bad :
       {"HTTP/1.1 101 X\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"}) {
    CAPTURE(bad);
    RecordedResponse response;
    Origin origin(makeHttp1ClientConnection);
    ask(bad, response, origin);
    REQUIRE(response.error);
    CHECK(response.error->code == ErrorCode::Protocol);
  }
}

}  // namespace atolld::http::testing
