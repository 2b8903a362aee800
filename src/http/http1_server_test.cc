#include <doctest/doctest.h>

#include "http/server_fixture.h"

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

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

TEST_CASE("a body is delivered with a length or chunked, trailers included") {
  Peer peer(makeHttp1ServerConnection);
  peer.handler.answer = RecordingHandler::echo;
  peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(peer.receivedText().ends_with("\r\n\r\nhello"));
  peer.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n");
  CHECK(peer.receivedText().ends_with("\r\n\r\nhello"));
  REQUIRE(peer.handler.requests.size() == 2);
  CHECK(peer.handler.requests[1]->trailers.find("x-sum").value() == "1");
  CHECK_FALSE(peer.connection->shouldClose());
}
