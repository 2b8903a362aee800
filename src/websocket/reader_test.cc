#include "websocket/reader.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "websocket/writer.h"

namespace atolld::websocket {
namespace {

using namespace std::string_literals;
using Kind = Incoming::Kind;

/// A client's frame, as wrong as the test wants it.
std::string frame(int first, std::string_view payload, bool masked = true) {
  std::string out(1, static_cast<char>(first));
  const int mask = masked ? 0x80 : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(mask | static_cast<int>(payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    out += static_cast<char>(mask | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(mask | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  }
  if (!masked) return out + std::string(payload);
  const char key[4] = {'\x12', '\x34', '\x56', '\x78'};
  out.append(key, 4);
  std::string body(payload);
  applyMask(body.data(), body.size(), key, 0);
  return out + body;
}

constexpr int kFin = 0x80, kZip = 0x40;
constexpr int kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

/// What comes out: "text:…", "binary:…", "ping:…", "close 1000:…", "violation 1002". All input in
/// pieces of `step` bytes.
std::vector<std::string> read(Reader& reader, std::string_view bytes, std::size_t step = SIZE_MAX) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    for (;;) {
      Incoming in = reader.next(piece);
      if (in.kind == Kind::Yielded) continue;
      if (in.kind == Kind::NeedsInput) break;
      const std::string code = std::to_string(in.code);
      switch (in.kind) {
        case Kind::Text:
          out.push_back("text:" + in.payload);
          break;
        case Kind::Binary:
          out.push_back("binary:" + in.payload);
          break;
        case Kind::Ping:
          out.push_back("ping:" + in.payload);
          break;
        case Kind::Pong:
          out.push_back("pong:" + in.payload);
          break;
        case Kind::Close:
          out.push_back("close " + code + ":" + in.payload);
          break;
        default:
          out.push_back("violation " + code);
          return out;
      }
    }
  }
  return out;
}

std::vector<std::string> readAll(std::string_view bytes, std::size_t step,
                                 std::optional<Compression> compression = {},
                                 ReaderLimits limits = {}) {
  Reader reader(Role::Server, compression, limits);
  return read(reader, bytes, step);
}

}  // namespace

TEST_CASE("Messages and control frames come out the same however their bytes arrive") {
  const std::string euro = "\xe2\x82\xac";
  const std::string stream = frame(kFin | kText, "hello") + frame(kBinary, "ab") +
                             frame(kFin | kPing, "p") + frame(0, "") + frame(kFin, "cd") +
                             frame(kText, euro.substr(0, 1)) + frame(kFin | kPong, "") +
                             frame(kFin, euro.substr(1)) + frame(kFin | kText, "") +
                             frame(kFin | kText, std::string(70000, 'x')) +
                             frame(kFin | kClose,
                                   "\x03\xe8"
                                   "bye");
  const std::vector<std::string> expected{"text:hello",
                                          "ping:p",
                                          "binary:abcd",
                                          "pong:",
                                          "text:" + euro,
                                          "text:",
                                          "text:" + std::string(70000, 'x'),
                                          "close 1000:bye"};
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                                 std::size_t{1000}, SIZE_MAX}) {
    CAPTURE(step);
    CHECK(readAll(stream, step) == expected);
  }
}

TEST_CASE("A Close without a code says so") {
  CHECK(readAll(frame(kFin | kClose, ""), SIZE_MAX) == std::vector<std::string>{"close 1005:"});
}

