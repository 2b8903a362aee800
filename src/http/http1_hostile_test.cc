#include <doctest/doctest.h>

#include <random>

#include "http/server_fixture.h"

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;
using namespace std::string_literals;

namespace {

/// What came of some bytes: which answers, and what a handler was told.
struct Outcome {
  std::string statuses;  // "200 400 close"
  std::string requests;  // "POST /a [body]" for each request whose body was complete.
  std::size_t handlerCalls = 0;
  bool operator==(const Outcome&) const = default;
};

/// Statuses of the responses in `text`, which all have a content-length.
std::string statusesOf(std::string_view text) {
  std::string statuses;
  while (!text.empty()) {
    REQUIRE(text.starts_with("HTTP/1.1 "));
    if (!statuses.empty()) statuses += ' ';
    statuses += text.substr(9, 3);
    const std::size_t end = text.find("\r\n\r\n");
    REQUIRE(end != std::string_view::npos);
    const std::string_view head = text.substr(0, end + 2);
    constexpr std::string_view kLength = "\r\ncontent-length: ";
    std::size_t length = 0;
    if (const std::size_t at = head.find(kLength); at != std::string_view::npos) {
      length = std::stoul(std::string(head.substr(at + kLength.size())));
    }
    if (!text.starts_with("HTTP/1.1 2")) {
      CHECK(head.contains("\r\natoll-error: "));
      CHECK(head.contains("\r\nconnection: close\r\n"));
    }
    text.remove_prefix(end + 4);
    REQUIRE(text.size() >= length);
    text.remove_prefix(length);
  }
  return statuses;
}

Outcome outcomeOfPieces(const std::vector<std::string_view>& pieces, const ServerLimits& limits) {
  Peer peer(makeHttp1ServerConnection, limits);
  peer.handler.answer = RecordingHandler::echo;
  for (const std::string_view piece : pieces) peer.send(piece);
  Outcome outcome;
  outcome.statuses = statusesOf(peer.received);
  if (peer.connection->shouldClose()) outcome.statuses += " close";
  outcome.handlerCalls = peer.handler.requests.size();
  for (const auto& request : peer.handler.requests) {
    if (!request->bodyEnded) continue;
    if (!outcome.requests.empty()) outcome.requests += ", ";
    outcome.requests += request->head->method + " " + request->head->target;
    if (!request->body.empty()) outcome.requests += " [" + request->body + "]";
  }
  return outcome;
}

std::vector<std::string_view> bytewise(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
  return pieces;
}

std::vector<std::string_view> randomly(std::string_view text, std::minstd_rand& random) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t size = 1 + random() % (random() % 4 == 0 ? 40 : 7);
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
  }
  return pieces;
}

/// The outcome, after checking that the same bytes in other pieces come to the same.
Outcome outcomeOf(std::string_view text, const ServerLimits& limits = {}) {
  const Outcome whole = outcomeOfPieces({text}, limits);
  const auto same = [&](const Outcome& split) {
    CHECK(split.statuses == whole.statuses);
    CHECK(split.requests == whole.requests);
    CHECK(split.handlerCalls == whole.handlerCalls);
  };
  same(outcomeOfPieces(bytewise(text), limits));
  std::minstd_rand random(7);
  for (int i = 0; i < 8; ++i) same(outcomeOfPieces(randomly(text, random), limits));
  return whole;
}

struct Probe {
  std::string request;  // Whatever follows must never be read: see kNext.
  std::string_view status;
};

/// A request that an attacker hides behind the probe. After a refusal it must not be seen.
constexpr std::string_view kNext = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

void checkRefused(const std::vector<Probe>& probes) {
  for (const Probe& probe : probes) {
    CAPTURE(probe.request);
    const Outcome outcome = outcomeOf(probe.request + std::string(kNext));
    CHECK(outcome.statuses == std::string(probe.status) + " close");
    CHECK(outcome.requests == "");
    CHECK(outcome.handlerCalls == 0);
  }
}

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string start(std::string_view line) { return std::string(line) + "\r\nHost: a\r\n\r\n"; }

}  // namespace

