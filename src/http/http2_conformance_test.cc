#include <doctest/doctest.h>

#include <random>

#include "http/http2_frames.h"
#include "http/server_fixture.h"

using namespace atolld;
using namespace atolld::http;
using namespace atolld::http::testing;
using namespace std::string_literals;

namespace {

/// What the server said, in words: "200 DATA(5)", "RST_STREAM PROTOCOL_ERROR",
/// "GOAWAY PROTOCOL_ERROR", "PING ack", and "close" last. Settings and window updates are left out.
std::string answersTo(const std::vector<std::string>& writes, std::size_t* handlerCalls = nullptr,
                      const ServerLimits& limits = {}) {
  Peer peer(makeHttp2ServerConnection, limits);
  peer.handler.answer = [](Recorded& request) {
    if (request.head->body == BodyKind::None) {
      RecordingHandler::hello(request);
    } else {
      RecordingHandler::echo(request);
    }
  };
  for (const std::string& bytes : writes) peer.send(bytes);
  if (handlerCalls) *handlerCalls = peer.handler.requests.size();
  Inflater inflater;
  std::string said;
  for (const Frame& f : parseFrames(peer.received)) {
    std::string word;
    switch (f.type) {
      case NGHTTP2_HEADERS:
        word = inflater.inflate(f.payload).substr(9, 3);
        break;
      case NGHTTP2_DATA:
        word = "DATA(" + std::to_string(f.payload.size()) + ")";
        break;
      case NGHTTP2_RST_STREAM:
        word = "RST_STREAM "s + nghttp2_http2_strerror(readNumber(f.payload));
        break;
      case NGHTTP2_GOAWAY:
        word = "GOAWAY "s + nghttp2_http2_strerror(readNumber(f.payload.substr(4, 4)));
        break;
      case NGHTTP2_PING:
        word = (f.flags & kAck) != 0 ? "PING ack" : "PING";
        break;
      default:
        continue;
    }
    if (!said.empty()) said += ' ';
    said += word;
  }
  if (peer.connection->shouldClose()) said += said.empty() ? "close" : " close";
  return said;
}

const std::string kPreface = std::string(kHttp2Preface) + settings();

struct Case {
  std::string_view name;  // h2spec's numbering: the section of RFC 7540, and the case in it.
  std::string bytes;
  std::string_view answer;  // Must be part of what is said.
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string whole = answersTo({kPreface + c.bytes});
    CAPTURE(whole);
    CHECK(whole.contains(c.answer));
    // In pieces, and after the server has had its say on each.
    std::vector<std::string> bytewise;
    for (const char byte : kPreface + c.bytes) bytewise.emplace_back(1, byte);
    const std::string pieces = answersTo(bytewise);
    CAPTURE(pieces);
    CHECK(pieces.contains(c.answer));
  }
}

constexpr std::string_view kGoawayProtocol = "GOAWAY PROTOCOL_ERROR close";
constexpr std::string_view kGoawayFrameSize = "GOAWAY FRAME_SIZE_ERROR close";
constexpr std::string_view kGoawayClosed = "GOAWAY STREAM_CLOSED close";
constexpr std::string_view kGoawayFlow = "GOAWAY FLOW_CONTROL_ERROR close";
constexpr std::string_view kGoawayCompression = "GOAWAY COMPRESSION_ERROR close";
constexpr std::string_view kRstProtocol = "RST_STREAM PROTOCOL_ERROR";

std::string priority(std::uint32_t stream, std::uint32_t dependency) {
  return frame(NGHTTP2_PRIORITY, 0, stream, number(dependency, 4) + "\x0f");
}
std::string with(FieldVector fields) { return headers(1, fields); }

}  // namespace