TEST_CASE("What breaks the protocol ends in the code for it") {
  struct Row {
    std::string_view what;
    std::string bytes;
    std::string_view outcome;
  };
  const std::string badTail = "\xe2\x82";
  for (const Row& row : {
           Row{"not masked", frame(kFin | kText, "x", false), "violation 1002"},
           Row{"RSV1 without an extension", frame(kFin | kZip | kText, "x"), "violation 1002"},
           Row{"RSV2", frame(kFin | 0x20 | kText, "x"), "violation 1002"},
           Row{"RSV3", frame(kFin | 0x10 | kText, "x"), "violation 1002"},
           Row{"reserved data opcode", frame(kFin | 3, "x"), "violation 1002"},
           Row{"reserved control opcode", frame(kFin | 11, "x"), "violation 1002"},
           Row{"fragmented ping", frame(kPing, "x"), "violation 1002"},
           Row{"long ping", frame(kFin | kPing, std::string(126, 'x')), "violation 1002"},
           Row{"long close", frame(kFin | kClose, "\x03\xe8" + std::string(124, 'x')),
               "violation 1002"},
           Row{"continuation of nothing", frame(kFin, "x"), "violation 1002"},
           Row{"message inside a message", frame(kText, "a") + frame(kFin | kText, "b"),
               "violation 1002"},
           Row{"length 5 in two bytes", "\x82\xfe\x00\x05"s + "abcd", "violation 1002"},
           Row{"length 5 in eight bytes", "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x05"s + "abcd",
               "violation 1002"},
           Row{"length above 2^63", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"s + "abcd",
               "violation 1002"},
           Row{"length of an exabyte", "\x82\xff\x0f\xff\xff\xff\xff\xff\xff\xff"s + "abcd",
               "violation 1009"},
           Row{"one byte of a close code", frame(kFin | kClose, "\x03"), "violation 1002"},
           Row{"close code 999", frame(kFin | kClose, "\x03\xe7"), "violation 1002"},
           Row{"close code 1004", frame(kFin | kClose, "\x03\xec"), "violation 1002"},
           Row{"close code 1005", frame(kFin | kClose, "\x03\xed"), "violation 1002"},
           Row{"close code 1006", frame(kFin | kClose, "\x03\xee"), "violation 1002"},
           Row{"close code 1015", frame(kFin | kClose, "\x03\xf7"), "violation 1002"},
           Row{"close code 5000", frame(kFin | kClose, "\x13\x88"), "violation 1002"},
           Row{"close reason not UTF-8", frame(kFin | kClose, "\x03\xe8\xff"), "violation 1007"},
           Row{"text not UTF-8", frame(kFin | kText, "\xc0\xaf"), "violation 1007"},
           Row{"text with a surrogate", frame(kFin | kText, "\xed\xa0\x80"), "violation 1007"},
           Row{"text above U+10FFFF", frame(kFin | kText, "\xf4\x90\x80\x80"), "violation 1007"},
           Row{"text cut in a character", frame(kFin | kText, badTail), "violation 1007"},
           Row{"text cut over fragments", frame(kText, badTail) + frame(kFin, "x"),
               "violation 1007"},
       }) {
    CAPTURE(row.what);
    for (const std::size_t step : {std::size_t{1}, SIZE_MAX}) {
      const auto out = readAll(row.bytes, step);
      REQUIRE(out.size() == 1);
      CHECK(out[0] == row.outcome);
    }
  }
}

TEST_CASE("A text that is not UTF-8 is refused before it is complete") {
  Reader reader(Role::Server, {}, {});
  CHECK(read(reader, frame(kText, "ok\xff")) == std::vector<std::string>{"violation 1007"});
}

TEST_CASE("After a violation nothing is read") {
  Reader reader(Role::Server, {}, {});
  read(reader, frame(kFin | 3, ""));
  CHECK(read(reader, frame(kFin | kText, "x")) == std::vector<std::string>{"violation 1002"});
}

TEST_CASE("A client's reader wants frames without masks") {
  Reader reader(Role::Client, {}, {});
  CHECK(read(reader, frame(kFin | kText, "x", false)) == std::vector<std::string>{"text:x"});
  CHECK(read(reader, frame(kFin | kText, "x", true)) == std::vector<std::string>{"violation 1002"});
}

TEST_CASE("The size limit holds for one frame, for many fragments, and for their sum") {
  const ReaderLimits limits{.messageBytesMax = 1000};
  const auto outcome = [&](std::string_view bytes) {
    return readAll(bytes, SIZE_MAX, {}, limits).back();
  };
  CHECK(outcome(frame(kFin | kBinary, std::string(1000, 'x'))).size() == 1007);
  CHECK(outcome(frame(kFin | kBinary, std::string(1001, 'x'))) == "violation 1009");
  CHECK(outcome(frame(kBinary, std::string(999, 'x')) + frame(kFin, "x")).size() == 1007);
  CHECK(outcome(frame(kBinary, std::string(999, 'x')) + frame(kFin, "xx")) == "violation 1009");
  std::string bits = frame(kBinary, "");
  for (int i = 0; i < 1001; ++i) bits += frame(0, "x");
  CHECK(outcome(bits) == "violation 1009");
}

// ---- permessage-deflate