TEST_CASE("a request line that two readers could take two ways is refused") {
  checkRefused({
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {start("GET /  HTTP/1.1"), "400"},
      {start("GET / HTTP/1.1 "), "400"},
      {start(" GET / HTTP/1.1"), "400"},
      {start("\tGET / HTTP/1.1"), "400"},
      {start("GET\t/\tHTTP/1.1"), "400"},
      {start("GET /a b HTTP/1.1"), "400"},
      {start("GET /\x0b HTTP/1.1"), "400"},
      {start("GET /\xc3\xa9 HTTP/1.1"), "400"},
      {start("GET /\x7f HTTP/1.1"), "400"},
      {start("GET /a\0b HTTP/1.1"s), "400"},
      {start("GET /#fragment HTTP/1.1"), "400"},
      {start("GET"), "400"},
      {start("GET /"), "400"},
      {start("GET HTTP/1.1"), "400"},
      {start("G(T / HTTP/1.1"), "400"},
      {start("GET: / HTTP/1.1"), "400"},
      {start("GET / http/1.1"), "400"},
      {start("GET / HTTP/1.1x"), "400"},
      {start("GET / HTTP/11"), "400"},
      {start("GET / HTTP/ 1.1"), "400"},
      {start("GET / HTTP/+1.1"), "400"},
      {start("GET / HTTP/1.10"), "400"},
      {start("GET / FTP/1.1"), "400"},
      {start("GET / HTTP/0.9"), "505"},
      {start("GET / HTTP/1.2"), "505"},
      {start("GET / HTTP/2.0"), "505"},
      {start("GET / HTTP/9.9"), "505"},
      {start("get / HTTP/1.1"), "501"},
      {start("FROB / HTTP/1.1"), "501"},
      {start("CONNECT a:443 HTTP/1.1"), "501"},
      {start("GET * HTTP/1.1"), "400"},
      {start("GET a HTTP/1.1"), "400"},
      {start("GET a:80 HTTP/1.1"), "400"},
      {start("GET ftp://a/ HTTP/1.1"), "400"},
      {start("GET http:/// HTTP/1.1"), "400"},
      {start("GET http://a@a/ HTTP/1.1"), "400"},
      {start("GET http://a/#x HTTP/1.1"), "400"},
      {start("GET http://b/ HTTP/1.1"), "400"},
      {start("GET http://a:8080/ HTTP/1.1"), "400"},
      {start("GET https://a/ HTTP/1.1"), "400"},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
  });
}

TEST_CASE("line endings are CR LF and nothing else") {
  checkRefused({
      {"GET / HTTP/1.1\nHost: a\n\n", "400"},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", "400"},
      {"GET / HTTP/1.1\rHost: a\r\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400"},
      {get("X: a\rY: b\r\n"), "400"},
      {get("X: a\r\r\n"), "400"},
      {get("X: a\nTransfer-Encoding: chunked\r\n"), "400"},
      {get("X: a\n\r\n"), "400"},
  });
}

TEST_CASE("a header field is name, colon, value on one line") {
  checkRefused({
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", "400"},
      {get("X: a\r\n b\r\n"), "400"},
      {get("X: a\r\n\tb\r\n"), "400"},
      {get("X : a\r\n"), "400"},
      {get("X\t: a\r\n"), "400"},
      {get(": a\r\n"), "400"},
      {get("X\r\n"), "400"},
      {get("X Y: a\r\n"), "400"},
      {get("X\0: a\r\n"s), "400"},
      {get("X: a\0b\r\n"s), "400"},
      {get("X: a\x01\r\n"), "400"},
      {get("X: a\x7f\r\n"), "400"},
      {get("X: a\x0b\r\n"), "400"},
      {get("X(: a\r\n"), "400"},
      {get("X\xc3\xa9: a\r\n"), "400"},
      {get("\"X\": a\r\n"), "400"},
      {get("X@: a\r\n"), "400"},
      {get("Content-Length : 5\r\n"), "400"},
      {get("Transfer-Encoding : chunked\r\n"), "400"},
      {get("Expect: 200-ok\r\n"), "417"},
      {get("Expect: 100-continue, x\r\n"), "417"},
      {get("Connection: content-length\r\n"), "400"},
      {get("Connection: close, Host\r\n"), "400"},
      {get("Connection: transfer-encoding\r\n"), "400"},
      {get("Connection: a b\r\n"), "400"},
  });
}

TEST_CASE("a request names exactly one valid host") {
  checkRefused({
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nX: Host: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", "400"},
      {"GET http://a/ HTTP/1.1\r\n\r\n", "400"},
  });
  for (const std::string host :
       {"",    "a b",    "a,b",        "a/b",      "a?b",  "a#b",     "a@b",   "u:p@a", "a:",
        "a:x", "a:0",    "a:65536",    "a:-1",     "a:+1", "a:80:80", "[::1",  "::1",   "[::g]",
        "[]",  "[::1]x", "[::1%25lo]", "a..b",     ".a",   ".",       "a%20b", "a\\b",  "a'b",
        "<a>", "a\"b",   "a;b",        "\xc3\xa9", "a\tb", "a:80a"}) {
    CAPTURE(host);
    checkRefused({{"GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", "400"}});
  }
}

