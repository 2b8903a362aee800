#include "store/code_store.h"

#include <doctest/doctest.h>

#include "store/test_support.h"

namespace atolld::store {
namespace {

class FixedClock final : public Clock {
 public:
  UnixMillis now() const override { return UnixMillis(std::chrono::milliseconds(1000)); }
  MonotonicTime monotonic() const override { return {}; }
};

}  // namespace

TEST_CASE("Compiled code of any size is found by its key, also after a restart") {
  const testing::TempDirectory folder;
  const FixedClock clock;
  const std::string large(2 * CacheStore::kPieceBytes + 17, 'x');
  for (const bool restarted : {false, true}) {
    const auto cache = CacheStore::open(folder.path() + "/cache", clock, {}).value();
    CodeStore codes(*cache);
    if (!restarted) {
      CHECK_FALSE(codes.find("a").has_value());
      REQUIRE(codes.put("a", "some code", false).has_value());
      REQUIRE(codes.put("b", large, true).has_value());
      REQUIRE(codes.put("c", "", true).has_value());
    }
    CHECK(codes.find("a").value().code == "some code");
    CHECK_FALSE(codes.find("a").value().complete);
    CHECK(codes.find("b").value().code == large);
    CHECK(codes.find("b").value().complete);
    CHECK(codes.find("c").value().code.empty());
    CHECK_FALSE(codes.find("d").has_value());
  }
}

TEST_CASE("Code that is not what was put is not found") {
  const testing::TempDirectory folder;
  const FixedClock clock;
  const auto cache = CacheStore::open(folder.path() + "/cache", clock, {}).value();
  CodeStore codes(*cache);
  REQUIRE(codes.put("a", "code of a", true).has_value());
  const std::string meta = cache->find("", "a").value().front().meta;
  const auto forge = [&](std::string_view key, std::string_view body, std::string_view saying) {
    CacheStore::Writer writer(*cache, "");
    REQUIRE(writer.append(body).has_value());
    REQUIRE(writer.commit(key, "", saying, UnixMillis::max()).has_value());
  };
  forge("a", "code of b", meta);  // Another body under the same words.
  CHECK_FALSE(codes.find("a").has_value());
  forge("b", "code of a", meta);  // The same under another key.
  CHECK_FALSE(codes.find("b").has_value());
  forge("a", "code of a", '0' + meta.substr(1));
  CHECK_FALSE(codes.find("a").has_value());
  forge("a", "code of a", "");
  CHECK_FALSE(codes.find("a").has_value());
  forge("a", "code of a", meta);
  CHECK(codes.find("a").has_value());
}

}  // namespace atolld::store
