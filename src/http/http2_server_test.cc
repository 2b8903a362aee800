#include <doctest/doctest.h>

#include "http/http2_frames.h"
#include "http/server_fixture.h"

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;
using namespace std::string_literals;

namespace {

const std::string kPreface =
    std::string(kHttp2Preface) + settings() + frame(NGHTTP2_SETTINGS, kAck, 0);

/// A server, and what it said so far in frames.
struct Server {
  explicit Server(const ServerLimits& limits = {}) : peer(makeHttp2ServerConnection, limits) {
    peer.send(kPreface);
    peer.receivedText();
  }
  /// The frames that answer, without window updates and settings.
  std::vector<Frame> send(std::string_view bytes) {
    peer.send(bytes);
    return frames();
  }
  std::vector<Frame> frames() {
    peer.flush();
    std::vector<Frame> all = parseFrames(peer.receivedText());
    std::erase_if(all, [](const Frame& f) {
      return f.type == NGHTTP2_SETTINGS || f.type == NGHTTP2_WINDOW_UPDATE;
    });
    return all;
  }
  std::string fieldsOf(const std::vector<Frame>& answer) {
    REQUIRE_FALSE(answer.empty());
    REQUIRE(answer[0].type == NGHTTP2_HEADERS);
    return inflater.inflate(answer[0].payload);
  }
  Recorded& request(std::size_t i = 0) { return *peer.handler.requests.at(i); }

  Peer peer;
  Inflater inflater;
};

bool isReset(const std::vector<Frame>& frames, std::uint32_t code) {
  return !frames.empty() && frames.back().type == NGHTTP2_RST_STREAM &&
         readNumber(frames.back().payload) == code;
}
bool isGoaway(const std::vector<Frame>& frames, std::uint32_t code) {
  return !frames.empty() && frames.back().type == NGHTTP2_GOAWAY &&
         readNumber(std::string_view(frames.back().payload).substr(4, 4)) == code;
}

}  // namespace

TEST_CASE("HTTP/2: a request becomes the same head as in HTTP/1, cookies in one field") {
  Server server;
  const std::string fields = server.fieldsOf(server.send(headers(
      1,
      requestFields("GET", "/x?y") +
          FieldVector{{"cookie", "a=1"}, {"x-one", "1"}, {"cookie", "b=2"}, {"te", "trailers"}})));
  CHECK(fields.starts_with(":status: 200\n"));
  CHECK(fields.contains("content-length: 5\n"));
  CHECK(fields.contains("date: "));
  const RequestHead& head = *server.request().head;
  CHECK(head.version == Version::Http2);
  CHECK(head.target == "/x?y");
  CHECK(head.authority == "a");
  CHECK(head.body == BodyKind::None);
  CHECK(head.headers.size() == 2);
  CHECK(head.headers.find("cookie").value() == "a=1; b=2");
  CHECK(server.request().closed == 1);
  CHECK_FALSE(server.request().error.has_value());
}

