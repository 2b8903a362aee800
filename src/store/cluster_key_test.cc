#include "store/cluster_key.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace atolld;
using store::ClusterKey;

TEST_CASE("what a cluster key seals, it opens, for the same owner only") {
  const ClusterKey key = ClusterKey::random();
  for (const std::string& plain : {std::string(), std::string("s3cret"), std::string(5000, '\0')}) {
    const std::string sealed = key.seal("acme/shop/TOKEN", plain);
    CHECK(key.open("acme/shop/TOKEN", sealed).value() == plain);
    CHECK(key.open("acme/shop/OTHER", sealed).error().code == ErrorCode::Corrupt);
    CHECK((plain.empty() || sealed.find(plain) == std::string::npos));
  }
}

TEST_CASE("the same value sealed twice gives two texts") {
  const ClusterKey key = ClusterKey::random();
  std::set<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.insert(key.seal("a", "same"));
  CHECK(texts.size() == 100);
}

TEST_CASE("a changed, cut or longer text does not open") {
  const ClusterKey key = ClusterKey::random();
  const std::string sealed = key.seal("a", "value");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    CAPTURE(i);
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(key.open("a", changed).has_value());
    CHECK_FALSE(key.open("a", sealed.substr(0, i)).has_value());
  }
  CHECK_FALSE(key.open("a", sealed + "x").has_value());
}

TEST_CASE("another key's text says that the key is the wrong one") {
  const std::string sealed = ClusterKey::random().seal("a", "value");
  CHECK(ClusterKey::random().open("a", sealed).error().code == ErrorCode::Unavailable);
}

TEST_CASE("a key's text is read back, and nothing else is") {
  const ClusterKey key = ClusterKey::random();
  const std::string sealed = key.seal("a", "value");
  CHECK(ClusterKey::parse(key.toText() + "\n").value().open("a", sealed).value() == "value");
  for (const std::string& text : {std::string(), std::string("00"), key.toText() + "00",
                                  key.toText().substr(2), "x" + key.toText().substr(1)}) {
    CHECK(ClusterKey::parse(text).error().code == ErrorCode::InvalidArgument);
  }
}