TEST_CASE("a body's length is said in exactly one way") {
  checkRefused({
      {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "400"},
      {post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "400"},
      {post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), "400"},
      {post("Content-Length: 5, 5\r\n", "hello"), "400"},
      {post("Content-Length: 5,\r\n", "hello"), "400"},
      {post("Content-Length: +5\r\n", "hello"), "400"},
      {post("Content-Length: -5\r\n", "hello"), "400"},
      {post("Content-Length: 0x5\r\n", "hello"), "400"},
      {post("Content-Length: 5 5\r\n", "hello"), "400"},
      {post("Content-Length: 5.0\r\n", "hello"), "400"},
      {post("Content-Length: 5e0\r\n", "hello"), "400"},
      {post("Content-Length: \"5\"\r\n", "hello"), "400"},
      {post("Content-Length:\r\n", "hello"), "400"},
      {post("Content-Length: five\r\n", "hello"), "400"},
      {post("Content-Length: 18446744073709551616\r\n", "hello"), "400"},
      {post("Content-Length: 18446744073709551621\r\n", "hello"), "400"},
      {post("Content-Length: 99999999999999\r\n", "hello"), "413"},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501"},
      {post("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"), "501"},
      {post("Transfer-Encoding: identity\r\n", "0\r\n\r\n"), "501"},
      {post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "501"},
      {post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n"), "501"},
      {post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), "501"},
      {post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n"),
       "400"},
      {post("Transfer-Encoding: chun ked\r\n", "0\r\n\r\n"), "400"},
      {post("Transfer-Encoding:\r\n", "0\r\n\r\n"), "400"},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
  });
}

TEST_CASE("a chunked body with any doubt in it is refused where the doubt is") {
  for (const std::string& body : {"\r\n\r\n"s,
                                  "x\r\n"s,
                                  "-1\r\nh\r\n"s,
                                  "+1\r\nh\r\n"s,
                                  "0x1\r\nh\r\n"s,
                                  " 1\r\nh\r\n"s,
                                  "1 \r\nh\r\n"s,
                                  "1\t\r\nh\r\n"s,
                                  "1\nh\r\n"s,
                                  "1\rh\r\n"s,
                                  "1\r\nh\n"s,
                                  "1\r\nhh\r\n"s,
                                  "1\r\nh0\r\n\r\n"s,
                                  "1\r\n\r\n0\r\n\r\n"s,
                                  "FFFFFFFFFFFFFFFF1\r\nh\r\n"s,
                                  "10000000000000000\r\nh\r\n"s,
                                  "1;x\nh\r\n"s,
                                  "1;x\rh\r\n"s,
                                  "1;\0\r\nh\r\n"s,
                                  "1;a=\"b\r\n\"\r\nh\r\n"s,
                                  "1,1\r\nh\r\n"s,
                                  "1_0\r\nh\r\n"s,
                                  "0\n\r\n"s,
                                  "0\r\n\n"s,
                                  "0\r\nX: a\n\r\n"s,
                                  "0\r\nX : a\r\n\r\n"s,
                                  "0\r\n X: a\r\n\r\n"s,
                                  "0\r\nX: a\r\n b\r\n\r\n"s,
                                  "0\r\nX: a\x01\r\n\r\n"s,
                                  "0\r\n: a\r\n\r\n"s,
                                  "0\r\nX\r\n\r\n"s,
                                  "0\r\nContent-Length: 5\r\n\r\n"s,
                                  "0\r\nTransfer-Encoding: chunked\r\n\r\n"s,
                                  "0\r\nHost: b\r\n\r\n"s,
                                  "0\r\nConnection: close\r\n\r\n"s,
                                  "0\r\nExpect: 100-continue\r\n\r\n"s,
                                  "0\r\nTrailer: x\r\n\r\n"s,
                                  "0\r\rX"s}) {
    CAPTURE(body);
    const Outcome outcome =
        outcomeOf(post("Transfer-Encoding: chunked\r\n", body) + std::string(kNext));
    CHECK(outcome.statuses == "400 close");
    CHECK(outcome.requests == "");
    CHECK(outcome.handlerCalls == 1);
  }
}

