#include "tls/certificate.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tls/certificate_store.h"
#include "tls/development_authority.h"

namespace atolld::tls {
namespace {

Certificate certificateFor(const std::vector<std::string>& names) {
  return Certificate::selfSigned(names, std::chrono::days(1), SystemClock()).value();
}

TEST_CASE("a self-signed certificate survives being written and read") {
  const SystemClock clock;
  const Certificate made = Certificate::forDevelopment(clock).value();
  CHECK(made.names() == std::vector<std::string>{"localhost", "*.localhost"});
  CHECK(made.notAfter() > clock.now() + std::chrono::days(396));
  const Certificate read = Certificate::fromPem(made.chainPem(), made.privateKeyPem()).value();
  CHECK(read.names() == made.names());
  CHECK(read.chainPem() == made.chainPem());
}

TEST_CASE("a development authority issues for names of its domain and for nothing else") {
  const SystemClock clock;
  const auto authority = DevelopmentAuthority::create("localhost", clock).value();
  const Certificate one = authority->certificateFor("My-App.localhost").value();
  CHECK(one.names() == std::vector<std::string>{"my-app.localhost"});
  CHECK(authority->certificateFor("my-app.localhost")->chainPem() == one.chainPem());
  CHECK(authority->certificateFor("localhost").has_value());
  CHECK(authority->issueDefault()->names() == std::vector<std::string>{"localhost"});
  for (const std::string_view name :
       {"example.com", "localhost.example.com", "notlocalhost", ".localhost", "a..localhost",
        "a,IP:1.2.3.4.localhost", "*.localhost", "a b.localhost", "", "localhost."}) {
    CAPTURE(name);
    CHECK_FALSE(authority->certificateFor(name).has_value());
  }
  CHECK_FALSE(authority->certificateFor(std::string(250, 'a') + ".localhost").has_value());
}

TEST_CASE("a development authority is kept for its domain, and made anew for another") {
  const SystemClock clock;
  const auto made = DevelopmentAuthority::create("localhost", clock).value();
  const std::string pem = made->certificatePem(), key = made->privateKeyPem();
  const auto kept = DevelopmentAuthority::fromPem(pem, key, "localhost", clock);
  REQUIRE(kept.has_value());
  CHECK((*kept)->certificatePem() == pem);
  CHECK_FALSE(DevelopmentAuthority::fromPem(pem, key, "dev.example", clock).has_value());
}

TEST_CASE("a chain keeps its intermediates") {
  const Certificate a = certificateFor({"a.example"}), b = certificateFor({"b.example"});
  const std::string chain = a.chainPem() + b.chainPem();
  CHECK(Certificate::fromPem(chain, a.privateKeyPem()).value().chainPem() == chain);
}

TEST_CASE("a certificate and key that do not fit, or are none, are refused") {
  const Certificate a = certificateFor({"a.example"}), b = certificateFor({"b.example"});
  const std::string key = a.privateKeyPem(), chain = a.chainPem();
  const std::array<std::pair<std::string, std::string>, 6> bad{{
      {chain, b.privateKeyPem()},
      {"", key},
      {chain, ""},
      {key, chain},
      {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key},
      {chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key},
  }};
  for (const auto& [chainPem, keyPem] : bad) {
    const auto read = Certificate::fromPem(chainPem, keyPem);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::InvalidArgument);
  }
}

TEST_CASE("names that would escape into OpenSSL's extension syntax are refused") {
  for (const std::string name : {"", "a,IP:1.2.3.4", "a\nb", "a;b", "a b", "a\"b"}) {
    CAPTURE(name);
    CHECK_FALSE(
        Certificate::selfSigned(std::array{name}, std::chrono::days(1), SystemClock()).has_value());
  }
}

TEST_CASE("the exact name wins over the wildcard, and a wildcard covers one label") {
  const Certificate exact = certificateFor({"api.example.com"});
  const Certificate wild = certificateFor({"*.example.com", "example.com"});
  Certificates all;
  all.add(wild);
  all.add(exact);
  const auto found = [&](std::string_view name) {
    const Certificate* certificate = all.find(name);
    if (certificate == nullptr) return std::string("none");
    return certificate->chainPem() == exact.chainPem() ? std::string("exact") : "wild";
  };
  CHECK(found("api.example.com") == "exact");
  CHECK(found("API.Example.COM") == "exact");
  CHECK(found("www.example.com") == "wild");
  CHECK(found("example.com") == "wild");
  for (std::string_view name : {"a.b.example.com", "*.example.com", ".example.com", "com", "",
                                "example.com.", "api.example.com.evil.test", "\xff"}) {
    CAPTURE(name);
    CHECK(found(name) == "none");
  }
  CHECK(all.defaultCertificate() == nullptr);
}

TEST_CASE("a replaced store answers with the new certificates; who has the old keeps them") {
  Certificates first, second;
  first.add(certificateFor({"a.example"}));
  second.add(certificateFor({"b.example"}));
  CertificateStore store(std::move(first));
  const auto held = store.current();
  store.replace(std::move(second));
  CHECK(held->find("a.example") != nullptr);
  CHECK(store.current()->find("a.example") == nullptr);
  CHECK(store.current()->find("b.example") != nullptr);
}

}  // namespace
}  // namespace atolld::tls
