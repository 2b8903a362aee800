#include "base/recycled.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <set>
#include <vector>

namespace atolld {
namespace {

struct Thing : Recycled<Thing> {
  std::array<char, 200> bytes{};
};

TEST_CASE("objects at the same time have memory of their own, however many come and go") {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Thing>> things;
    std::set<Thing*> places;
    for (std::size_t i = 0; i < 2 * Thing::kSparesMax; ++i) {
      things.push_back(std::make_unique<Thing>());
      things.back()->bytes.fill(static_cast<char>(i));
      places.insert(things.back().get());
    }
    CHECK(places.size() == things.size());
    for (std::size_t i = 0; i < things.size(); ++i) {
      CHECK(things[i]->bytes.front() == static_cast<char>(i));
      CHECK(things[i]->bytes.back() == static_cast<char>(i));
    }
  }
}

TEST_CASE("what is larger than its base says is not given memory of the base's size") {
  struct Larger : Thing {
    std::array<char, 200> more{};
  };
  delete new Thing;
  const std::unique_ptr<Larger> larger = std::make_unique<Larger>();
  larger->more.fill('x');
  CHECK(larger->bytes.back() == 0);
}

}  // namespace
}  // namespace atolld
