#include "control/multipart.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace atolld::control {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=xx";

Result<std::vector<FormPart>> parse(std::string body, std::string_view type = kType,
                                    const MultipartLimits& limits = {}) {
  return parseMultipart(type, Bytes(std::move(body)), limits);
}

std::string onePart(std::string_view head, std::string_view content = "v") {
  return "--xx\r\n" + std::string(head) + "\r\n\r\n" + std::string(content) + "\r\n--xx--\r\n";
}

constexpr std::string_view kNamed = "Content-Disposition: form-data; name=\"a\"";

}  // namespace

TEST_CASE("parseMultipart reads what curl, browsers and undici send") {
  const auto parts =
      parse(
          "--xx\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"a\":1}\r\n"
          "--xx\r\ncontent-disposition:form-data;name=\"lib/a b.js\";filename=\"lib/a b.js\"\r\n"
          "Content-Type: application/javascript+module; "
          "charset=utf-8\r\n\r\nline\r\n--x\r\n\r\n--x\r\n"
          "--xx\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--xx--")
          .value();
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].name == "metadata");
  CHECK_FALSE(parts[0].fileName.has_value());
  CHECK(parts[0].contentType.empty());
  CHECK(parts[0].content.view() == "{\"a\":1}");
  CHECK(parts[1].name == "lib/a b.js");
  CHECK(parts[1].fileName == "lib/a b.js");
  CHECK(parts[1].contentType == "application/javascript+module");
  CHECK(parts[1].content.view() == "line\r\n--x\r\n\r\n--x");
  CHECK(parts[2].name == "empty");
  CHECK(parts[2].content.empty());

  CHECK(parse("--xx--\r\n").value().empty());
  CHECK(parse(onePart(kNamed), "Multipart/Form-Data;  Boundary=\"xx\"").value().size() == 1);
  CHECK(parse(onePart(kNamed, std::string("\0\r\n-\xff", 5))).value()[0].content.view() ==
        std::string_view("\0\r\n-\xff", 5));
}

TEST_CASE("parseMultipart refuses a content type that names no usable boundary") {
  for (const std::string& hostile :
       {std::string(), std::string("multipart/form-data"),
        std::string("multipart/mixed; boundary=xx"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"\""),
        std::string("multipart/form-data; boundary=xx; boundary=yy"),
        std::string("multipart/form-data; boundary=\"x\\\"x\""),
        std::string("multipart/form-data; boundary=\"xx"),
        std::string("multipart/form-data; boundary"),
        std::string("multipart/form-data, boundary=xx"),
        std::string("multipart/form-data; boundary=\"x x \""),
        "multipart/form-data; boundary=" + std::string(71, 'x')}) {
    CAPTURE(hostile);
    const auto parsed = parse(onePart(kNamed), hostile);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::InvalidArgument);
  }
}

TEST_CASE("parseMultipart refuses every body that two parsers could read differently") {
  const std::string named(kNamed);
  for (const std::string& hostile : {
           std::string(),
           std::string("--"),
           std::string("--xx"),
           std::string("--xx\r\n"),
           std::string("--xx-"),
           "preamble\r\n" + onePart(kNamed),
           "\r\n" + onePart(kNamed),
           onePart(kNamed) + "epilogue",
           onePart(kNamed) + onePart(kNamed),
           "--xx\r\n" + named + "\r\n\r\nv",
           "--xx\r\n" + named + "\r\n\r\nv\r\n--xx",
           "--xx\r\n" + named + "\r\n\r\nv\r\n--xx-",
           "--xx\r\n" + named + "\r\n\r\nv\n--xx--",
           "--xx \r\n" + named + "\r\n\r\nv\r\n--xx--",
           "--xxy\r\n" + named + "\r\n\r\nv\r\n--xx--",
           "--xx\r\n" + named + "\r\n\r\nv\r\n--xxy\r\n--xx--",
           "--xx\n" + named + "\n\nv\n--xx--",
           "--xx\r\n" + named + "\n\r\nv\r\n--xx--",
           onePart("Content-Type: text/plain"),
           onePart("Content-Disposition: form-data"),
           onePart("Content-Disposition: form-data; name=\"\""),
           onePart("Content-Disposition: form-data; name="),
           onePart("Content-Disposition: form-data; name=\"a"),
           onePart("Content-Disposition: form-data; name=\"a\" b"),
           onePart("Content-Disposition: form-data; name=\"a\"; name=\"b\""),
           onePart("Content-Disposition: form-data; name=\"a\\\"b\""),
           onePart("Content-Disposition: form-data; name=\"a\tb\""),
           onePart("Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''b"),
           onePart("Content-Disposition: attachment; name=\"a\""),
           onePart(named + "\r\n" + named),
           onePart(named + "\r\nContent-Type: a/b\r\nContent-Type: c/d"),
           onePart(named + "\r\n folded: x"),
           onePart(named + "\r\n continued"),
           onePart(named + "\r\nno colon"),
           onePart(named + "\r\n: no name"),
           onePart(named + "\r\nx : y"),
           onePart(named + "\r\nx: a\nb"),
           onePart(named + "\r\nx: a\rb"),
           onePart(named + std::string("\r\nx: a\0b", 8)),
           onePart(named + "\r\nContent-Transfer-Encoding: base64"),
           onePart(named + "\r\nx: " + std::string(5000, 'y')),
           std::string("--xx\r\n\r\n\r\nv\r\n--xx--"),
       }) {
    CAPTURE(hostile);
    const auto parsed = parse(hostile);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::InvalidArgument);
    CHECK(parsed.error().detail.find('\n') == std::string::npos);
  }
}

TEST_CASE("parseMultipart bounds the number of parts") {
  std::string body;
  for (int i = 0; i < 5; ++i) body += "--xx\r\n" + std::string(kNamed) + "\r\n\r\nv\r\n";
  body += "--xx--";
  CHECK(parse(body, kType, {.partCountMax = 5}).value().size() == 5);
  const auto parsed = parse(body, kType, {.partCountMax = 4});
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == ErrorCode::TooLarge);
}

}  // namespace atolld::control
