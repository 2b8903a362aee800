// A control plane with links of any width: what goes out on each while large values and small ones
// are written, on a clock of its own. The decision is sentToAll()'s.

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "replication/pacer.h"

namespace atolld::replication {
namespace {

constexpr std::uint64_t kPieceBytes = 128 * 1024;
constexpr std::uint64_t kSmallBytes = 200;
/// What a connection takes before it says that it is full, and what one read of the log brings.
constexpr std::uint64_t kHighWaterBytes = 256 * 1024;
constexpr std::uint64_t kChunkBytes = 256 * 1024;
constexpr std::uint64_t kPatienceMillis = 4'000;

class Links {
 public:
  Links(std::uint64_t seed, std::size_t count) : random_(seed), links_(count) {
    for (Link& link : links_) {
      // From 3 MB to 1 GB a second; now and then one that takes nothing at all.
      link.bytesPerMilli = 3'000ull << random_() % 9;
      if (random_() % 8 == 0) link.bytesPerMilli = 0;
    }
  }

  /// Writes a value of `pieces`, with small ones at any moment.
  void writeLarge(std::uint64_t pieces) {
    std::uint64_t waited = 0;
    for (std::uint64_t i = 0; i < pieces; ++i) {
      commit(kPieceBytes);
      const std::uint64_t piece = head();
      while (waited < kPatienceMillis && sentToAll(places(), head()) < piece) {
        ++waited;
        tick();
      }
      if (random_() % 4 == 0) tick();
    }
    commit(kSmallBytes);
    CHECK(waited <= kPatienceMillis);
    waited_ = waited;
  }
  void finish() {
    for (int i = 0; i < 1'000'000 && !allSent(); ++i) tick();
    CHECK(allSent());
  }

  /// Bytes that stood before a small entry when it was committed, on links that keep up.
  std::uint64_t aheadMax() const { return aheadMax_; }
  std::uint64_t waited() const { return waited_; }
  bool hasDeadLink() const { return std::ranges::contains(links_, 0u, &Link::bytesPerMilli); }

 private:
  struct Link {
    std::uint64_t bytesPerMilli = 0;
    std::uint64_t next = 1;      ///< The first entry that the connection does not have.
    std::uint64_t buffered = 0;  ///< Bytes that it has and the network has not taken.
  };

  std::uint64_t head() const { return sizes_.size(); }
  std::vector<StreamPlace> places() const {
    std::vector<StreamPlace> all;
    for (const Link& link : links_) all.push_back({link.next});
    return all;
  }
  void commit(std::uint64_t bytes) {
    sizes_.push_back(bytes);
    pump();
  }
  void pump() {
    for (Link& link : links_) {
      while (link.next <= head() && link.buffered < kHighWaterBytes) {
        for (std::uint64_t read = 0; link.next <= head() && read < kChunkBytes; ++link.next) {
          read += sizes_[link.next - 1];
          link.buffered += sizes_[link.next - 1];
        }
      }
    }
  }
  void tick() {
    for (Link& link : links_) link.buffered -= std::min(link.buffered, link.bytesPerMilli);
    pump();
    if (random_() % 5 != 0) return;
    for (const Link& link : links_) {
      if (link.bytesPerMilli == 0 || waited_ >= kPatienceMillis) continue;
      std::uint64_t ahead = link.buffered;
      for (std::uint64_t i = link.next; i <= head(); ++i) ahead += sizes_[i - 1];
      aheadMax_ = std::max(aheadMax_, ahead);
    }
    commit(kSmallBytes);
  }
  bool allSent() const {
    return std::ranges::all_of(links_, [&](const Link& link) {
      return link.bytesPerMilli == 0 || (link.next > head() && link.buffered == 0);
    });
  }

  std::mt19937_64 random_;
  std::vector<Link> links_;
  std::vector<std::uint64_t> sizes_;
  std::uint64_t aheadMax_ = 0;
  std::uint64_t waited_ = 0;
};

TEST_CASE("a small write has three pieces of a large one before it at the most, on any live link") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    Links links(seed, 1 + seed % 7);
    if (links.hasDeadLink()) continue;
    links.writeLarge(100);
    if (links.waited() < kPatienceMillis) {
      CHECK(links.aheadMax() <= kHighWaterBytes + kChunkBytes + 2 * kPieceBytes);
    }
    links.finish();
  }
}

TEST_CASE("a link that takes nothing costs a large write its patience once, and others nothing") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    Links links(seed, 1 + seed % 7);
    if (!links.hasDeadLink()) continue;
    links.writeLarge(100);
    CHECK(links.waited() <= kPatienceMillis);
    links.finish();
  }
}

TEST_CASE("who is far behind is not waited for, and who keeps up is") {
  const std::vector<StreamPlace> streams{{900}, {1000}, {1001}};
  CHECK(sentToAll(streams, 1000) == 899);
  CHECK(sentToAll(streams, 1155) == 899);
  CHECK(sentToAll(streams, 1156) == 999);
  CHECK(sentToAll({}, 7) == 7);
}

TEST_CASE("a pacer waits for its entry, and not once it is closed") {
  Pacer pacer;
  pacer.wait(5, std::chrono::hours(1));  // Nobody has said anything: nobody to wait for.
  pacer.onSent(4);
  pacer.wait(5, std::chrono::milliseconds(1));
  pacer.wait(4, std::chrono::hours(1));
  pacer.close();
  pacer.wait(5, std::chrono::hours(1));
}

}  // namespace
}  // namespace atolld::replication