TEST_CASE("h2spec 3.5, 4: the preface, frame format and size, header blocks") {
  CHECK(answersTo({"INVALID CONNECTION PREFACE\r\n\r\n"}).contains("close"));
  CHECK(answersTo({std::string(kHttp2Preface) + ping()}).contains("GOAWAY PROTOCOL_ERROR close"));
  check({
      {"3.5-1 valid preface", ping(), "PING ack"},
      {"4.1-1 unknown frame type", frame(0x16, 0, 0, "12345678") + ping(), "PING ack"},
      {"4.1-2 undefined flags", frame(NGHTTP2_PING, 0x16, 0, "12345678"), "PING ack"},
      {"4.1-3 reserved bit", frame(NGHTTP2_PING, 0, 0x80000000, "12345678"), "PING ack"},
      {"4.2-1 DATA of 2^14", post(1) + data(1, std::string(16384, 'x')), "200 DATA(16384)"},
      {"4.2-2 too large DATA", post(1) + data(1, std::string(16385, 'x')), kGoawayFrameSize},
      {"4.2-3 too large HEADERS",
       headers(1, requestFields() + FieldVector{{"x", std::string(16385, 'x')}}), kGoawayFrameSize},
      {"4.3-1 invalid header block", frame(NGHTTP2_HEADERS, 5, 1, "\xff\xff\xff\xff\xff\xff\xff"),
       kGoawayCompression},
      {"4.3-2 PRIORITY inside a header block",
       headers(1, requestFields(), kEndStream) + priority(1, 0), kGoawayProtocol},
      {"4.3-3 HEADERS inside a header block", headers(1, requestFields(), kEndStream) + get(3),
       kGoawayProtocol},
  });
}

TEST_CASE("h2spec 5.1: frames that a stream's state does not allow") {
  const std::string continuation = frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack({{"x", "y"}}));
  const FieldVector fields = requestFields();
  check({
      {"5.1-1 idle: DATA", data(1, "x"), kGoawayProtocol},
      {"5.1-2 idle: RST_STREAM", rst(1), kGoawayProtocol},
      {"5.1-3 idle: WINDOW_UPDATE", windowUpdate(1, 100), kGoawayProtocol},
      {"5.1-4 idle: CONTINUATION", continuation, kGoawayProtocol},
      {"5.1-5 half closed: DATA", get(1) + data(1, "x"), kGoawayClosed},
      {"5.1-6 half closed: HEADERS", get(1) + get(1), kGoawayClosed},
      {"5.1-7 half closed: CONTINUATION", get(1) + continuation, kGoawayProtocol},
      {"5.1-8 reset: DATA", post(1) + rst(1) + data(1, "x"), kGoawayClosed},
      {"5.1-9 reset: HEADERS", post(1) + rst(1) + get(1), kGoawayClosed},
      {"5.1-10 reset: CONTINUATION", post(1) + rst(1) + continuation, kGoawayProtocol},
      {"5.1-11 closed: DATA", get(1) + data(1, "x"), kGoawayClosed},
      {"5.1-12 closed: HEADERS", get(1) + get(1), kGoawayClosed},
      {"5.1-13 closed: CONTINUATION", get(1) + continuation, kGoawayProtocol},
      {"5.1.1-1 even stream", get(2), kGoawayProtocol},
      {"5.1.1-2 smaller stream", get(5) + get(3), "GOAWAY"},
      {"5.1 PRIORITY on a closed stream", get(1) + priority(1, 0) + ping(), "PING ack"},
      {"5.1 RST_STREAM on a closed stream", get(1) + rst(1) + ping(), "PING ack"},
      {"5.1 WINDOW_UPDATE on a closed stream", get(1) + windowUpdate(1, 1) + ping(), "PING ack"},
  });
  // RFC 9113 has done away with priorities; h2spec still wants a stream not to depend on itself.
  const std::string selfHeaders =
      frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders | NGHTTP2_FLAG_PRIORITY, 1,
            number(1, 4) + "\x0f" + hpack(fields));
  check({
      {"5.3.1-1 HEADERS depends on itself", selfHeaders, "PROTOCOL_ERROR"},
      {"5.3.1-2 PRIORITY depends on itself", priority(1, 1), "PROTOCOL_ERROR"},
      {"5.5-1 unknown extension frame", frame(0xff, 0, 0, "x") + ping(), "PING ack"},
      {"5.5-2 unknown extension frame in a header block",
       headers(1, fields, kEndStream) + frame(0xff, 0, 0, "x"), kGoawayProtocol},
  });
}

TEST_CASE("h2spec 5.1.2: streams above the announced limit are refused") {
  ServerLimits limits;
  limits.concurrentStreamsMax = 2;
  const std::string said = answersTo(
      {kPreface + settings({}) + frame(NGHTTP2_SETTINGS, kAck, 0) + post(1) + post(3) + post(5)},
      nullptr, limits);
  CHECK((said.contains("REFUSED_STREAM") || said.contains("PROTOCOL_ERROR")));
}

