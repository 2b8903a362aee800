#include <doctest/doctest.h>

#include "assets/header_rules.h"
#include "assets/path_pattern.h"
#include "assets/redirects.h"

namespace atolld::assets {
namespace {

std::string redirected(const Redirects& redirects, std::string_view path) {
  const auto found = redirects.find(path);
  return found ? std::to_string(found->status) + " " + found->location : "-";
}

std::string headersOf(std::string_view text, std::string_view host, std::string_view path) {
  std::string all;
  for (const auto& [name, value] : HeaderRules::parse(text).value().find(host, path).set) {
    all += name + "=" + value + ";";
  }
  return all;
}

}  // namespace

TEST_CASE("a pattern takes what it says, and captures what stood for star and names") {
  CHECK(matchesPattern("/a", "/a"));
  CHECK_FALSE(matchesPattern("/a", "/a/"));
  CHECK(matchesPattern("/a/*", "/a/"));
  CHECK_FALSE(matchesPattern("/a/*", "/a"));
  CHECK(matchesPattern("/*.js", "/x/y.js"));
  CHECK_FALSE(matchesPattern("/ab*ba", "/aba"));  // The ends do not overlap.
  Captures captures;
  CHECK(matchesPattern("/:year/:slug/*", "/2026/hello/a/b", &captures));
  CHECK(fillIn("/p/:slug?y=:year&r=:splat&:other", captures) == "/p/hello?y=2026&r=a/b&:other");
  CHECK_FALSE(matchesPattern("/:year/x", "//x"));
}

TEST_CASE("_redirects: the first rule counts, exact ones first, and statuses as said") {
  const auto made = Redirects::parse(
      "# moved\n"
      "/blog/*  https://blog.example/:splat  301\n"
      "/blog/old /new\r\n"
      "/twice /one 308\n"
      "/twice /two\n"
      "/u/:name /users/:name.html 200 # a comment\n");
  REQUIRE(made.has_value());
  CHECK(redirected(*made, "/blog/old") == "302 /new");
  CHECK(redirected(*made, "/blog/a/b") == "301 https://blog.example/a/b");
  CHECK(redirected(*made, "/twice") == "308 /one");
  CHECK(redirected(*made, "/u/ann") == "200 /users/ann.html");
  CHECK(redirected(*made, "/u/a/b") == "-");
}

TEST_CASE("_redirects never lead from a path of the site to another host, nor break a header") {
  const auto made = Redirects::parse("/old/* /:splat 301\n/q/:x /r?x=:x\n").value();
  CHECK(redirected(made, "/old//evil.example/") == "301 /evil.example/");
  CHECK(redirected(made, "/old/\\evil.example") == "301 /evil.example");
  CHECK(redirected(made, "/q/a b\xC3\xA9") == "302 /r?x=a%20b%c3%a9");
}

TEST_CASE("_redirects that mean nothing are refused by line") {
  for (const std::string_view text :
       {"/a", "a /b", "/a b", "/a /b 418", "/a /b 30x", "/*/* /b", "/*/:x /b", "/a //evil.example",
        "/a https://x.example 200", "/* /index.html 200", "/a ftp://x"}) {
    CAPTURE(text);
    const auto made = Redirects::parse("\n" + std::string(text));
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().detail.contains("line 2"));
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "/a" + std::to_string(i) + "/* /b\n";
  CHECK(Redirects::parse(many).error().code == ErrorCode::TooLarge);
}

TEST_CASE("_headers: every rule that matches counts, values of one name are joined") {
  constexpr std::string_view kText =
      "/*\n"
      "  X-All: yes\n"
      "  Link: </a.css>; rel=preload\n"
      "  ! Cache-Control\n"
      "# a comment\n"
      "/js/*\n"
      "  link: </b.js>; rel=preload\n"
      "  X-File: :splat\n"
      "https://:sub.example.com/*\n"
      "  X-Robots-Tag: noindex\n";
  CHECK(headersOf(kText, "a.test", "/") == "x-all=yes;link=</a.css>; rel=preload;");
  CHECK(headersOf(kText, "a.test", "/js/x") ==
        "x-all=yes;link=</a.css>; rel=preload, </b.js>; rel=preload;x-file=x;");
  CHECK(headersOf(kText, "dev.example.com", "/x").ends_with("x-robots-tag=noindex;"));
  CHECK(HeaderRules::parse(kText).value().find("a.test", "/").unset ==
        std::vector<std::string>{"cache-control"});
}

TEST_CASE("_headers that mean nothing, or are the node's to say, are refused by line") {
  for (const std::string_view text : {"X: y", "/a\n no colon", "/a\n b c: d", "/a\n x: \x01",
                                      "/a\n Content-Length: 3", "/a\n atoll-ray: 1", "/*/*"}) {
    CAPTURE(text);
    const auto made = HeaderRules::parse(text);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().detail.contains("line"));
  }
}

}  // namespace atolld::assets
