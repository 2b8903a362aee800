#include "upstream/origin.h"

#include <doctest/doctest.h>

#include "upstream/connection.h"

namespace atolld::upstream {
namespace {

TEST_CASE("an origin is scheme, lower-case host and port, with the scheme's own port by default") {
  const auto text = [](std::string_view scheme, std::string_view authority) {
    const OriginName name = OriginName::parse(scheme, authority).value();
    return std::string(name.secure ? "tls " : "clear ") + name.host + " " +
           std::to_string(name.port);
  };
  CHECK(text("http", "Example.COM") == "clear example.com 80");
  CHECK(text("https", "example.com") == "tls example.com 443");
  CHECK(text("https", "example.com:8443") == "tls example.com 8443");
  CHECK(text("http", "[::1]:8080") == "clear ::1 8080");
  CHECK(text("http", "[::1]") == "clear ::1 80");
  CHECK(text("http", "example.com:") == "clear example.com 80");
}

TEST_CASE("what is no origin is refused by name") {
  for (const auto& [scheme, authority] :
       {std::pair("ftp", "example.com"), std::pair("http", ""), std::pair("http", ":80"),
        std::pair("http", "a:0"), std::pair("http", "a:65536"), std::pair("http", "a:b"),
        std::pair("http", "[::1"), std::pair("http", "[::1]x"), std::pair("http", "[]")}) {
    CAPTURE(authority);
    const auto name = OriginName::parse(scheme, authority);
    REQUIRE_FALSE(name.has_value());
    CHECK(name.error().code == ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace atolld::upstream
