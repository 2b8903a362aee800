#include "store/kv_store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "store/kv_row.h"
#include "store/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::store;
using namespace std::string_literals;
using atolld::store::testing::TestDatabase;

constexpr std::string_view kNamespace = "0123456789abcdef0123456789abcdef";

struct Fixture {
  TestDatabase database;
  KvStore kv{*database, database.clock()};

  std::int64_t now() {
    return std::chrono::floor<std::chrono::seconds>(database.clock().now())
        .time_since_epoch()
        .count();
  }
  void put(std::string key, std::string value,
           std::optional<std::int64_t> expiration = std::nullopt) {
    std::vector<KvPut> puts;
    puts.push_back({.key = std::move(key),
                    .value = Bytes(std::move(value)),
                    .metadata = std::nullopt,
                    .expirationSeconds = expiration});
    REQUIRE(kv.put(kNamespace, std::move(puts)).has_value());
  }
  std::optional<std::string> get(std::string_view key) {
    const auto entry = kv.get(kNamespace, key).value();
    return entry ? std::optional(entry->value.toString()) : std::nullopt;
  }
  std::size_t rowCount() {
    std::size_t rows = 0;
    REQUIRE(database->view()
                ->scan(Family::Kv, "", "",
                       [&](std::string_view, std::string_view) { return ++rows > 0; })
                .has_value());
    return rows;
  }
  std::vector<std::string> list(std::string_view prefix, std::size_t limit = 1000) {
    std::vector<std::string> names;
    for (const auto& key : kv.list(kNamespace, prefix, limit, std::nullopt).value().keys) {
      names.push_back(key.name);
    }
    return names;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "values of any size read back byte by byte, from memory too") {
  for (const std::size_t size : {0u, 1u, 16384u, 16385u, 131072u, 131073u, 3'000'000u}) {
    CAPTURE(size);
    std::string value(size, '\0');
    for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 31 + i / 256);
    put("key", value);
    CHECK((get("key") == value));
    const auto fromMemory = kv.tryGet(kNamespace, "key");
    // What is in pieces is put together on a thread that may take its time.
    REQUIRE(fromMemory.has_value() == (size <= kPieceBytes));
    if (fromMemory) CHECK((fromMemory->value()->value.view() == value));
  }
  put("key", "small again");
  CHECK(rowCount() == 1);  // The large value's row went with it.
  CHECK_FALSE(get("other").has_value());
  CHECK_FALSE(kv.tryGet(kNamespace, "other")->value().has_value());
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE_FIXTURE(Fixture, "namespaces are apart, also when one id is the beginning of another") {
  std::vector<KvPut> puts;
  puts.push_back({.key = "bc", .value = Bytes("v"s)});
  REQUIRE(kv.put("a", puts).has_value());
  CHECK_FALSE(kv.get("ab", "c").value().has_value());
  CHECK(kv.list("ab", "", 10, std::nullopt).value().keys.empty());
  CHECK(kv.list("a", "", 10, std::nullopt).value().keys.size() == 1);
  CHECK(kv.get("", "k").error().code == ErrorCode::InvalidArgument);
  CHECK(kv.tryGet("", "k")->error().code == ErrorCode::InvalidArgument);
  CHECK(kv.put(std::string(256, 'n'), puts).error().code == ErrorCode::InvalidArgument);
}

TEST_CASE_FIXTURE(Fixture, "metadata and expiry come back with the value and in the list") {
  std::vector<KvPut> puts;
  puts.push_back({.key = "k",
                  .value = Bytes("v"s),
                  .metadata = R"({"a":1})",
                  .expirationSeconds = now() + 100});
  REQUIRE(kv.put(kNamespace, std::move(puts)).has_value());
  const KvEntry entry = kv.get(kNamespace, "k").value().value();
  CHECK(entry.metadata == R"({"a":1})");
  CHECK(entry.expirationSeconds == now() + 100);
  const KvListing listing = kv.list(kNamespace, "", 10, std::nullopt).value();
  REQUIRE(listing.keys.size() == 1);
  CHECK(listing.keys[0].metadata == R"({"a":1})");
  CHECK(listing.keys[0].expirationSeconds == now() + 100);
  CHECK_FALSE(listing.cursor.has_value());
}

TEST_CASE_FIXTURE(Fixture, "an entry is absent exactly from its second on") {
  put("k", std::string(100'000, 'x'), now() + 60);
  put("stays", "v");
  database.clock().advance(std::chrono::milliseconds(59'999));
  CHECK(get("k").has_value());
  database.clock().advance(std::chrono::milliseconds(1));
  CHECK_FALSE(get("k").has_value());
  CHECK_FALSE(kv.tryGet(kNamespace, "k")->value().has_value());
  CHECK(list("") == std::vector<std::string>{"stays"});

  CHECK(rowCount() == 4);
  const std::uint64_t before = database->position().index;
  CHECK(kv.collectExpired(100).value() == 1);
  CHECK(database->position().index == before + 1);
  CHECK(rowCount() == 1);
  CHECK(kv.collectExpired(100).value() == 0);
  CHECK(database->position().index == before + 1);
  CHECK(database->verifyReplay().has_value());
}

TEST_CASE_FIXTURE(Fixture, "a put with another expiry replaces the one before") {
  put("k", "1", now() + 60);
  put("k", "2", now() + 120);
  put("forever", "1", now() + 60);
  put("forever", "2");
  for (int i = 0; i < 5; ++i) put("bulk" + std::to_string(i), "x", now() + 61);
  database.clock().advance(std::chrono::seconds(61));
  CHECK(get("k") == "2");
  CHECK(get("forever") == "2");
  CHECK(kv.collectExpired(2).value() == 2);
  CHECK(kv.collectExpired(10).value() == 3);
  CHECK(get("k") == "2");
  CHECK(get("forever") == "2");
}

TEST_CASE_FIXTURE(Fixture, "remove takes what is there; for nothing it commits nothing") {
  put("a", std::string(20'000, 'x'), now() + 60);
  put("b", "x");
  REQUIRE(kv.remove(kNamespace, {"a", "a", "missing"}).has_value());
  CHECK(rowCount() == 1);
  const std::uint64_t before = database->position().index;
  CHECK(kv.remove(kNamespace, {"a", "missing"}).value().index == before);
  CHECK(kv.remove(kNamespace, {""}).error().code == ErrorCode::InvalidArgument);
}

TEST_CASE_FIXTURE(Fixture, "one put of many is one entry, and a key's last value wins") {
  std::vector<KvPut> puts;
  puts.push_back({.key = "a", .value = Bytes(std::string(20'000, 'x'))});
  puts.push_back({.key = "b", .value = Bytes("1"s)});
  puts.push_back({.key = "a", .value = Bytes("2"s)});
  CHECK(kv.put(kNamespace, puts).value().index == 1);
  CHECK(get("a") == "2");
  CHECK(get("b") == "1");
  CHECK(rowCount() == 2);
  puts.push_back({.key = std::string(513, 'k'), .value = {}});
  CHECK_FALSE(kv.put(kNamespace, puts).has_value());
  CHECK(database->position().index == 1);
}

TEST_CASE_FIXTURE(Fixture, "list goes in order of UTF-8 bytes, by prefix, page by page") {
  for (const char* key : {"b", "a", "ü", "z", "a/2", "a/1", "A", "😀", "\uffee"}) put(key, "v");
  using Names = std::vector<std::string>;
  CHECK(list("") == Names{"A", "a", "a/1", "a/2", "b", "z", "ü", "\uffee", "😀"});
  CHECK(list("a") == Names{"a", "a/1", "a/2"});
  CHECK(list("a/") == Names{"a/1", "a/2"});
  CHECK(list("nothing").empty());

  Names paged;
  std::optional<std::string> cursor;
  int pages = 0;
  do {
    const KvListing page = kv.list(kNamespace, "", 2, cursor).value();
    for (const auto& key : page.keys) paged.push_back(key.name);
    cursor = page.cursor;
    ++pages;
  } while (cursor);
  CHECK(paged == list(""));
  CHECK(pages == 5);
  // Exactly full is complete: a cursor promises that there is more.
  CHECK_FALSE(kv.list(kNamespace, "", 9, std::nullopt).value().cursor.has_value());
  CHECK(kv.list(kNamespace, "", 8, std::nullopt).value().cursor.has_value());
}

TEST_CASE_FIXTURE(Fixture, "list finds a namespace's keys on disk as well as in memory") {
  put("a", "v");
  database.reopen();
  const KvStore reopened(*database, database.clock());
  CHECK(reopened.list(kNamespace, "", 10, std::nullopt).value().keys.size() == 1);
  CHECK(reopened.list("another", "", 10, std::nullopt).value().keys.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a cursor from anywhere gives a page or a clear error, no other tenant's") {
  put("a", "v");
  std::vector<KvPut> puts;
  puts.push_back({.key = "secret", .value = Bytes("v"s)});
  REQUIRE(kv.put("another", std::move(puts)).has_value());
  for (const std::string& hostile :
       {"0"s, "01"s, "zz"s, "ff61"s, "0261"s, " "s, std::string(100'000, '0'), "\0"s,
        encodeKvCursor(std::string(513, 'k'))}) {
    CAPTURE(hostile.substr(0, 20));
    const auto listed = kv.list(kNamespace, "", 10, hostile);
    REQUIRE_FALSE(listed.has_value());
    CHECK(listed.error().code == ErrorCode::InvalidArgument);
    CHECK(listed.error().detail.contains("Invalid cursor"));
  }
  for (const std::string& forged :
       {"\xff"s, "\0"s, "z"s, "b"s, kvKey(KvTable::Head, "another", "")}) {
    CAPTURE(toHex(forged));
    for (const auto& key : kv.list(kNamespace, "", 10, encodeKvCursor(forged)).value().keys) {
      CHECK(key.name == "a");
    }
  }
  CHECK(kv.list(kNamespace, "", 10, "").value().keys.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the documented limits, with the texts Workers users know") {
  CHECK(KvStore::checkKey(std::string(512, 'k'), "PUT").has_value());
  const auto tooLong = KvStore::checkKey(std::string(513, 'k'), "PUT");
  CHECK(tooLong.error().code == ErrorCode::TooLarge);
  CHECK(tooLong.error().detail ==
        "KV PUT failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512.");
  CHECK(KvStore::checkKey("", "GET").error().detail == "Key name cannot be empty.");
  CHECK(KvStore::checkKey(".", "GET").error().detail == "\".\" is not allowed as a key name.");
  CHECK(KvStore::checkKey("..", "GET").error().detail == "\"..\" is not allowed as a key name.");
  CHECK(KvStore::checkKey("\xc3", "GET").error().detail ==
        "KV GET failed: 400 the key is not valid UTF-8.");

  KvPut good{.key = "k",
             .value = Bytes("v"s),
             .metadata = std::string(1024, 'm'),
             .expirationSeconds = now() + 60};
  CHECK(kv.checkPut(good).has_value());
  KvPut bad = good;
  bad.metadata = std::string(1025, 'm');
  CHECK(kv.checkPut(bad).error().code == ErrorCode::TooLarge);
  CHECK(kv.checkPut(bad).error().detail ==
        "KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.");
  bad = good;
  bad.value = Bytes(std::string(KvLimits::kValueBytesMax + 1, 'v'));
  CHECK(kv.checkPut(bad).error().code == ErrorCode::TooLarge);
  CHECK(kv.checkPut(bad).error().detail ==
        "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.");
  bad.value = bad.value.slice(1);
  CHECK(kv.checkPut(bad).has_value());
  bad = good;
  bad.expirationSeconds = now();
  CHECK(kv.checkPut(bad).error().detail.contains("greater than the current number of seconds"));
  bad.expirationSeconds = now() + 30;
  CHECK(kv.checkPut(bad).error().detail.contains("at least 60 seconds in the future"));
  bad.expirationSeconds = std::numeric_limits<std::int64_t>::min();
  CHECK(kv.checkPut(bad).error().code == ErrorCode::InvalidArgument);
  CHECK(kv.put(kNamespace, {bad}).error().code == ErrorCode::InvalidArgument);

  CHECK(kv.list(kNamespace, "", 0, std::nullopt).error().code == ErrorCode::InvalidArgument);
  CHECK(kv.list(kNamespace, "", 1001, std::nullopt).error().detail.contains("of 1001"));
  CHECK(kv.list(kNamespace, std::string(513, 'p'), 1, std::nullopt).error().code ==
        ErrorCode::TooLarge);
}

TEST_CASE_FIXTURE(Fixture, "what is written while a large value goes in finds its place between") {
  put("key", "before");
  std::vector<std::uint64_t> paced;
  std::vector<std::string> seen;
  kv.setPace([&](std::uint64_t index, std::chrono::milliseconds atMost) {
    CHECK(atMost <= KvStore::kPaceMax);
    paced.push_back(index);
    put("small", std::to_string(index));
    seen.push_back(get("key").value());
  });
  const std::string large(5 * kPieceBytes + 1, 'x');
  put("key", large);
  CHECK(paced.size() == 6);
  // Readers have the old value until they have all of the new one.
  CHECK(std::ranges::count(seen, "before") == 6);
  CHECK((get("key") == large));
  CHECK(get("small") == std::to_string(paced.back()));
  CHECK(database->position().index == 1 + 6 + 6 + 1);
  CHECK(database->verifyReplay().has_value());
  kv.setPace({});
  put("key", "after");
  REQUIRE(kv.remove(kNamespace, {"key", "small"}).has_value());
  CHECK(rowCount() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a follower that is slow is waited for, and not for longer than said") {
  int calls = 0;
  kv.setPace([&](std::uint64_t, std::chrono::milliseconds atMost) {
    ++calls;
    database.clock().advance(atMost / 2 + std::chrono::milliseconds(1));
  });
  put("key", std::string(100 * kPieceBytes, 'x'));
  CHECK(calls < 20);
  CHECK(get("key").value().size() == 100 * kPieceBytes);
}

TEST_CASE_FIXTURE(Fixture, "a large value of a repeated request goes in once") {
  const std::string id(KvStore::kRequestIdBytes, 'i');
  std::vector<KvPut> puts;
  puts.push_back({.key = "key", .value = Bytes(std::string(3 * kPieceBytes, 'x'))});
  const std::uint64_t index = kv.write(kNamespace, puts, {}, id).value().index;
  CHECK(kv.write(kNamespace, puts, {}, id).value().index == index);
  CHECK(database->position().index == index);
}

TEST_CASE_FIXTURE(Fixture, "pieces whose write came to no end are dropped after a while") {
  bool isInterrupted = false;
  kv.setPace([&](std::uint64_t, std::chrono::milliseconds) {
    if (std::exchange(isInterrupted, true)) return;
    // Longer than they are kept: what began to go in is gone before its end.
    database.clock().advance(KvStore::kUploadsKept + std::chrono::minutes(1));
    CHECK(kv.collectUploads().value() == 1);
  });
  std::vector<KvPut> puts;
  puts.push_back({.key = "key", .value = Bytes(std::string(3 * kPieceBytes, 'x'))});
  const auto refused = kv.put(kNamespace, std::move(puts));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::Aborted);
  CHECK_FALSE(get("key").has_value());
  CHECK(rowCount() == 0);
  CHECK(kv.collectUploads().value() == 0);
}

TEST_CASE("a KV row is read strictly") {
  const KvHead head{.expirationSeconds = 1'800'000'000,
                    .metadata = "{}",
                    .isInline = false,
                    .valueOrTag = "0123456789abcdef"};
  const std::string row = encodeKvHead(head);
  CHECK(decodeKvHead(row).value().metadata == "{}");
  CHECK(decodeKvHead(row).value().pieceCount == 0);
  KvHead inPieces = head;
  inPieces.pieceCount = 200;
  CHECK(decodeKvHead(encodeKvHead(inPieces)).value().pieceCount == 200);
  for (const std::uint32_t impossible : {1u, 202u, ~0u}) {
    inPieces.pieceCount = impossible;
    CHECK_FALSE(decodeKvHead(encodeKvHead(inPieces)).has_value());
  }
  for (std::size_t size = 0; size < row.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(decodeKvHead(row.substr(0, size)).has_value());
  }
  for (const std::string& bad :
       {row + "x", "\2\0"s, "\1\10"s, "\1\1\xff\xff\xff\xff\xff\xff\xff\xff"s,
        "\1\2\0\0\4\1"s + std::string(1025, 'm'), "\1\0"s + std::string(16385, 'v')}) {
    CAPTURE(toHex(bad.substr(0, 16)));
    CHECK(decodeKvHead(bad).error().code == ErrorCode::Corrupt);
  }
  const std::string expiry = kvExpiryKey(5, "ns", "key");
  CHECK(decodeKvExpiryKey(expiry).value().key == "key");
  CHECK(decodeKvExpiryKey(expiry).value().namespaceId == "ns");
  CHECK(decodeKvExpiryKey(expiry).value().seconds == 5);
  CHECK_FALSE(decodeKvExpiryKey("e\0\0\0\0\0\0\0\5\0"s).has_value());
  CHECK_FALSE(decodeKvExpiryKey("h"s + expiry.substr(1)).has_value());
  const std::string upload = kvUploadKey(5, "ns", "0123456789abcdef");
  CHECK(decodeKvUploadKey(upload).value().key == "0123456789abcdef");
  CHECK_FALSE(decodeKvUploadKey(upload + "x").has_value());
  CHECK_FALSE(decodeKvExpiryKey(upload).has_value());
}