TEST_CASE("h2spec 6.1 to 6.5: DATA, HEADERS, PRIORITY, RST_STREAM and SETTINGS") {
  const std::string padded = std::string("\x06", 1) + "test";
  check({
      {"6.1-1 DATA on stream 0", data(0, "x"), kGoawayProtocol},
      {"6.1-2 DATA on a stream that is not open", get(1) + data(1, "x"), "STREAM_CLOSED"},
      {"6.1-3 invalid pad length",
       post(1) + frame(NGHTTP2_DATA, kEndStream | NGHTTP2_FLAG_PADDED, 1, padded), kGoawayProtocol},
      {"6.2-1 HEADERS, then PRIORITY", headers(1, requestFields(), 0) + priority(1, 0),
       kGoawayProtocol},
      {"6.2-2 HEADERS on another stream", headers(1, requestFields(), 0) + get(3), kGoawayProtocol},
      {"6.2-3 HEADERS on stream 0", get(0), kGoawayProtocol},
      {"6.2-4 invalid pad length",
       frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders | NGHTTP2_FLAG_PADDED, 1,
             "\xff" + hpack(requestFields())),
       kGoawayProtocol},
      {"6.3-1 PRIORITY on stream 0", priority(0, 1), kGoawayProtocol},
      {"6.3-2 PRIORITY of 4 bytes", frame(NGHTTP2_PRIORITY, 0, 1, "1234"), "FRAME_SIZE_ERROR"},
      {"6.4-1 RST_STREAM on stream 0", rst(0), kGoawayProtocol},
      {"6.4-2 RST_STREAM on an idle stream", rst(1), kGoawayProtocol},
      {"6.4-3 RST_STREAM of 3 bytes", post(1) + frame(NGHTTP2_RST_STREAM, 0, 1, "123"),
       kGoawayFrameSize},
      {"6.5-1 SETTINGS ack with a payload", frame(NGHTTP2_SETTINGS, kAck, 0, "123456"),
       kGoawayFrameSize},
      {"6.5-2 SETTINGS on a stream", frame(NGHTTP2_SETTINGS, 0, 1, ""), kGoawayProtocol},
      {"6.5-3 SETTINGS of 3 bytes", frame(NGHTTP2_SETTINGS, 0, 0, "123"), kGoawayFrameSize},
      {"6.5.2-1 ENABLE_PUSH 2", settings({{2, 2}}), kGoawayProtocol},
      {"6.5.2-2 INITIAL_WINDOW_SIZE 2^31", settings({{4, 0x80000000}}), kGoawayFlow},
      {"6.5.2-3 MAX_FRAME_SIZE too small", settings({{5, 16383}}), kGoawayProtocol},
      {"6.5.2-4 MAX_FRAME_SIZE too large", settings({{5, 16777216}}), kGoawayProtocol},
      {"6.5.2-5 unknown setting", settings({{255, 1}}) + ping(), "PING ack"},
  });
}

TEST_CASE("h2spec 6.7 to 7: PING, GOAWAY, windows and CONTINUATION") {
  check({
      {"6.7-1 PING", ping(), "PING ack"},
      {"6.7-2 PING ack", ping("invalid!", kAck) + ping("valid!!!"), "PING ack"},
      {"6.7-3 PING on a stream", frame(NGHTTP2_PING, 0, 1, "12345678"), kGoawayProtocol},
      {"6.7-4 PING of 6 bytes", frame(NGHTTP2_PING, 0, 0, "123456"), kGoawayFrameSize},
      {"6.8-1 GOAWAY on a stream", frame(NGHTTP2_GOAWAY, 0, 1, number(0, 8)), kGoawayProtocol},
      {"6.9-1 WINDOW_UPDATE of 0", windowUpdate(0, 0), kGoawayProtocol},
      {"6.9-2 WINDOW_UPDATE of 0 on a stream", post(1) + windowUpdate(1, 0), "PROTOCOL_ERROR"},
      {"6.9-3 WINDOW_UPDATE of 3 bytes", frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "123"),
       kGoawayFrameSize},
      {"6.9.1-1 window of 1", settings({{4, 1}}) + get(1), "200 DATA(1)"},
      {"6.9.1-2 connection window above 2^31-1",
       windowUpdate(0, 0x7fffffff) + windowUpdate(0, 0x7fffffff), kGoawayFlow},
      {"6.9.1-3 stream window above 2^31-1",
       post(1) + windowUpdate(1, 0x7fffffff) + windowUpdate(1, 0x7fffffff) + ping(),
       "FLOW_CONTROL_ERROR PING ack"},
      {"6.9.2-1 initial window changes", settings({{4, 0}}) + get(1) + settings({{4, 1}}),
       "200 DATA(1)"},
      {"6.9.2-2 window becomes negative",
       settings({{4, 3}}) + get(1) + settings({{4, 2}}) + windowUpdate(1, 2), "DATA("},
      {"6.9.2-3 INITIAL_WINDOW_SIZE above the maximum", settings({{4, 0xffffffff}}), kGoawayFlow},
      {"6.10-1 CONTINUATIONs",
       headers(1, requestFields(), kEndStream) +
           frame(NGHTTP2_CONTINUATION, 0, 1, hpack({{"x", "y"}})) +
           frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack({{"x", "y"}})),
       "200 DATA(5)"},
      {"6.10-2 CONTINUATION, then another frame",
       headers(1, requestFields(), kEndStream) + data(1, "x"), kGoawayProtocol},
      {"6.10-3 CONTINUATION on stream 0",
       headers(1, requestFields(), kEndStream) +
           frame(NGHTTP2_CONTINUATION, kEndHeaders, 0, hpack({{"x", "y"}})),
       kGoawayProtocol},
      {"6.10-4 CONTINUATION after END_HEADERS",
       get(1) + frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack({{"x", "y"}})), kGoawayProtocol},
      {"6.10-5 CONTINUATION after a CONTINUATION with END_HEADERS",
       headers(1, requestFields(), kEndStream) +
           frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack({{"x", "y"}})) +
           frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack({{"x", "y"}})),
       kGoawayProtocol},
      {"6.10-6 CONTINUATION after DATA",
       post(1) + data(1, "x") + frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, hpack({{"x", "y"}})),
       kGoawayProtocol},
      {"7-1 GOAWAY with an unknown code",
       frame(NGHTTP2_GOAWAY, 0, 0, number(0, 4) + number(0xff, 4)), "close"},
      {"7-2 RST_STREAM with an unknown code", post(1) + rst(1, 0xff) + ping(), "PING ack"},
  });
}

