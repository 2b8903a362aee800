#include "base/encoding.h"

#include <doctest/doctest.h>

using namespace std::string_literals;

TEST_CASE("hex goes both ways and refuses what is not hex") {
  CHECK(atolld::toHex("\x00\xff\x1a"s) == "00ff1a");
  CHECK(atolld::parseHex("00FF1a").value() == "\x00\xff\x1a"s);
  for (const char* bad : {"0", "0g", "zz"}) {
    CAPTURE(bad);
    CHECK_FALSE(atolld::parseHex(bad).has_value());
  }
}

TEST_CASE("percent-encoding goes both ways and refuses broken escapes") {
  CHECK(atolld::percentEncode("a b/ü") == "a%20b%2f%c3%bc");
  CHECK(atolld::percentDecode("a%20b%2F%c3%bc+").value() == "a b/ü+");
  for (const char* bad : {"%", "%2", "a%zz"}) {
    CAPTURE(bad);
    CHECK_FALSE(atolld::percentDecode(bad).has_value());
  }
}

TEST_CASE("case is ASCII's only") {
  CHECK(atolld::toLowerAscii("HöÉ-Z"s) == "höÉ-z");
  CHECK(atolld::equalsIgnoringCase("Content-TYPE", "content-type"));
  CHECK_FALSE(atolld::equalsIgnoringCase("a", "ab"));
}

TEST_CASE("toBase64 writes RFC 4648's vectors, and parseBase64 reads back what it wrote") {
  CHECK(atolld::toBase64("") == "");
  CHECK(atolld::toBase64("f") == "Zg==");
  CHECK(atolld::toBase64("fo") == "Zm8=");
  CHECK(atolld::toBase64("foo") == "Zm9v");
  CHECK(atolld::toBase64("foobar") == "Zm9vYmFy");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(atolld::parseBase64(atolld::toBase64(all)).value() == all);
}

TEST_CASE("parseBase64 reads what is standard, and nothing else") {
  CHECK(atolld::parseBase64("").value() == "");
  CHECK(atolld::parseBase64("AA==").value() == std::string(1, '\0'));
  CHECK(atolld::parseBase64("aGVsbG8=").value() == "hello");
  CHECK(atolld::parseBase64("+/+/").value() == "\xfb\xff\xbf");
  for (std::string_view bad : {"A", "AA", "AAA", "A===", "====", "AB==", "AAB=", "AA=A", "-_-_",
                               " AA=", "AA==AA==", "AAAA\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(atolld::parseBase64(bad).has_value());
  }
}
