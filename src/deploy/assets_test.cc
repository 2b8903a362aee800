#include <doctest/doctest.h>

#include <map>

#include "assets/site.h"
#include "base/encoding.h"
#include "deploy/asset_rows.h"
#include "deploy/registry.h"
#include "deploy/test_support.h"
#include "store/crypto.h"

namespace {

using namespace atolld;
using namespace atolld::deploy;
using atolld::deploy::testing::RegistryFixture;
using atolld::deploy::testing::upload;
using atolld::store::Family;

using Contents = std::map<std::string, std::string>;

std::string uploadHashOf(std::string_view content) {
  return toHex(store::sha256(content)).substr(0, 32);
}

std::vector<AssetEntry> entriesOf(const Contents& files) {
  std::vector<AssetEntry> entries;
  for (const auto& [path, content] : files) {
    entries.push_back({path, uploadHashOf(content), content.size()});
  }
  return entries;
}

struct Fixture : RegistryFixture {
  AssetSession begin(const Contents& files, std::string_view script = "shop") {
    return registry.beginAssets("acme", script, entriesOf(files)).value();
  }
  /// Sends what the session asks for. @return how many files that were.
  std::size_t send(const AssetSession& session, const Contents& files) {
    std::size_t count = 0;
    for (const auto& bucket : session.buckets) {
      std::vector<AssetContent> contents;
      for (const auto& [path, content] : files) {
        const std::string hash = uploadHashOf(content);
        if (std::ranges::find(bucket, hash) == bucket.end()) continue;
        contents.push_back({hash, "text/plain", Bytes(content)});
      }
      count += bucket.size();
      CHECK(registry.putAssets(session.token, std::move(contents)).has_value());
    }
    return count;
  }
  Upload with(const AssetSession& session, assets::Config config = {}) {
    Upload made = upload("export default {}");
    made.assets = Upload::Assets{.session = session.token, .config = std::move(config)};
    return made;
  }
  VersionSummary push(const Contents& files, std::string_view script = "shop") {
    const AssetSession session = begin(files, script);
    send(session, files);
    return registry.upload("acme", script, with(session)).value();
  }
  static std::string read(const Registry& registry, const assets::Asset& asset) {
    std::string all;
    for (std::uint32_t index = 0; all.size() < asset.sizeBytes; ++index) {
      all += registry.assetPiece(asset.hash, index).value().view();
    }
    return all;
  }
  std::size_t pieceCount() {
    std::size_t count = 0;
    const auto visit = [&](std::string_view, std::string_view) { return ++count > 0; };
    CHECK(database->view()->scan(Family::Modules, "a", "", visit).has_value());
    return count;
  }
  std::size_t moduleRowCount() {
    std::size_t count = 0;
    const auto visit = [&](std::string_view, std::string_view) { return ++count > 0; };
    CHECK(database->view()->scan(Family::Modules, "", "", visit).has_value());
    return count;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "static files load back whole, also after reopening, and large ones") {
  const Contents files{{"/a.txt", "hello"},
                       {"/b/empty", ""},
                       {"/large.bin", std::string(600'000, 'x') + std::string(1000, 'y')}};
  const VersionSummary made = push(files);
  database.reopen();
  const Registry reopened(*database, database.clock());
  const auto version = reopened.version("acme", "shop", made.id).value();
  REQUIRE(version->assets);
  REQUIRE(version->assets->files().size() == 3);
  for (const auto& [path, content] : files) {
    const assets::Asset& asset = version->assets->files().find(path)->second;
    CHECK(asset.contentType == "text/plain");
    CHECK(read(reopened, asset) == content);
  }
}

TEST_CASE_FIXTURE(Fixture, "what the newest version has, or was sent before, is not asked for") {
  Contents files{{"/a", "one"}, {"/b", "two"}};
  push(files);
  CHECK(begin(files).buckets.empty());
  files["/c"] = "three";
  files["/copy"] = "one";
  const AssetSession session = begin(files);
  CHECK(send(session, files) == 1);
  CHECK(begin(files).buckets.empty());                         // Sent, if by no version used yet.
  CHECK(begin({{"/a", "one"}}, "other").buckets.size() == 1);  // Another script's word counts not.
}

TEST_CASE_FIXTURE(Fixture, "equal contents are stored once, and go with the last script") {
  const std::size_t before = moduleRowCount();
  push({{"/a", "same"}, {"/b", "same"}}, "one");
  push({{"/c", "same"}}, "two");
  push({{"/c", "same"}, {"/d", "more"}}, "two");
  CHECK(pieceCount() == 2);
  CHECK(registry.remove("acme", "two").has_value());
  database.clock().advance(std::chrono::hours(2));
  begin({}, "three");
  CHECK(pieceCount() == 1);
  CHECK(registry.remove("acme", "one").has_value());
  CHECK(pieceCount() == 0);
  CHECK(moduleRowCount() == before + 2);  // The session of "three", and when it is over.
}

TEST_CASE_FIXTURE(Fixture, "an upload that is not whole, over, or another's makes no version") {
  const Contents files{{"/a", "one"}, {"/b", "two"}};
  const AssetSession session = begin(files);
  CHECK(registry.upload("acme", "shop", with(session)).error().code == ErrorCode::InvalidArgument);
  send(session, files);
  CHECK_FALSE(registry.upload("acme", "other", with(session)).has_value());
  CHECK_FALSE(registry.upload("rival", "shop", with(session)).has_value());
  CHECK(registry.assetOwner(session.token).value().script == "shop");
  database.clock().advance(std::chrono::hours(2));
  CHECK_FALSE(registry.upload("acme", "shop", with(session)).has_value());
  CHECK(registry.assetOwner(session.token).error().code == ErrorCode::Unauthorized);
  CHECK(registry.putAssets(session.token, {}).error().code == ErrorCode::Unauthorized);
  begin({});
  CHECK(pieceCount() == 0);  // Nobody came to use them.
}

TEST_CASE_FIXTURE(Fixture, "the last content that comes completes an upload") {
  const Contents files{{"/a", "one"}, {"/b", "two"}};
  const AssetSession session = begin(files);
  const auto send = [&](std::string content) {
    return registry.putAssets(session.token, {{uploadHashOf(content), "", Bytes(content)}});
  };
  CHECK_FALSE(send("one").value());
  CHECK_FALSE(send("one").value());
  CHECK(send("two").value());
}

TEST_CASE_FIXTURE(Fixture, "contents that were not announced are refused") {
  const AssetSession session = begin({{"/a", "one"}});
  const auto put = [&](std::string hash, std::string content, std::string type = "") {
    return registry.putAssets(session.token, {{hash, type, Bytes(content)}}).has_value();
  };
  CHECK_FALSE(put(uploadHashOf("two"), "two"));
  CHECK_FALSE(put(uploadHashOf("one"), "longer"));
  CHECK_FALSE(put(uploadHashOf("one"), "one", "text/html\r\nx: y"));
  CHECK(put(uploadHashOf("one"), "one"));
  CHECK(put(uploadHashOf("one"), "two"));  // Its uploader's own lie; the first content goes.
  CHECK(pieceCount() == 1);
}

TEST_CASE_FIXTURE(Fixture, "limits of static files name what breaks them") {
  const auto refused = [&](std::vector<AssetEntry> files) {
    const auto made = registry.beginAssets("acme", "shop", std::move(files));
    return made ? std::string() : made.error().detail;
  };
  const std::string hash = uploadHashOf("x");
  CHECK(refused({{"/big", hash, 25 * 1024 * 1024 + 1}}).contains("/big has 26214401 bytes"));
  CHECK(refused(std::vector<AssetEntry>(20'001, {"/a", hash, 1})).contains("20001 static files"));
  CHECK(refused({{"/a", hash, 1}, {"/a", hash, 1}}).contains("twice"));
  CHECK(refused({{"a", hash, 1}}).contains("begins with"));
  CHECK(refused({{"/a", "XYZ", 1}}).contains("hash"));
}

TEST_CASE_FIXTURE(Fixture, "a version keeps its files when its secrets change or it says so") {
  const VersionSummary first = push({{"/a", "one"}});
  Upload kept = upload("export default {};");
  kept.assets = Upload::Assets{};
  const VersionSummary second = registry.upload("acme", "shop", kept).value();
  CHECK(registry.version("acme", "shop", second.id).value()->assets->files().size() == 1);
  const VersionSummary third = registry.upload("acme", "shop", upload("3")).value();
  CHECK_FALSE(registry.version("acme", "shop", third.id).value()->assets);
  CHECK(registry.upload("acme", "shop", kept).error().code == ErrorCode::NotFound);
  CHECK(registry.version("acme", "shop", first.id).value()->assets);
}

TEST_CASE_FIXTURE(Fixture, "files alone make a version; a binding to none does not") {
  const AssetSession session = begin({});
  Upload alone;
  alone.compatibilityDate = "2026-01-01";
  alone.assets = Upload::Assets{.session = session.token, .config = {}};
  const VersionSummary made = registry.upload("acme", "shop", alone).value();
  const auto version = registry.version("acme", "shop", made.id).value();
  CHECK(version->mainModule.empty());
  CHECK_FALSE(version->assets->config().hasScript);
  Upload unbound = upload("x");
  unbound.bindings = {AssetsBinding{"ASSETS"}};
  CHECK(registry.upload("acme", "shop", unbound).error().detail.contains("ASSETS"));
}

TEST_CASE("rows of static files decode to what they were made of, and nothing else") {
  assets::Files files;
  files["/a"] = {
      .hash = std::string(32, 'h'), .contentType = "t", .sizeBytes = 3, .uploadHash = "u"};
  const std::string row = encodeListing(files, {.scriptFirst = {"/api/*"}, .redirects = "x"});
  const Listing listing = decodeListing(row).value();
  CHECK(encodeListing(listing.files, listing.config) == row);
  for (std::size_t size = 0; size < row.size(); ++size) {
    CHECK_FALSE(decodeListing(row.substr(0, size)).has_value());
  }
}