TEST_CASE("Compressed messages are read back, with and without context, in any window") {
  std::mt19937 random(5);
  std::string noise(200000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i % 300) + "\n";
  for (const int bits : {9, 10, 13, 15}) {
    for (const bool context : {true, false}) {
      CAPTURE(bits);
      CAPTURE(context);
      const DeflateParameters parameters{bits, context};
      Writer writer(Role::Client, Compression{parameters, parameters});
      Reader reader(Role::Server, Compression{parameters, parameters}, {});
      for (const std::string& message : {text, noise, std::string(64, 'a'), text, std::string(),
                                         std::string("short"), noise.substr(0, 65536)}) {
        std::string wire;
        writer.message(false, message, wire);
        const auto out = read(reader, wire, 4096);
        REQUIRE(out.size() == 1);
        CHECK(out[0] == "binary:" + message);
      }
    }
  }
}

TEST_CASE("RFC 7692's own examples are read") {
  const Compression plain;
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
  const std::vector<std::string> expected{"text:Hello"};
  CHECK(readAll(frame(kFin | kZip | kText, hello), SIZE_MAX, plain) == expected);
  CHECK(readAll(frame(kZip | kText, hello.substr(0, 3)) + frame(kFin, hello.substr(3)), 1, plain) ==
        expected);
  // The second time it is a reference into the first.
  CHECK(readAll(
            frame(kFin | kZip | kText, hello) + frame(kFin | kZip | kText, "\xf2\x00\x11\x00\x00"s),
            SIZE_MAX, plain) == std::vector<std::string>{"text:Hello", "text:Hello"});
  // Not compressed; a final block; two blocks.
  CHECK(readAll(frame(kFin | kZip | kText, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s),
                SIZE_MAX, plain) == expected);
  CHECK(readAll(frame(kFin | kZip | kText, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), SIZE_MAX, plain) ==
        expected);
  CHECK(readAll(frame(kFin | kZip | kText, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s),
                SIZE_MAX, plain) == expected);
  CHECK(readAll(frame(kFin | kZip | kText, "\x00"s), SIZE_MAX, plain) ==
        std::vector<std::string>{"text:"});
}

TEST_CASE("Bad compressed data, and flags where they may not be, are violations") {
  const Compression plain;
  CHECK(readAll(frame(kFin | kZip | kText, "\xff\xff\xff\xff"), SIZE_MAX, plain).back() ==
        "violation 1007");
  CHECK(readAll(frame(kFin | kZip | kPing, ""), SIZE_MAX, plain).back() == "violation 1002");
  CHECK(readAll(frame(kText, "a") + frame(kFin | kZip, "b"), SIZE_MAX, plain).back() ==
        "violation 1002");
  // A reference to before the first byte.
  CHECK(readAll(frame(kFin | kZip | kText, "\xf2\x00\x11\x00\x00"s), SIZE_MAX, plain).back() ==
        "violation 1007");
  // What comes out must be UTF-8 as well.
  Writer writer(Role::Client, plain);
  std::string wire;
  writer.message(true, std::string(200, '\xff'), wire);
  CHECK(readAll(wire, SIZE_MAX, plain).back() == "violation 1007");
}

TEST_CASE("A compression bomb ends at the size limit, and costs a turn at a time") {
  const ReaderLimits limits{.messageBytesMax = 1000 * 1000, .turnBytesMax = 10000};
  const Compression plain;
  std::string wire;
  Writer(Role::Client, plain).message(false, std::string(100 * 1000 * 1000, '\0'), wire);
  CHECK(wire.size() < 1000 * 1000);
  Reader reader(Role::Server, plain, limits);
  std::string_view input = wire;
  std::size_t held = 0;
  for (;;) {
    const Incoming in = reader.next(input);
    CHECK(reader.heldBytes() <= held + limits.turnBytesMax + 17 * 1024);
    held = reader.heldBytes();
    if (in.kind == Kind::Yielded) continue;
    CHECK(in.kind == Kind::Violation);
    CHECK(in.code == kCloseTooBig);
    break;
  }
}

TEST_CASE("Large messages are taken a turn at a time") {
  const ReaderLimits limits{.turnBytesMax = 1000};
  Reader reader(Role::Server, {}, limits);
  const std::string wire = frame(kFin | kBinary, std::string(5500, 'x'));
  std::string_view input = wire;
  int turns = 0;
  Incoming in;
  while ((in = reader.next(input)).kind == Kind::Yielded) ++turns;
  CHECK(in.kind == Kind::Binary);
  CHECK(turns == 5);
}

TEST_CASE("Random bytes never do harm") {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (!bytes.empty()) bytes[0] = static_cast<char>(bytes[0] & 0xCF);
    readAll(bytes, 1 + random() % 20, Compression{}, {.messageBytesMax = 1000});
  }
}

}  // namespace atolld::websocket
