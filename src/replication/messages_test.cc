// What stands in the bodies of the fleet's calls comes from other machines.

#include <doctest/doctest.h>

#include <string>

#include "replication/checkpoint_source.h"
#include "replication/fleet_client.h"
#include "replication/fleet_view.h"
#include "replication/identity.h"
#include "replication/kv_request.h"
#include "store/crypto.h"
#include "store/log_entry.h"

namespace atolld::replication {
namespace {

/// Every proper beginning, one byte more, and every byte changed: refused, or read as another
/// value.
template <class Message>
void checkStrict(const Message& message) {
  const std::string good = message.encode();
  REQUIRE(Message::decode(good).has_value());
  CHECK(Message::decode(good)->encode() == good);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(Message::decode(std::string_view(good).substr(0, size)).has_value());
  }
  CHECK_FALSE(Message::decode(good + "x").has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    if (const auto other = Message::decode(changed)) CHECK(other->encode() == changed);
  }
}

TEST_CASE("each message reads as what was written, and nothing else is taken for one") {
  checkStrict(Identity{.name = "edge",
                       .region = "eu",
                       .labels = {{"a", "b"}},
                       .control = "127.0.0.1:1",
                       .upstreams = {"h:1", "i:2"},
                       .keyPem = "key",
                       .chainPem = "chain",
                       .authorityPem = "ca"});
  checkStrict(JoinRequest{
      .secret = "s", .requestPem = "r", .name = "n", .region = "x", .labels = {{"k", "v"}}});
  checkStrict(JoinAnswer{.chainPem = "c", .authorityPem = "a", .clusterKey = "k"});
  checkStrict(NodeReport{.version = "1",
                         .state = "following",
                         .upstream = "u:1",
                         .history = std::string(store::kHistoryBytes, 'h'),
                         .index = 5,
                         .hash = std::string(store::kHashBytes, 'x'),
                         .lagMillis = 3,
                         .ageMillis = 4,
                         .bootstraps = 1,
                         .cpuPermille = 10,
                         .requestsPerSecond = 20,
                         .memoryBytes = 30,
                         .isolates = 40,
                         .health = "ready"});
  KvRequest write{.id = std::string(16, 'i'), .namespaceId = "ns"};
  write.puts.push_back({.key = "k", .value = Bytes(std::string("v"))});
  write.puts.push_back(
      {.key = "l", .value = Bytes(std::string("w")), .metadata = "{}", .expirationSeconds = 99});
  write.removals = {"gone"};
  checkStrict(write);
}

TEST_CASE("a join token is its secret and the authority's fingerprint") {
  const JoinToken token{.secret = std::string(64, 'a'),
                        .authorityFingerprint = std::string(32, '\x5f')};
  const std::string text = token.toText();
  CHECK(JoinToken::parse(text).value().secret == token.secret);
  CHECK(JoinToken::parse(text).value().authorityFingerprint == token.authorityFingerprint);
  for (const std::string& bad : {std::string(), text + "0", text.substr(1), text + "00",
                                 std::string("atolljoin_zz"), "atoll_" + std::string(64, 'a')}) {
    const auto parsed = JoinToken::parse(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().detail.find(token.secret) == std::string::npos);  // Never in a message.
  }
}

TEST_CASE("a checkpoint's manifest names files inside one directory, each with size and hash") {
  const Manifest manifest{
      .id = std::string(32, 'a'),
      .files = {{.name = "000012.sst", .sizeBytes = 7, .sha256 = std::string(32, 'h')},
                {.name = "MANIFEST-000005", .sizeBytes = 0, .sha256 = std::string(32, 'i')}}};
  const std::string text = manifest.toText();
  const Manifest read = Manifest::parse(text).value();
  CHECK(read.toText() == text);
  CHECK(read.files.at(0).sizeBytes == 7);
  const auto with = [&](std::string_view what, std::string_view by) {
    std::string changed = text;
    changed.replace(changed.find(what), what.size(), by);
    return Manifest::parse(changed).has_value();
  };
  CHECK_FALSE(with("000012.sst", "../passwd"));
  CHECK_FALSE(with("000012.sst", "/etc/passwd"));
  CHECK_FALSE(with("000012.sst", ".."));
  CHECK_FALSE(with("000012.sst", "MANIFEST-000005"));
  CHECK_FALSE(with("file 7", "file -7"));
  CHECK_FALSE(with("file 7", "file 99999999999999999999999"));
  CHECK_FALSE(with("checkpoint 1", "checkpoint 2"));
  CHECK_FALSE(with("id a", "id ."));
  CHECK_FALSE(with("end\n", ""));
  CHECK_FALSE(Manifest::parse(text + "x").has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(Manifest::parse(std::string_view(text).substr(0, size)).has_value());
  }
}

TEST_CASE("a fleet address is https, a host and a port") {
  CHECK(parseFleetUrl("https://10.0.0.1:9092").value() == "10.0.0.1:9092");
  CHECK(parseFleetUrl("https://[::1]:9092/").value() == "[::1]:9092");
  CHECK(parseFleetUrl("https://control.example:443").value() == "control.example:443");
  for (const char* bad : {"", "http://a:1", "https://", "https://a", "https://a:", "https://a:x",
                          "https://u@a:1", "https://a:1/path", "https://:1", "a:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parseFleetUrl(bad).has_value());
  }
}

}  // namespace
}  // namespace atolld::replication
