#include "dispatch/cache_rules.h"

#include <doctest/doctest.h>

#include <vector>

namespace atolld::dispatch {
namespace {

using std::chrono::seconds;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

http::HeaderList headers(const Fields& fields) {
  http::HeaderList list;
  for (const auto& [name, value] : fields) list.add(name, value);
  return list;
}

const UnixMillis kNow = parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT").value();

long lifetime(const Fields& fields, int status = 200) {
  const auto found = cacheLifetime(status, headers(fields), kNow);
  return found ? found->count() : -1;
}

}  // namespace

TEST_CASE("A response lives as long as it says, shared ages first") {
  CHECK(lifetime({{"cache-control", "max-age=60"}}) == 60);
  CHECK(lifetime({{"cache-control", "public, S-MaxAge=\"5\", max-age=60"}}) == 5);
  CHECK(lifetime({{"expires", "Sun, 06 Nov 1994 08:50:37 GMT"}}) == 60);
  CHECK(lifetime({{"cache-control", "max-age=7"}, {"expires", "0"}}) == 7);
  CHECK(lifetime({{"cache-control", "max-age=99999999999"}}) == 365 * 86400);
  CHECK(lifetime({}) == 7200);
  CHECK(lifetime({}, 404) == 180);
}

TEST_CASE("What must not be kept is not") {
  for (const char* const control : {"no-store", "private", "no-cache", "max-age=0", "s-maxage=0",
                                    "max-age=60, No-Store", "max-age=x", "private=\"x-a\""}) {
    CAPTURE(control);
    CHECK(lifetime({{"cache-control", control}}) == -1);
  }
  CHECK(lifetime({{"expires", "0"}}) == -1);
  CHECK(lifetime({{"expires", "Sun, 06 Nov 1994 08:49:37 GMT"}}) == -1);
  CHECK(lifetime({}, 500) == -1);
  CHECK(lifetime({{"set-cookie", "a=b"}, {"cache-control", "max-age=60"}}) == -1);
  CHECK(lifetime({{"set-cookie", "a=b"}, {"cache-control", "max-age=60, private=Set-Cookie"}}) ==
        60);
}

TEST_CASE("Vary tells variants apart by the request's values") {
  const auto response = headers({{"vary", "Accept-Language, X-A"}});
  const auto german = headers({{"accept-language", "de"}, {"x-b", "1"}});
  const auto english = headers({{"accept-language", "en"}});
  const std::string variant = cacheVariant(response, german);
  CHECK(suitsVariant(variant, response, german));
  CHECK_FALSE(suitsVariant(variant, response, english));
  CHECK_FALSE(suitsVariant(variant, response, headers({})));
  CHECK(cacheVariant(headers({}), german).empty());
}

TEST_CASE("A stored response answers conditions and ranges") {
  const auto stored =
      headers({{"etag", "\"v1\""}, {"last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  const auto status = [&](const Fields& request) {
    return answerFromCache(200, stored, 10, headers(request)).status;
  };
  CHECK(status({}) == 200);
  CHECK(status({{"if-none-match", "\"v0\", W/\"v1\""}}) == 304);
  CHECK(status({{"if-none-match", "*"}}) == 304);
  CHECK(status({{"if-none-match", "\"v2\""},
                {"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}) == 200);
  CHECK(status({{"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}) == 304);
  CHECK(status({{"if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT"}}) == 200);
  CHECK(status({{"if-modified-since", "yesterday"}}) == 200);
  CHECK(status({{"range", "bytes=10-"}}) == 416);
  CHECK(status({{"range", "bytes=-0"}}) == 416);
  for (const char* const none : {"bytes=1-0", "bytes=a-b", "bytes=-", "lines=1-2", "bytes=1-2,4-5",
                                 "bytes=99999999999999999999-", ""}) {
    CAPTURE(none);
    CHECK(status({{"range", none}}) == 200);
  }
  CHECK(status({{"range", "bytes=1-2"}, {"if-range", "\"v1\""}}) == 206);
  CHECK(status({{"range", "bytes=1-2"}, {"if-range", "\"v2\""}}) == 200);
  CHECK(answerFromCache(404, stored, 10, headers({{"range", "bytes=1-2"}})).status == 404);

  const auto range = [&](std::string_view value) {
    const auto found = answerFromCache(200, stored, 10, headers({{"range", value}})).range.value();
    return std::pair(found.first, found.last);
  };
  CHECK(range("bytes=0-0") == std::pair<std::uint64_t, std::uint64_t>(0, 0));
  CHECK(range("bytes=3-") == std::pair<std::uint64_t, std::uint64_t>(3, 9));
  CHECK(range("bytes=-4") == std::pair<std::uint64_t, std::uint64_t>(6, 9));
  CHECK(range("bytes=-99") == std::pair<std::uint64_t, std::uint64_t>(0, 9));
  CHECK(range("bytes=2-99") == std::pair<std::uint64_t, std::uint64_t>(2, 9));
}

TEST_CASE("Only the one form of HTTP dates is read") {
  CHECK(kNow.time_since_epoch().count() == 784111777000);
  for (const char* const bad : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                                "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
                                "Sun, 06 Nov 1994 08:49:37 CET"}) {
    CAPTURE(bad);
    CHECK_FALSE(parseHttpDate(bad).has_value());
  }
}

}  // namespace atolld::dispatch
