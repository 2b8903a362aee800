#include <doctest/doctest.h>

#include "deploy/registry.h"

using atolld::ErrorCode;
using atolld::deploy::canonicalRoutePattern;
using atolld::deploy::checkScriptName;

TEST_CASE("canonicalRoutePattern gives one form to one meaning") {
  struct Row {
    std::string pattern;
    std::string canonical;
  };
  for (const Row& row : {
           Row{"example.com", "example.com"},
           Row{"Example.COM.", "example.com"},
           Row{"https://Example.com/Api/*", "example.com/Api/*"},
           Row{"HTTP://example.com/", "example.com/"},
           Row{"example.com/*", "example.com"},
           Row{"*.example.com/*", "*.example.com"},
           Row{"*.example.com./a%20b", "*.example.com/a%20b"},
           Row{"*.localhost", "*.localhost"},
           Row{"localhost/a*", "localhost/a*"},
           Row{"a_b.example.com", "a_b.example.com"},
           Row{"127.0.0.1", "127.0.0.1"},
           Row{"xn--bcher-kva.example", "xn--bcher-kva.example"},
       }) {
    CAPTURE(row.pattern);
    CHECK(canonicalRoutePattern(row.pattern).value() == row.canonical);
    CHECK(canonicalRoutePattern(row.canonical).value() == row.canonical);
  }
}

TEST_CASE("canonicalRoutePattern refuses what could match by surprise, and says why") {
  struct Row {
    std::string pattern;
    std::string why;
  };
  for (const Row& row : {
           Row{"", "names no host"},
           Row{"/path", "names no host"},
           Row{"*.", "names no host"},
           Row{"*", "only as its whole first label"},
           Row{"*example.com", "only as its whole first label"},
           Row{"a.*.com", "only as its whole first label"},
           Row{"*.*.com", "only as its whole first label"},
           Row{"example.com:8080", "port"},
           Row{"[::1]/x", "port or an IPv6"},
           Row{"user@example.com", "letters, digits"},
           Row{"ex ample.com", "letters, digits"},
           Row{"bücher.example", "punycode"},
           Row{"a..b", "empty label"},
           Row{".example.com", "empty label"},
           Row{"example.com..", "empty label"},
           Row{"-a.example", "starts or ends with '-'"},
           Row{"a-.example", "starts or ends with '-'"},
           Row{std::string(64, 'a') + ".com", "longer than 63"},
           Row{std::string(200, 'a') + "." + std::string(63, 'b'), "longer than 253"},
           Row{"example.com/a*b", "only at its end"},
           Row{"example.com/a*/*", "only at its end"},
           Row{"example.com/a?b", "query"},
           Row{"example.com/a#b", "fragment"},
           Row{"example.com/a b", "percent-encode"},
           Row{"example.com/\n", "percent-encode"},
           Row{"example.com/ü", "percent-encode"},
           Row{"example.com/" + std::string(1024, 'a'), "longer than 1024"},
           Row{"ftp://example.com", "port"},
           Row{"https://", "names no host"},
           Row{std::string("a\0b.com", 7), "letters, digits"},
       }) {
    CAPTURE(row.pattern);
    const auto canonical = canonicalRoutePattern(row.pattern);
    REQUIRE_FALSE(canonical.has_value());
    CHECK(canonical.error().code == ErrorCode::InvalidArgument);
    CHECK_MESSAGE(canonical.error().detail.contains(row.why), canonical.error().detail);
    CHECK(canonical.error().detail.starts_with("route \""));
  }
}

TEST_CASE("checkScriptName takes hostname labels") {
  CHECK(checkScriptName("hello-world-1").has_value());
  for (const char* bad : {"", "Hello", "-x", "x-", "a.b", "a/b", "a_b", " "}) {
    CAPTURE(bad);
    CHECK(checkScriptName(bad).error().code == ErrorCode::InvalidArgument);
  }
}
