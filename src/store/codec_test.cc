#include "store/codec.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "store/crypto.h"
#include "store/utf8.h"

using namespace std::string_literals;
using atolld::store::Decoder;
using atolld::store::Encoder;

TEST_CASE("the codec reads back what it wrote") {
  const std::string row = Encoder()
                              .u8(200)
                              .u32(0xdeadbeef)
                              .u64(~0ull)
                              .i64(-5)
                              .f64(33.25)
                              .bytes("ab")
                              .raw("tail")
                              .take();
  Decoder in(row);
  CHECK(in.u8() == 200);
  CHECK(in.u32() == 0xdeadbeef);
  CHECK(in.u64() == ~0ull);
  CHECK(in.i64() == -5);
  CHECK(in.f64() == 33.25);
  CHECK(in.bytes() == "ab");
  CHECK(in.rest() == "tail");
  CHECK(in.finish("row").has_value());
}

TEST_CASE("the decoder never goes past the end and says what is wrong") {
  for (const std::string& hostile : {""s, "\0"s, "\0\0\0\5abc"s, "\xff\xff\xff\xff"s}) {
    CAPTURE(atolld::toHex(hostile));
    Decoder in(hostile);
    CHECK(in.bytes().empty());
    CHECK(in.u64() == 0);
    CHECK(in.finish("row").error().detail == "row ends too early");
  }
  const std::string row = "\0\0\0\1ab"s;
  Decoder trailing(row);
  CHECK(trailing.bytes() == "a");
  CHECK(trailing.finish("row").error().detail == "row has bytes after its end");

  const std::string forgedCount = "\xff\xff\xff\xff" + std::string(16, 'x');
  Decoder in(forgedCount);
  CHECK(in.count(1) == 0);
  CHECK(in.finish("row").error().detail == "row counts more things than it holds");
}

TEST_CASE("SHA-256 is SHA-256, in one piece or in several") {
  constexpr std::string_view expected =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(atolld::toHex(atolld::store::sha256("abc")) == expected);
  CHECK(atolld::toHex(atolld::store::Sha256().update("a").update("").update("bc").finish()) ==
        expected);
}

TEST_CASE("equalInConstantTime is equality") {
  CHECK(atolld::store::equalInConstantTime("same", "same"));
  CHECK_FALSE(atolld::store::equalInConstantTime("same", "sama"));
  CHECK_FALSE(atolld::store::equalInConstantTime("same", "sam"));
  CHECK(atolld::store::randomBytes(32) != atolld::store::randomBytes(32));
}

TEST_CASE("isUtf8 takes what RFC 3629 allows and nothing else") {
  for (const std::string& good : {""s, "a\0b"s, "\xc2\x80"s, "é€😀"s, "\xf4\x8f\xbf\xbf"s,
                                  "\xed\x9f\xbf"s, "\xee\x80\x80"s}) {
    CAPTURE(atolld::toHex(good));
    CHECK(atolld::store::isUtf8(good));
  }
  for (const std::string& bad :
       {"\x80"s, "\xc2"s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s,
        "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf8\x88\x80\x80\x80"s, "\xff"s, "a\xe2\x82"s,
        "\xc2"
        "a"s}) {
    CAPTURE(atolld::toHex(bad));
    CHECK_FALSE(atolld::store::isUtf8(bad));
  }
}
