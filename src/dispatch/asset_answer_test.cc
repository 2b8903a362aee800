#include "dispatch/asset_answer.h"

#include <doctest/doctest.h>

namespace atolld::dispatch {

TEST_CASE("a compressed copy is sent to who takes it, brotli first, and never in parts") {
  assets::Asset plain, brotli, gzip;
  plain.brotli = &brotli;
  plain.gzip = &gzip;
  const auto chosen = [&](std::string_view accepted, bool hasRange = false) {
    http::HeaderList request;
    request.add("accept-encoding", accepted);
    if (hasRange) request.add("range", "bytes=0-1");
    const assets::Asset& copy = chooseCopy(plain, request);
    return &copy == &brotli ? "br" : &copy == &gzip ? "gzip" : "plain";
  };
  CHECK(chosen("gzip, deflate, br") == std::string("br"));
  CHECK(chosen("gzip, BR;q=0") == std::string("gzip"));
  CHECK(chosen("br; q=0.000, gzip;q=0.5") == std::string("gzip"));
  CHECK(chosen("br;q=0.1") == std::string("br"));
  CHECK(chosen("brotli, x-gzip") == std::string("plain"));
  CHECK(chosen("") == std::string("plain"));
  CHECK(chosen("br", true) == std::string("plain"));
}

}  // namespace atolld::dispatch
