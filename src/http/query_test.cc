#include "http/query.h"

#include <doctest/doctest.h>

namespace atolld::http {

TEST_CASE("Query decodes names and values and refuses what is ambiguous") {
  const Query query = Query::parse("prefix=a%2Fb+c&&limit=10&flag&e=").value();
  CHECK(query.find("prefix") == "a/b c");
  CHECK(query.find("flag") == "");
  CHECK(query.find("e") == "");
  CHECK_FALSE(query.find("none").has_value());
  CHECK(query.findNumber("limit", 1, 1000).value() == 10);
  CHECK(query.findNumber("none", 1, 1000).value() == std::nullopt);
  CHECK_FALSE(query.findNumber("limit", 11, 1000).has_value());
  CHECK_FALSE(query.findNumber("prefix", 0, 10).has_value());
  CHECK_FALSE(query.findNumber("e", 0, 10).has_value());
  for (const char* const hostile : {"a=%", "a=%zz", "%=a", "a=1&a=2", "a=1&%61=2"}) {
    CAPTURE(hostile);
    CHECK_FALSE(Query::parse(hostile).has_value());
  }
}

}  // namespace atolld::http
