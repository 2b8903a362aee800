#include "store/log_entry.h"

#include <doctest/doctest.h>

#include "base/encoding.h"
#include "store/crypto.h"

namespace {

using namespace atolld;
using namespace atolld::store;

LogEntry sample() {
  return {.history = std::string(kHistoryBytes, 'h'),
          .index = 7,
          .time = UnixMillis(std::chrono::milliseconds(1'800'000'000'123)),
          .ops = {{Op::Kind::Put, Family::Routes, "example.com", "value"},
                  {Op::Kind::Delete, Family::Kv, std::string("k\0y", 3), ""},
                  {Op::Kind::Put, Family::Kv, "empty", ""}}};
}

}  // namespace

TEST_CASE("a log entry reads back as it was written") {
  const LogEntry entry = sample();
  const LogEntry decoded = decodeLogEntry(encodeLogEntry(entry)).value();
  CHECK(decoded.history == entry.history);
  CHECK(decoded.index == 7);
  CHECK(decoded.time == entry.time);
  REQUIRE(decoded.ops.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(decoded.ops[i].kind == entry.ops[i].kind);
    CHECK(decoded.ops[i].family == entry.ops[i].family);
    CHECK(decoded.ops[i].key == entry.ops[i].key);
    CHECK(decoded.ops[i].value == entry.ops[i].value);
  }
}

TEST_CASE("the encoding of a log entry never changes: replicas compare hashes of it") {
  const std::string encoded = encodeLogEntry(sample());
  CHECK(toHex(encoded) ==
        "01"
        "68686868686868686868686868686868"
        "0000000000000007"
        "000001a3185c507b"
        "00000003"
        "00060000000b6578616d706c652e636f6d0000000576616c7565"
        "0108000000036b0079"
        "000800000005656d70747900000000");
  CHECK(toHex(chainHash(firstHash(), encoded)) == toHex(sha256(std::string(32, '\0') + encoded)));
}

TEST_CASE("every truncation and every extension of a log entry is refused") {
  const std::string encoded = encodeLogEntry(sample());
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    CAPTURE(size);
    // On the heap and exactly sized, so that a read past the end is seen by ASan.
    const std::vector<char> cut(encoded.begin(),
                                encoded.begin() + static_cast<std::ptrdiff_t>(size));
    const auto decoded = decodeLogEntry({cut.data(), cut.size()});
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::Corrupt);
  }
  CHECK_FALSE(decodeLogEntry(encoded + '\0').has_value());
}

TEST_CASE("a changed bit is refused or is another entry: no two encodings of one entry") {
  const std::string encoded = encodeLogEntry(sample());
  for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    CAPTURE(bit);
    std::string changed = encoded;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    if (const auto decoded = decodeLogEntry(changed)) CHECK(encodeLogEntry(*decoded) == changed);
  }
}

TEST_CASE("what no entry may hold is refused with its reason") {
  std::string encoded = encodeLogEntry(sample());
  const auto errorWith = [&](std::size_t at, std::string_view hexBytes) {
    std::string changed = encoded;
    const std::string bytes = parseHex(hexBytes).value();
    changed.replace(at, bytes.size(), bytes);
    return decodeLogEntry(changed).error().detail;
  };
  CHECK(errorWith(0, "02") == "log entry has format version 2; this build reads 1");
  CHECK(errorWith(17, "0000000000000000") == "log entry has index 0");
  CHECK(errorWith(33, "00000000") == "log entry has no op");
  CHECK(errorWith(33, "ffffffff") == "log entry counts more things than it holds");
  CHECK(errorWith(33, "00000002") == "log entry has bytes after its end");
  CHECK(errorWith(37, "02") == "log entry has an unknown kind of op");
  CHECK(errorWith(38, "0d") == "log entry names an unknown family");
  CHECK(errorWith(39, "00000000") == "log entry has an op without a key");
  CHECK(errorWith(39, "ffffffff") == "log entry ends too early");
}

TEST_CASE("checkOps names the figure and the limit") {
  CHECK(checkOps({{Op::Kind::Put, Family::Kv, "", "v"}}).error().code ==
        ErrorCode::InvalidArgument);
  CHECK(checkOps({{Op::Kind::Put, Family::Kv, std::string(65537, 'k'), "v"}}).error().detail ==
        "a row key of 65537 bytes: 1 to 65536 are allowed");
  CHECK(checkOps({{Op::Kind::Delete, Family::Kv, "k", "v"}}).error().code ==
        ErrorCode::InvalidArgument);
  CHECK(checkOps({{Op::Kind::Put, static_cast<Family>(13), "k", "v"}}).error().code ==
        ErrorCode::InvalidArgument);
  const Ops tooLarge = {{Op::Kind::Put, Family::Kv, "k", std::string(kEntryBytesMax, 'v')}};
  CHECK(checkOps(tooLarge).error().code == ErrorCode::TooLarge);
}
