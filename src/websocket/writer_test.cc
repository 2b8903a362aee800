#include "websocket/writer.h"

#include <doctest/doctest.h>

#include "websocket/reader.h"

namespace atolld::websocket {
namespace {

using namespace std::string_literals;

std::string whole(Writer& writer, bool text, std::string_view payload) {
  std::string out;
  const std::string_view rest = writer.message(text, payload, out);
  return out + std::string(rest);
}

}  // namespace

TEST_CASE("A server's frames have the shortest length and no mask") {
  Writer writer(Role::Server, {});
  CHECK(whole(writer, true, "Hello") == "\x81\x05Hello");
  CHECK(whole(writer, false, "") == "\x82\x00"s);
  CHECK(whole(writer, false, std::string(125, 'x')).substr(0, 2) == "\x82\x7d");
  CHECK(whole(writer, false, std::string(126, 'x')).substr(0, 4) == "\x82\x7e\x00\x7e"s);
  CHECK(whole(writer, false, std::string(65535, 'x')).substr(0, 4) == "\x82\x7e\xff\xff"s);
  CHECK(whole(writer, false, std::string(65536, 'x')).substr(0, 10) ==
        "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST_CASE("A large payload of a server's is not copied") {
  Writer writer(Role::Server, {});
  const std::string payload(100000, 'x');
  std::string out;
  CHECK(writer.message(false, payload, out).data() == payload.data());
  CHECK(out.size() == 10);
}

TEST_CASE("A client's frames are masked, each with its own key") {
  Writer writer(Role::Client, {});
  const std::string a = whole(writer, true, "Hello"), b = whole(writer, true, "Hello");
  CHECK(a.size() == 11);
  CHECK(a.substr(0, 2) == "\x81\x85");
  CHECK(a != b);
  Reader reader(Role::Server, {}, {});
  std::string_view input = a;
  CHECK(reader.next(input).payload == "Hello");
}

TEST_CASE("A Close carries a code and as much of a reason as fits, in whole characters") {
  Writer writer(Role::Server, {});
  std::string out;
  writer.close(kCloseNoStatus, "unsaid", out);
  CHECK(out == "\x88\x00"s);
  out.clear();
  writer.close(1000, "done", out);
  CHECK(out ==
        "\x88\x06\x03\xe8"
        "done");
  out.clear();
  std::string reason;
  for (int i = 0; i < 50; ++i) reason += "\xe2\x82\xac";
  writer.close(1000, reason, out);
  CHECK(out.size() == 2 + 2 + 123);
  out.clear();
  writer.close(1000, "x" + reason, out);
  CHECK(out.size() == 2 + 2 + 121);
}

TEST_CASE("What pays is compressed, and what does not is sent as it is") {
  Writer writer(Role::Server, Compression{});
  CHECK(whole(writer, true, "Hello") == "\x81\x05Hello");
  const std::string text(1000, 'a');
  const std::string wire = whole(writer, true, text);
  CHECK(wire.size() < 50);
  CHECK(static_cast<unsigned char>(wire[0]) == 0xC1);
}

TEST_CASE("Without windows that zlib can make, nothing is compressed") {
  Writer writer(Role::Server, Compression{{8, true}, {15, true}});
  CHECK(whole(writer, true, std::string(100, 'a')).size() == 102);
}

}  // namespace atolld::websocket