TEST_CASE("HTTP/2: what the codec refuses by itself is answered, and no handler sees it") {
  ServerLimits limits;
  limits.headBytesMax = 1024;
  limits.targetBytesMax = 100;
  limits.headerCountMax = 16;
  limits.bodyBytesMax = 10;
  const auto fields = [](std::string_view authority, const FieldVector& more = {}) {
    FieldVector all = requestFields("POST");
    all[3].second = authority;
    return all + more;
  };
  FieldVector many;
  for (int i = 0; i < 20; ++i) many.emplace_back("x", "y");
  const struct {
    FieldVector fields;
    std::string_view status;
  } cases[] = {
      {fields("a_b..c"), "400"},
      {fields("a:0"), "400"},
      {fields("a", {{"host", "b"}}), "400"},
      {fields("a", {{"content-length", "11"}}), "413"},
      {fields("a", {{"expect", "x"}}), "417"},
      {fields("a", {{"x", std::string(1200, 'x')}}), "431"},
      {fields("a", many), "431"},
      {requestFields("POST", "/" + std::string(100, 'x')), "414"},
      {{{":method", "CONNECT"}, {":authority", "a:443"}}, "501"},
      {{{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a"}}, "400"},
  };
  for (const auto& c : cases) {
    Server server(limits);
    const std::string said = server.fieldsOf(server.send(headers(1, c.fields, kEndHeaders)));
    CAPTURE(said);
    CHECK(said.starts_with(":status: " + std::string(c.status)));
    CHECK(said.contains("atoll-error: "));
    CHECK(server.peer.handler.requests.empty());
    CHECK_FALSE(server.peer.connection->shouldClose());
  }
  // A body that grows too large is found out on the way.
  Server server(limits);
  server.peer.handler.answer = [](Recorded& request) { request.exchange().startBody(); };
  server.send(post(1));
  CHECK(server.fieldsOf(server.send(data(1, "01234567890", 0))).starts_with(":status: 413"));
  CHECK(server.request().error.value().code == ErrorCode::TooLarge);
}

TEST_CASE("HTTP/2: 100 Continue is sent when the handler wants the body") {
  Server server;
  server.peer.handler.answer = RecordingHandler::wait;
  CHECK(server.send(post(1, {{"expect", "100-continue"}})).empty());
  server.request().exchange().startBody();
  CHECK(server.fieldsOf(server.frames()) == ":status: 100\n");
  server.send(data(1, "hello"));
  CHECK(server.request().body == "hello");
  CHECK(server.request().bodyEnded);
  CHECK(server.request().head->headers.empty());
}

TEST_CASE("HTTP/2: window is given back for what is consumed, and for nothing else") {
  ServerLimits limits;
  limits.receiveWindowBytes = 16'384;
  Server server(limits);
  server.peer.handler.answer = RecordingHandler::wait;
  server.send(post(1) + data(1, std::string(16'384, 'x'), 0));
  Recorded& request = server.request();
  request.consume = false;
  request.exchange().startBody();
  CHECK(request.body.empty());  // Never from inside.
  server.peer.flush();
  CHECK(request.body.size() == 16'384);
  CHECK(server.peer.receivedText().empty());
  request.exchange().consumed(16'384);
  server.peer.flush();
  std::size_t streamUpdates = 0;
  for (const Frame& f : parseFrames(server.peer.receivedText())) {
    if (f.type == NGHTTP2_WINDOW_UPDATE && f.stream == 1) ++streamUpdates;
  }
  CHECK(streamUpdates == 1);
  // Beyond its window, a client is cut off.
  server.send(data(1, std::string(16'384, 'x'), 0));
  CHECK_FALSE(server.send(data(1, "x", 0)).empty());
}

TEST_CASE("HTTP/2: HEAD, 204 and 304 end without DATA") {
  for (const int status : {200, 204, 304}) {
    Server server;
    server.peer.handler.answer = [&](Recorded& request) {
      request.exchange().respond(responseHead(status, BodyKind::Length, 5),
                                 Bytes::fromStatic("hello"));
    };
    const std::vector<Frame> answer =
        server.send(headers(1, requestFields(status == 200 ? "HEAD" : "GET")));
    CHECK(server.fieldsOf(answer).contains("content-length: 5") == (status != 204));
    for (const Frame& f : answer) CHECK((f.type != NGHTTP2_DATA || f.payload.empty()));
    CHECK((answer.back().flags & kEndStream) != 0);
    CHECK(server.request().closed == 1);
  }
}

TEST_CASE("HTTP/2: abort() resets the stream with INTERNAL_ERROR and leaves the others alone") {
  Server server;
  server.peer.handler.answer = RecordingHandler::wait;
  server.send(get(1) + get(3));
  server.request(0).exchange().abort();
  CHECK(server.request(0).closed == 0);
  CHECK(isReset(server.frames(), NGHTTP2_INTERNAL_ERROR));
  CHECK(server.request(0).error.value().code == ErrorCode::Aborted);
  RecordingHandler::hello(server.request(1));
  CHECK(server.fieldsOf(server.frames()).starts_with(":status: 200"));
}

TEST_CASE("HTTP/2: an answer before the body costs a bounded amount of reading") {
  Server server;
  server.send(post(1));
  CHECK(server.request().closed == 1);
  std::vector<Frame> said;
  for (int i = 0; i < 5 && said.empty(); ++i)
    said = server.send(data(1, std::string(16'384, 'x'), 0));
  CHECK(isReset(said, NGHTTP2_NO_ERROR));
  // What was under way is no error.
  CHECK(server.send(data(1, "x", 0)).empty());
  CHECK(server.send(ping()).size() == 1);

  Server large;
  CHECK(isReset(large.send(post(1, {{"content-length", "1000000"}})), NGHTTP2_NO_ERROR));
}

TEST_CASE("HTTP/2: floods that cost us more than the client end the connection") {
  const auto flood = [](const std::string& bytes, int times) {
    Server server;
    server.peer.handler.answer = RecordingHandler::wait;
    std::string all = post(1);
    for (int i = 0; i < times; ++i) all += bytes;
    server.peer.connection->receive(all);  // All before anything is sent.
    return isGoaway(server.frames(), NGHTTP2_ENHANCE_YOUR_CALM) ||
           server.peer.connection->shouldClose();
  };
  CHECK(flood(ping(), 100'000));
  CHECK(flood(settings(), 100'000));
  CHECK(flood(data(1, "", 0), 100'000));
  CHECK(flood(frame(NGHTTP2_PRIORITY, 0, 1, number(0, 4) + "\x0f"), 100'000));
  CHECK(flood(frame(0xfe, 0, 0, "x"), 100'000));
  CHECK_FALSE(flood(ping(), 100));

  Server continuation;
  std::string block = headers(1, requestFields(), kEndStream);
  for (int i = 0; i < 1000; ++i) block += frame(NGHTTP2_CONTINUATION, 0, 1, hpack({{"x", "y"}}));
  continuation.send(block);
  CHECK(continuation.peer.connection->shouldClose());

  // Rapid reset (CVE-2023-44487).
  Server rapid;
  rapid.peer.handler.answer = RecordingHandler::wait;
  std::string resets;
  for (std::uint32_t i = 0; i < 5000; ++i) resets += get(2 * i + 1) + rst(2 * i + 1);
  rapid.send(resets);
  CHECK(rapid.peer.connection->shouldClose());
  CHECK(rapid.peer.handler.requests.size() < 600);
}

TEST_CASE("HTTP/2: startDrain() warns, serves what was under way, then says the last stream") {
  Server server;
  server.peer.handler.answer = RecordingHandler::wait;
  server.send(get(1));
  server.peer.connection->startDrain();
  const std::vector<Frame> notice = server.frames();
  REQUIRE(notice.size() == 2);
  const bool goawayFirst = notice[0].type == NGHTTP2_GOAWAY;
  const Frame& goaway = goawayFirst ? notice[0] : notice[1];
  const Frame& pinged = goawayFirst ? notice[1] : notice[0];
  CHECK(readNumber(goaway.payload.substr(0, 4)) == 0x7fffffff);
  server.send(get(3));
  CHECK(server.peer.handler.requests.size() == 2);
  const std::vector<Frame> last = server.send(ping(pinged.payload, kAck));
  REQUIRE(isGoaway(last, NGHTTP2_NO_ERROR));
  CHECK(readNumber(last.back().payload.substr(0, 4)) == 3);
  server.send(get(5));
  CHECK(server.peer.handler.requests.size() == 2);
  CHECK_FALSE(server.peer.connection->shouldClose());
  RecordingHandler::hello(server.request(0));
  RecordingHandler::hello(server.request(1));
  server.frames();
  CHECK(server.peer.connection->shouldClose());

  Server idle;
  idle.peer.connection->startDrain();
  CHECK(isGoaway(idle.frames(), NGHTTP2_NO_ERROR));
  CHECK(idle.peer.connection->shouldClose());
}

TEST_CASE("HTTP/2: deadlines and departures close every exchange, once") {
  Server server;
  server.peer.handler.answer = RecordingHandler::wait;
  server.send(get(1) + post(3));
  CHECK(server.peer.connection->waiting() == Waiting::Handler);
  server.request(1).exchange().startBody();
  server.peer.flush();
  CHECK(server.peer.connection->waiting() == Waiting::RequestBody);
  server.peer.connection->onTimeout();
  CHECK(isGoaway(server.frames(), NGHTTP2_NO_ERROR));
  CHECK(server.peer.connection->shouldClose());
  for (const auto& request : server.peer.handler.requests) {
    CHECK(request->closed == 1);
    CHECK(request->error.value().code == ErrorCode::Timeout);
  }

  Server left;
  left.peer.handler.answer = RecordingHandler::wait;
  left.send(get(1) + post(3));
  left.peer.connection->receiveEnd();
  left.frames();
  CHECK(left.request(1).error.value().code == ErrorCode::Aborted);
  CHECK(left.request(0).closed == 0);
  RecordingHandler::hello(left.request(0));
  CHECK(left.fieldsOf(left.frames()).starts_with(":status: 200"));
  CHECK(left.peer.connection->shouldClose());
}

TEST_CASE("HTTP/2: a client that gives no window is noticed, and drains in its own time") {
  Server server;
  server.send(settings({{4, 0}}));
  server.peer.handler.answer = [](Recorded& request) {
    request.exchange().respondHead(responseHead(200, BodyKind::Unknown));
    request.exchange().write(Bytes(std::string(100'000, 'x')));
  };
  server.send(get(1));
  CHECK(server.peer.connection->waiting() == Waiting::ClientToRead);
  CHECK(server.request().exchange().bufferedBytes() == 100'000);
  server.send(windowUpdate(1, 30'000));
  CHECK(server.request().drained == 0);
  server.send(windowUpdate(1, 30'000));
  CHECK(server.request().drained == 1);
  CHECK(server.request().exchange().bufferedBytes() == 40'000);
}