TEST_CASE("h2spec 8: what makes a request malformed resets its stream and reaches no handler") {
  const FieldVector noMethod = {{":scheme", "http"}, {":path", "/"}, {":authority", "a"}};
  const FieldVector noScheme = {{":method", "GET"}, {":path", "/"}, {":authority", "a"}};
  const FieldVector noPath = {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}};
  const auto plus = [](FieldVector more) { return with(requestFields() + more); };
  const std::vector<Case> malformed = {
      {"8.1.2-1 upper-case name", plus({{"X-TEST", "ok"}}), kRstProtocol},
      {"8.1.2.1-1 unknown pseudo-header", plus({{":test", "ok"}}), kRstProtocol},
      {"8.1.2.1-2 response pseudo-header", plus({{":status", "200"}}), kRstProtocol},
      {"8.1.2.1-4 pseudo-header after a field", plus({{"x", "y"}, {":path", "/"}}), kRstProtocol},
      {"8.1.2.2-1 connection", plus({{"connection", "keep-alive"}}), kRstProtocol},
      {"8.1.2.2-2 te", plus({{"te", "trailers, deflate"}}), kRstProtocol},
      {"keep-alive", plus({{"keep-alive", "1"}}), kRstProtocol},
      {"proxy-connection", plus({{"proxy-connection", "close"}}), kRstProtocol},
      {"transfer-encoding", plus({{"transfer-encoding", "chunked"}}), kRstProtocol},
      {"upgrade", plus({{"upgrade", "h2c"}}), kRstProtocol},
      {"8.1.2.3-1 empty path",
       with({{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}}),
       kRstProtocol},
      {"8.1.2.3-2 no method", with(noMethod), kRstProtocol},
      {"8.1.2.3-3 no scheme", with(noScheme), kRstProtocol},
      {"8.1.2.3-4 no path", with(noPath), kRstProtocol},
      {"8.1.2.3-5 two methods", plus({{":method", "GET"}}), kRstProtocol},
      {"8.1.2.3-6 two schemes", plus({{":scheme", "http"}}), kRstProtocol},
      {"8.1.2.3-7 two paths", plus({{":path", "/"}}), kRstProtocol},
      {"empty name", plus({{"", "x"}}), kRstProtocol},
      {"blank in a name", plus({{"a b", "x"}}), kRstProtocol},
      {"colon in a name", plus({{"a:b", "x"}}), kRstProtocol},
      {"CR LF in a value", plus({{"x", "a\r\nb: c"}}), kRstProtocol},
      {"NUL in a value", plus({{"x", "a\0b"s}}), kRstProtocol},
      {"blank around a value", plus({{"x", " a "}}), kRstProtocol},
      {"control character in a value", plus({{"x", "a\x01"}}), kRstProtocol},
      {"two content-lengths", plus({{"content-length", "0"}, {"content-length", "0"}}),
       kRstProtocol},
      {"signed content-length", plus({{"content-length", "+0"}}), kRstProtocol},
      {"content-length and no body", plus({{"content-length", "1"}}), kRstProtocol},
      {"relative path", with(requestFields("GET", "a")), kRstProtocol},
      {"path with a blank", with(requestFields("GET", "/a b")), kRstProtocol},
      {"method with a blank", with(requestFields("G T")), kRstProtocol},
      {"two hosts", plus({{"host", "a"}, {"host", "a"}}), kRstProtocol},
      {"extended CONNECT", plus({{":protocol", "websocket"}}), kRstProtocol},
  };
  check(malformed);
  for (const Case& c : malformed) {
    CAPTURE(c.name);
    std::size_t calls = 0;
    answersTo({kPreface + c.bytes}, &calls);
    CHECK(calls == 0);
  }
  check({
      {"8.1-1 second HEADERS without END_STREAM", post(1) + headers(1, {{"x", "y"}}, kEndHeaders),
       kRstProtocol},
      {"8.1.2.1-3 pseudo-header in trailers", post(1) + headers(1, {{":method", "GET"}}),
       kRstProtocol},
      {"8.1.2.6-1 content-length above the body", post(1, {{"content-length", "2"}}) + data(1, "x"),
       kRstProtocol},
      {"8.1.2.6-2 content-length below the body",
       post(1, {{"content-length", "1"}}) + data(1, "x", 0) + data(1, "x"), kRstProtocol},
      {"8.2-1 PUSH_PROMISE from a client",
       get(1) + frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, number(2, 4) + hpack(requestFields())),
       kGoawayProtocol},
      {"trailers that frame", post(1) + headers(1, {{"content-length", "1"}}), "RST_STREAM"},
      {"trailers with a host", post(1) + headers(1, {{"host", "b"}}), "RST_STREAM"},
  });
}

