#include "upstream/address_rules.h"

#include <doctest/doctest.h>

#include <string>

namespace atolld::upstream {
namespace {

bool allows(std::string_view networks, std::string_view ip) {
  const Result<AddressRules> rules = AddressRules::make(networks);
  REQUIRE(rules);
  const auto address = loop::SocketAddress::fromIp(ip, 443);
  REQUIRE(address);
  return rules->check(*address).has_value();
}

TEST_CASE("scripts reach public addresses and no others") {
  for (const char* const ip :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.0",
        "168.63.129.17", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111",
        "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"}) {
    CAPTURE(ip);
    CHECK(allows("", ip));
  }
  for (const char* const ip :
       {"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200",
        "100.127.255.255", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.169.254",
        "172.16.0.0", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.255.255",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fc00::1", "fd00:ec2::254",
        "fe80::1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
        // Others' spellings of IPv4.
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:c0a8:1::1"}) {
    CAPTURE(ip);
    CHECK_FALSE(allows("", ip));
  }
}

TEST_CASE("the operator's networks are reached, and their neighbours are not") {
  CHECK(allows("10.1.0.0/16", "10.1.255.255"));
  CHECK(allows("10.1.0.0/16", "::ffff:10.1.2.3"));
  CHECK_FALSE(allows("10.1.0.0/16", "10.2.0.0"));
  CHECK(allows(" 10.1.2.3\t fd00::/9 ", "10.1.2.3"));
  CHECK_FALSE(allows("10.1.2.3 fd00::/9", "10.1.2.4"));
  CHECK(allows("10.1.2.3 fd00::/9", "fd7f::1"));
  CHECK_FALSE(allows("10.1.2.3 fd00::/9", "fd80::1"));
  CHECK(allows("0.0.0.0/0", "127.0.0.1"));
  CHECK_FALSE(allows("0.0.0.0/0", "::1"));
  CHECK(allows("::/0", "::1"));
}

TEST_CASE("what is no network is refused by its name") {
  for (const char* const text :
       {"10.0.0.0/33", "fd00::/129", "10.0.0", "10.0.0.0/", "/8", "all", "10.0.0.0/8,127.0.0.1",
        "10.0.0.0/-1", "localhost", "10.0.0.0/8/8"}) {
    CAPTURE(text);
    const Result<AddressRules> rules = AddressRules::make(std::string("127.0.0.1 ") + text);
    REQUIRE_FALSE(rules);
    CHECK(rules.error().code == ErrorCode::InvalidArgument);
    CHECK(rules.error().detail.contains(text));
  }
}

TEST_CASE("a refusal names the address, its kind and who can allow it") {
  const Result<> refused =
      AddressRules::make("")->check(*loop::SocketAddress::fromIp("169.254.169.254", 80));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::Forbidden);
  for (const char* const part : {"169.254.169.254", "metadata", "outbound.allow_networks"}) {
    CHECK(refused.error().detail.contains(part));
  }
}

}  // namespace
}  // namespace atolld::upstream
