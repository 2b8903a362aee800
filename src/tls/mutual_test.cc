// A fleet's certificates: an authority of its own, requests answered, both sides verified.

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tls/session.h"

namespace atolld::tls {
namespace {

constexpr std::string_view kName = "fleet.atoll.internal";

struct Fleet {
  SystemClock clock;
  Certificate authority =
      Certificate::authority("Fleet", "atoll.internal", std::chrono::days(10), clock).value();
  Certificate other =
      Certificate::authority("Fleet", "atoll.internal", std::chrono::days(10), clock).value();
  KeyRequest request = makeRequest().value();

  Certificate server() const {
    return Certificate::issued(authority, std::array{std::string(kName)}, std::chrono::days(1),
                               clock)
        .value()
        .chainedTo(authority)
        .value();
  }
  Certificate client(const Certificate& issuer) const {
    const std::string chain =
        Certificate::answerRequest(issuer, request.requestPem, "edge-1",
                                   std::array{std::string(kName)}, std::chrono::days(1), clock)
            .value();
    return Certificate::fromPem(chain, request.keyPem).value();
  }
  std::shared_ptr<const ServerContext> serverContext() const {
    Certificates all;
    all.setDefault(server());
    return ServerContext::make({.certificates = std::make_shared<CertificateStore>(all),
                                .ticketKeys = nullptr,
                                .clientAuthorityPem = authority.chainPem()})
        .value();
  }
};

struct Outcome {
  Result<> client;
  Result<> server;
  bool done = false;
  std::optional<Session::Peer> peer;
};

Outcome shakeHands(const Fleet& fleet, const ClientOptions& options) {
  Session server = Session::server(fleet.serverContext());
  Session client = Session::client(ClientContext::make(options).value(), "127.0.0.1").value();
  Outcome outcome;
  std::array<char, 16 * 1024> scratch;
  const auto carry = [&](Session& from, Session& to, Result<>& status) {
    const std::string bytes(from.output());
    from.consumeOutput(bytes.size());
    if (bytes.empty()) return false;
    if (auto r = to.receive(bytes, scratch, [](std::string_view) {}); status) status = std::move(r);
    return true;
  };
  for (bool moved = true; moved;) {
    moved = carry(client, server, outcome.server);
    moved = carry(server, client, outcome.client) || moved;
  }
  outcome.done = outcome.client && outcome.server && server.handshakeDone();
  if (outcome.done) outcome.peer = server.peer();
  return outcome;
}

TEST_CASE("a client that knows the authority by its fingerprint trusts that one alone") {
  const Fleet fleet;
  ClientOptions options{.onlyAuthorityFingerprint = fleet.authority.fingerprint(),
                        .peerName = std::string(kName)};
  const Outcome good = shakeHands(fleet, options);
  CHECK(good.done);
  CHECK_FALSE(good.peer.has_value());  // It showed no certificate.
  options.onlyAuthorityFingerprint = fleet.other.fingerprint();
  CHECK_FALSE(shakeHands(fleet, options).client.has_value());
  options.onlyAuthorityFingerprint = fleet.server().fingerprint();  // Right there, no authority.
  options.peerName = "control.atoll.internal";
  CHECK_FALSE(shakeHands(fleet, options).client.has_value());
}

TEST_CASE("a node's certificate says who it is, and another authority's is refused") {
  const Fleet fleet;
  ClientOptions options{.onlyAuthorityPem = fleet.authority.chainPem(),
                        .peerName = std::string(kName),
                        .certificate = fleet.client(fleet.authority)};
  const Outcome good = shakeHands(fleet, options);
  REQUIRE(good.done);
  REQUIRE(good.peer.has_value());
  CHECK(good.peer->name == "edge-1");
  CHECK(good.peer->keyHash == requestKeyHash(fleet.request.requestPem).value());
  CHECK(good.peer->keyHash == fleet.client(fleet.authority).keyHash());
  options.certificate = fleet.client(fleet.other);
  CHECK_FALSE(shakeHands(fleet, options).server.has_value());
  options.certificate.reset();
  options.onlyAuthorityPem = fleet.other.chainPem();
  CHECK_FALSE(shakeHands(fleet, options).client.has_value());
}

TEST_CASE("what is no request of an EC P-256 key, signed by it, gets no certificate") {
  const Fleet fleet;
  std::string broken = fleet.request.requestPem;
  broken[broken.size() / 2] = broken[broken.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& text : {std::string(), std::string("x"), broken, fleet.request.keyPem}) {
    CHECK_FALSE(requestKeyHash(text).has_value());
    CHECK_FALSE(Certificate::answerRequest(fleet.authority, text, "edge-1",
                                           std::array{std::string(kName)}, std::chrono::days(1),
                                           fleet.clock)
                    .has_value());
  }
  CHECK(requestKeyHash(makeRequestFor(fleet.request.keyPem).value()).value() ==
        requestKeyHash(fleet.request.requestPem).value());
}

}  // namespace
}  // namespace atolld::tls