TEST_CASE("h2spec generic: what is right is answered") {
  check({
      {"GET", get(1), "200 DATA(5)"},
      {"HEAD", headers(1, requestFields("HEAD")), "200"},
      {"POST", post(1) + data(1, "hello"), "200 DATA(5)"},
      {"POST with trailers", post(1) + data(1, "hello", 0) + headers(1, {{"x", "y"}}),
       "200 DATA(5)"},
      {"padded DATA",
       post(1) + frame(NGHTTP2_DATA, kEndStream | NGHTTP2_FLAG_PADDED, 1, "\x02hello\0\0"s),
       "200 DATA(5)"},
      {"HEADERS with priority",
       frame(NGHTTP2_HEADERS, kEndStream | kEndHeaders | NGHTTP2_FLAG_PRIORITY, 1,
             number(0, 4) + "\x0f" + hpack(requestFields())),
       "200 DATA(5)"},
      {"PRIORITY first", priority(1, 0) + get(1), "200 DATA(5)"},
      {"te: trailers", with(requestFields() + FieldVector{{"te", "trailers"}}), "200 DATA(5)"},
      {"OPTIONS *", headers(1, requestFields("OPTIONS", "*")), "200 DATA(5)"},
      {"streams with a gap", get(1) + get(7), "DATA(5)"},
      {"WINDOW_UPDATE", windowUpdate(0, 1) + post(1) + windowUpdate(1, 1) + data(1, ""), "200"},
      {"hpack 2.3.3-1 index out of range",
       frame(NGHTTP2_HEADERS, 5, 1, hpack(requestFields()) + "\xc6"), kGoawayCompression},
      {"hpack 4.2-1 table size update at the end",
       frame(NGHTTP2_HEADERS, 5, 1, hpack(requestFields()) + "\x3f\x01"), kGoawayCompression},
      {"hpack 5.2-1 padding longer than 7 bits",
       frame(NGHTTP2_HEADERS, 5, 1,
             hpack(requestFields()) + "\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"s),
       kGoawayCompression},
      {"hpack 6.1-1 index 0", frame(NGHTTP2_HEADERS, 5, 1, hpack(requestFields()) + "\x80"),
       kGoawayCompression},
      {"hpack 6.3-1 table size above the setting",
       frame(NGHTTP2_HEADERS, 5, 1, "\x3f\xe1\xff\x03" + hpack(requestFields())),
       kGoawayCompression},
  });
}
