#include <doctest/doctest.h>

#include <array>

#include "http/field_rules.h"
#include "http/header_list.h"
#include "http/http1_writer.h"
#include "http/output_queue.h"
#include "http/target.h"

using namespace atolld;
using namespace atolld::http;

namespace {

std::string textOf(const HeaderList& headers) {
  std::string text;
  for (const auto [name, value] : headers) {
    text += std::string(name) + "=" + std::string(value) + ";";
  }
  return text;
}

}  // namespace

TEST_CASE("a header list keeps order, and lower-cases names") {
  HeaderList headers;
  headers.add("Content-Type", "Text/HTML");
  headers.add("set-cookie", "a");
  headers.add("SET-COOKIE", "b");
  headers.add("empty", "");
  CHECK(textOf(headers) == "content-type=Text/HTML;set-cookie=a;set-cookie=b;empty=;");
  CHECK(headers.find("set-cookie").value() == "a");
  CHECK_FALSE(headers.find("Set-Cookie").has_value());
  headers.set("Set-Cookie", "c");
  CHECK(textOf(headers) == "content-type=Text/HTML;set-cookie=c;empty=;");
  headers.set("new", "1");
  CHECK(headers.remove("content-type"));
  CHECK_FALSE(headers.remove("content-type"));
  CHECK(textOf(headers) == "set-cookie=c;empty=;new=1;");
  headers.removeIf([](const HeaderList::Field& field) { return field.value.empty(); });
  CHECK(textOf(headers) == "set-cookie=c;new=1;");
  headers.clear();
  CHECK(headers.empty());
}

TEST_CASE("a header list may be given pieces of itself") {
  HeaderList headers;
  headers.add("name", "value");
  for (int i = 0; i < 100; ++i) headers.add(headers[0].name, headers[0].value);
  CHECK(headers.size() == 101);
  CHECK(headers[100].name == "name");
  CHECK(headers[100].value == "value");
  headers.set(headers[3].name, headers[5].value);
  CHECK(textOf(headers) == "name=value;");
}

TEST_CASE("parseContentLength reads the whole range it promises") {
  CHECK(parseContentLength("0").value() == 0);
  CHECK(parseContentLength("007").value() == 7);
  CHECK(parseContentLength("18446744073709551615").value() == UINT64_MAX);
}

TEST_CASE("parseContentLength refuses what a smuggling attack would send") {
  for (std::string_view hostile : {"", "+1", "-1", " 1", "1 ", "0x10", "1, 1", "1,", "1.0", "1e1",
                                   "18446744073709551616", "\xd9\xa1"}) {
    CAPTURE(hostile);
    const auto parsed = parseContentLength(hostile);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::Protocol);
  }
}

TEST_CASE("an authority comes back in lower case, or not at all") {
  CHECK(parseAuthority("Example.COM").value() == "example.com");
  CHECK(parseAuthority("a:8080").value() == "a:8080");
  CHECK(parseAuthority("127.0.0.1:1").value() == "127.0.0.1:1");
  CHECK(parseAuthority("[::FFFF:1.2.3.4]:65535").value() == "[::ffff:1.2.3.4]:65535");
  CHECK(parseAuthority("xn--bcher-kva.example.").value() == "xn--bcher-kva.example.");
  CHECK(parseAuthority(std::string(255, 'a')).has_value());
  for (const std::string& bad :
       {std::string(256, 'a'), std::string("["), std::string("[]"), std::string("[::1"),
        std::string("]"), std::string("[1.2.3.4]"), std::string(":80"), std::string("a:000080")}) {
    CAPTURE(bad);
    CHECK_FALSE(parseAuthority(bad).has_value());
  }
  CHECK(sameAuthority("a:80", "a", false));
  CHECK(sameAuthority("a", "a:443", true));
  CHECK_FALSE(sameAuthority("a:80", "a", true));
  CHECK_FALSE(sameAuthority("a", "b", false));
}

TEST_CASE("list elements are trimmed and empty ones skipped") {
  std::string_view list = " a ,, b,\tc ,";
  CHECK(nextListElement(list) == "a");
  CHECK(nextListElement(list) == "b");
  CHECK(nextListElement(list) == "c");
  CHECK(nextListElement(list) == "");
}

TEST_CASE("Date is an IMF-fixdate") {
  const std::string_view date = dateNow();
  REQUIRE(date.size() == 29);
  CHECK(date.substr(3, 2) == ", ");
  CHECK(date.ends_with(" GMT"));
  CHECK(date[19] == ':');
}

TEST_CASE(
    "an output queue gives back what it was given, in any portions, and shares large pieces") {
  OutputQueue queue;
  std::string expected;
  std::string taken;
  const Bytes large(std::string(10'000, 'L'));
  for (int round = 0; round < 200; ++round) {
    const std::string small(static_cast<std::size_t>(round % 7) * 100, 's');
    queue.append(small);
    expected += small;
    if (round % 3 == 0) {
      queue.append(large);
      expected += large.view();
    }
    CHECK(queue.appended() == expected.size());
    std::array<std::string_view, 3> slices;
    const std::size_t count = queue.fill(slices);
    std::string offered;
    for (std::size_t i = 0; i < count; ++i) offered += slices[i];
    const std::size_t size = std::min<std::size_t>(offered.size(), 3777);
    taken += offered.substr(0, size);
    queue.consume(size);
    CHECK(queue.consumed() == taken.size());
    CHECK(queue.size() == expected.size() - taken.size());
  }
  std::array<std::string_view, 64> slices;
  while (const std::size_t count = queue.fill(slices)) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      taken += slices[i];
      size += slices[i].size();
    }
    queue.consume(size);
  }
  CHECK(taken == expected);
  CHECK(queue.empty());
}
