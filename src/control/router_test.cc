#include "control/router.h"

#include <doctest/doctest.h>

#include <array>

#include "control/auth.h"

namespace atolld::control {
namespace {

Result<Answer> nothing(const Services&, const Call&) { return answerNothing(); }

constexpr std::array<Route, 4> kRoutes{
    Route{"GET", "/a", Access::Read, BodyLimit::None, nothing},
    Route{"POST", "/a", Access::Read, BodyLimit::None, nothing},
    Route{"GET", "/a/:x/b", Access::Read, BodyLimit::None, nothing},
    Route{"PUT", "/a/:x/:y", Access::Read, BodyLimit::None, nothing},
};

const Router& router() {
  static const Router kRouter({kRoutes});
  return kRouter;
}

}  // namespace

TEST_CASE("a route is found by method and path, its parameters decoded once") {
  CHECK(std::get<Router::Match>(router().find("GET", "/a")).route == &kRoutes[0]);
  CHECK(std::get<Router::Match>(router().find("POST", "/a")).route == &kRoutes[1]);
  const auto match = std::get<Router::Match>(router().find("GET", "/a/x%2Fy%2520/b"));
  CHECK(match.route == &kRoutes[2]);
  CHECK(match.parameters == std::vector<std::string>{"x/y%20"});
  CHECK(std::get<Router::Match>(router().find("PUT", "/a/1/%00")).parameters[1] ==
        std::string(1, '\0'));
}

TEST_CASE("what is no route says which kind of no") {
  for (const char* const path :
       {"", "/", "*", "a", "/a/", "//a", "/a//b", "/a/x", "/a/x/b/", "/A", "/a/x/b/c", "/a?x"}) {
    CAPTURE(path);
    CHECK(std::holds_alternative<Router::NoPath>(router().find("GET", path)));
  }
  CHECK(std::get<Router::NoMethod>(router().find("DELETE", "/a")).allow == "GET, POST");
  CHECK(std::get<Router::NoMethod>(router().find("get", "/a")).allow == "GET, POST");
  CHECK(std::get<Router::NoMethod>(router().find("GET", "/a/x/y")).allow == "PUT");
  for (const char* const path : {"/a/%/b", "/a/%2/b", "/a/%zz/b"}) {
    CAPTURE(path);
    CHECK(std::holds_alternative<Router::BadPath>(router().find("GET", path)));
  }
}

TEST_CASE("checkOrigin lets in what names this node and keeps browsers' tricks out") {
  const auto check = [](std::string authority, const char* origin, std::string_view hostname = "") {
    http::RequestHead head;
    head.scheme = "http";
    head.authority = std::move(authority);
    if (origin) head.headers.add("origin", origin);
    return checkOrigin(head, hostname).has_value();
  };
  for (const char* const good : {"localhost", "localhost:9090", "127.0.0.1:9090", "[::1]:9090",
                                 "[::1]", "10.1.2.3", "localhost.:80"}) {
    CAPTURE(good);
    CHECK(check(good, nullptr));
    CHECK(check(good, ("http://" + std::string(good)).c_str()));
    CHECK_FALSE(check(good, "http://evil.example"));
    CHECK_FALSE(check(good, ("https://" + std::string(good)).c_str()));
    CHECK_FALSE(check(good, "null"));
    CHECK_FALSE(check(good, ""));
  }
  for (const char* const bad :
       {"", "evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example",
        "xlocalhost", "[::1", "[]", "[evil]", "user@localhost", ":9090"}) {
    CAPTURE(bad);
    CHECK_FALSE(check(bad, nullptr));
  }
  CHECK(check("api.example.com:443", nullptr, "api.example.com"));
  CHECK_FALSE(check("other.example.com", nullptr, "api.example.com"));
}

}  // namespace atolld::control