TEST_CASE("what is legal is understood in one way, however it arrives") {
  const struct {
    std::string text;
    std::string_view statuses;
    std::string_view requests;
  } legal[] = {
      {get(""), "200", "GET /"},
      {"\r\n" + get(""), "200", "GET /"},
      {"GET / HTTP/1.0\r\n\r\n", "200 close", "GET /"},
      {start("GET /a//b/../c?d=%20&[]{}|\\^`'\"<>!$*+,;=:@~ HTTP/1.1"), "200",
       "GET /a//b/../c?d=%20&[]{}|\\^`'\"<>!$*+,;=:@~"},
      {start("OPTIONS * HTTP/1.1"), "200", "OPTIONS *"},
      {start("GET http://a/x?y HTTP/1.1"), "200", "GET /x?y"},
      {start("GET HTTP://A:80/x HTTP/1.1"), "200", "GET /x"},
      {start("GET http://a HTTP/1.1"), "200", "GET /"},
      {start("GET http://a?x HTTP/1.1"), "200", "GET /?x"},
      {start("M-SEARCH / HTTP/1.1"), "200", "M-SEARCH /"},
      {get("X:\r\n"), "200", "GET /"},
      {get("X: \t a \t \r\n"), "200", "GET /"},
      {get("X: \xc3\xa9\r\n"), "200", "GET /"},
      {get("!#$%&'*+-.^_`|~0aZ: v\r\n"), "200", "GET /"},
      {get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
           "AAMAAABkAAQ\r\n"),
       "200", "GET /"},
      {get("Connection: Upgrade\r\nUpgrade: other\r\n") + get(""), "200 200", "GET /, GET /"},
      {get("Upgrade: websocket\r\n") + get(""), "200 200", "GET /, GET /"},
      {get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") +
           get(""),
       "200 200", "GET /, GET /"},
      {get("Content-Length: 0\r\n") + get(""), "200 200", "GET /, GET /"},
      {get("Connection: close\r\n") + get(""), "200 close", "GET /"},
      {get("Connection: x, ClOsE\r\n"), "200 close", "GET /"},
      {post("Content-Length: 005\r\n", "hello"), "200", "POST / [hello]"},
      {post("Content-Length: 5\r\n", "GET /") + get(""), "200 200", "POST / [GET /], GET /"},
      {post("Transfer-Encoding: ChUnKeD\r\n", "5\r\nhello\r\n0\r\n\r\n") + get(""), "200 200",
       "POST / [hello], GET /"},
      {post("Transfer-Encoding: chunked\r\n", "00a\r\n0123456789\r\n000\r\n\r\n"), "200",
       "POST / [0123456789]"},
      {post("Transfer-Encoding: chunked\r\n", "1;a;b=c;d=\"e;f\"\r\nh\r\n0;x\r\nY: z\r\n\r\n"),
       "200", "POST / [h]"},
      {post("Transfer-Encoding: chunked\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n",
            "5\r\nhello\r\n0\r\n\r\n") +
           get(""),
       "200 200", "POST / [hello], GET /"},
      {get("Transfer-Encoding: chunked\r\n") + "1\r\nh\r\n0\r\n\r\n" + get(""), "200 200",
       "GET / [h], GET /"},
      {"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "200", "GET /"},
      {"GET / HTTP/1.1\r\nHost: a_b.example-1.com.\r\n\r\n", "200", "GET /"},
      {"GET / HTTP/1.1\r\nHost:a\r\n\r\n", "200", "GET /"},
  };
  for (const auto& probe : legal) {
    CAPTURE(probe.text);
    const Outcome outcome = outcomeOf(probe.text);
    CHECK(outcome.statuses == probe.statuses);
    CHECK(outcome.requests == probe.requests);
  }
}

TEST_CASE("every limit has its answer, and what is just within it is accepted") {
  ServerLimits limits;
  limits.headBytesMax = 1024;
  limits.targetBytesMax = 100;
  limits.headerCountMax = 10;
  limits.bodyBytesMax = 10;
  const auto fields = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "X: y\r\n";
    return text;
  };
  const auto chunked = [](std::string_view body) {
    return post("Transfer-Encoding: chunked\r\n", body);
  };
  const std::string extension(5000, 'x');
  const struct {
    std::string text;
    std::string_view statuses;
  } probes[] = {
      {start("GET /" + std::string(99, 'a') + " HTTP/1.1"), "200"},
      {start("GET /" + std::string(100, 'a') + " HTTP/1.1"), "414 close"},
      {"GET /" + std::string(500, 'a'), "414 close"},
      {std::string(500, 'A'), "414 close"},
      {get("X: " + std::string(900, 'a') + "\r\n"), "200"},
      {get("X: " + std::string(1000, 'a') + "\r\n"), "431 close"},
      {"GET / HTTP/1.1\r\nX: " + std::string(2000, 'a'), "431 close"},
      {get(fields(9)), "200"},
      {get(fields(10)), "431 close"},
      {post("Content-Length: 10\r\n", "0123456789"), "200"},
      {post("Content-Length: 11\r\n", "01234567890"), "413 close"},
      {chunked("a\r\n0123456789\r\n0\r\n\r\n"), "200"},
      {chunked("a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"), "413 close"},
      {chunked("1;" + extension + "\r\nx\r\n0\r\n\r\n"), "413 close"},
      {chunked("0\r\n" + fields(10) + "\r\n"), "200"},
      {chunked("0\r\n" + fields(11) + "\r\n"), "431 close"},
      {chunked("0\r\nX: " + std::string(20000, 'a') + "\r\n\r\n"), "431 close"},
  };
  for (const auto& probe : probes) {
    CAPTURE(probe.text);
    CHECK(outcomeOf(probe.text, limits).statuses == probe.statuses);
  }
}
