#include "tls/session.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace atolld::tls {
namespace {

/// A file that goes when the test does.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& content) {
    std::string pattern = std::filesystem::temp_directory_path() / "atoll-tls-XXXXXX";
    const int fd = mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    close(fd);
    path = pattern;
    std::ofstream(path) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string path;
};

struct Side {
  Session session;
  std::string received;
  Result<> status{};

  void receive(std::string_view bytes) {
    std::array<char, 16 * 1024> scratch;
    auto result =
        session.receive(bytes, scratch, [this](std::string_view text) { received += text; });
    if (status) status = std::move(result);
  }
};

/// Carries bytes both ways until neither side has more to say, `step` bytes at a time.
void pump(Side& a, Side& b, std::size_t step = SIZE_MAX) {
  for (bool moved = true; moved;) {
    moved = false;
    for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      while (!from->session.output().empty()) {
        const std::string piece(from->session.output().substr(0, step));
        from->session.consumeOutput(piece.size());
        to->receive(piece);
        moved = true;
      }
    }
  }
}

struct World {
  SystemClock clock;
  Certificate local = Certificate::forDevelopment(clock).value();
  Certificate named = Certificate::selfSigned(std::array<std::string, 1>{"shop.example"},
                                              std::chrono::days(1), clock)
                          .value();
  TemporaryFile ca{local.chainPem() + named.chainPem()};
  std::shared_ptr<CertificateStore> store = std::make_shared<CertificateStore>([this] {
    Certificates all;
    all.add(named);
    all.setDefault(local);
    return all;
  }());
  std::shared_ptr<TicketKeys> tickets = std::make_shared<TicketKeys>(clock);
  std::shared_ptr<const ClientContext> clients =
      ClientContext::make({.extraCaFile = ca.path}).value();

  Side server(UnknownName unknown = UnknownName::UseDefault) const {
    return {Session::server(
        ServerContext::make({.certificates = store, .ticketKeys = tickets, .unknownName = unknown})
            .value())};
  }
  Side client(const std::string& host) const { return {Session::client(clients, host).value()}; }
};

TEST_CASE("a handshake agrees on TLS 1.3, HTTP/2 and the name, however the bytes are cut") {
  const World world;
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{7}}) {
    CAPTURE(step);
    Side server = world.server(), client = world.client("shop.example");
    pump(client, server, step);
    REQUIRE(server.status.has_value());
    REQUIRE(client.status.has_value());
    REQUIRE(server.session.handshakeDone());
    REQUIRE(client.session.handshakeDone());
    CHECK(server.session.serverName() == "shop.example");
    CHECK(server.session.protocol() == "h2");
    CHECK(client.session.protocol() == "h2");
    CHECK(server.session.version() == "TLSv1.3");
    CHECK(server.session.cipher() == "TLS_AES_128_GCM_SHA256");
  }
}

TEST_CASE("plaintext arrives whole in both directions, then the ends are told apart from cuts") {
  const World world;
  Side server = world.server(), client = world.client("localhost");
  pump(client, server);
  std::string large;
  for (int i = 0; large.size() < 300'000; ++i) large += std::to_string(i);
  REQUIRE(client.session.write("hello").has_value());
  REQUIRE(server.session.write(large).has_value());
  pump(client, server, 999);
  CHECK(server.received == "hello");
  CHECK(client.received == large);
  CHECK_FALSE(client.session.peerClosed());
  server.session.close();
  server.session.close();
  pump(client, server);
  CHECK(client.session.peerClosed());
  CHECK(client.status.has_value());
  CHECK_FALSE(server.session.write("more").has_value());
}

TEST_CASE("an IP address in the certificate is enough, and sends no SNI") {
  const World world;
  Side server = world.server(), client = world.client("127.0.0.1");
  pump(client, server);
  CHECK(client.session.handshakeDone());
  CHECK(server.session.serverName().empty());
}

TEST_CASE("who trusts the development authority can check every name of its domain") {
  const SystemClock clock;
  auto authority = DevelopmentAuthority::create("localhost", clock).value();
  const TemporaryFile ca{authority->certificatePem()};
  Certificates all;
  all.setDefault(authority->issueDefault().value());
  all.setAuthority(authority);
  const auto store = std::make_shared<CertificateStore>(std::move(all));
  const auto context = ServerContext::make({.certificates = store, .ticketKeys = nullptr}).value();
  const auto clients = ClientContext::make({.extraCaFile = ca.path}).value();
  for (const std::string host :
       {"hello.localhost", "hello.tenant.localhost", "localhost", "127.0.0.1", "shop.example"}) {
    CAPTURE(host);
    Side server{Session::server(context)}, client{Session::client(clients, host).value()};
    pump(client, server);
    CHECK(client.session.handshakeDone() == (host != "shop.example"));
  }
}

TEST_CASE("a client refuses a certificate that is not for the host it asked for") {
  const World world;
  for (const std::string host : {"other.example", "127.0.0.2", "a.b.localhost"}) {
    CAPTURE(host);
    Side server = world.server(), client = world.client(host);
    pump(client, server);
    CHECK_FALSE(client.session.handshakeDone());
    REQUIRE_FALSE(client.status.has_value());
    CHECK(client.status.error().code == ErrorCode::Protocol);
    CHECK(client.status.error().detail.find("mismatch") != std::string::npos);
    CHECK_FALSE(server.status.has_value());  // Told by the client's alert.
  }
}

TEST_CASE("a client refuses a certificate that nobody it trusts vouches for") {
  const World world;
  Side server = world.server();
  Side client{Session::client(ClientContext::make({}).value(), "localhost").value()};
  pump(client, server);
  CHECK_FALSE(client.session.handshakeDone());
  REQUIRE_FALSE(client.status.has_value());
  CHECK(client.status.error().detail.find("self-signed") != std::string::npos);
}

TEST_CASE("an unknown name gets the default certificate, or the alert the operator chose") {
  const World world;
  {
    Side server = world.server(), client = world.client("localhost");
    pump(client, server);
    CHECK(client.session.handshakeDone());
  }
  Side server = world.server(UnknownName::Refuse), client = world.client("localhost");
  pump(client, server);
  CHECK_FALSE(server.session.handshakeDone());
  REQUIRE_FALSE(client.status.has_value());
  CHECK(client.status.error().detail.find("unrecognized name") != std::string::npos);
  // Known names and no name at all are still served.
  Side again = world.server(UnknownName::Refuse), known = world.client("shop.example");
  pump(known, again);
  CHECK(known.session.handshakeDone());
  Side noName = world.server(UnknownName::Refuse), byIp = world.client("127.0.0.1");
  pump(byIp, noName);
  CHECK(byIp.session.handshakeDone());
}

TEST_CASE("a store without a certificate for the client refuses, and does not crash") {
  World world;
  world.store->replace({});
  for (const std::string host : {"shop.example", "127.0.0.1"}) {
    Side server = world.server(), client = world.client(host);
    pump(client, server);
    CHECK_FALSE(server.session.handshakeDone());
    CHECK_FALSE(client.session.handshakeDone());
  }
}

TEST_CASE(
    "a client that offers only unknown protocols is refused; one that offers none is served") {
  const World world;
  const auto handshake = [&](std::vector<std::string> protocols) {
    const auto context =
        ClientContext::make({.extraCaFile = world.ca.path, .protocols = std::move(protocols)});
    Side server = world.server(), client{Session::client(context.value(), "localhost").value()};
    pump(client, server);
    return client.session.handshakeDone() && server.session.handshakeDone()
               ? "agreed on: " + std::string(server.session.protocol())
               : client.status.error().detail;
  };
  CHECK(handshake({"http/1.1"}) == "agreed on: http/1.1");
  CHECK(handshake({"http/1.1", "h2"}) == "agreed on: h2");  // Our preference.
  CHECK(handshake({}) == "agreed on: ");
  CHECK(handshake({"smtp"}).find("no application protocol") != std::string::npos);
}

TEST_CASE("garbage instead of a handshake is an error, and the session stays shut") {
  const World world;
  using namespace std::string_view_literals;
  for (const std::string_view garbage :
       {"GET / HTTP/1.1\r\nhost: x\r\n\r\n"sv, "\x16\x03\x01\xff\xff and so on"sv,
        "\x80\x05\x01\x03\x01\x00\x00\x00\x00\x00\x00"sv, "\x15\x03\x01\x00\x02\x02\x28"sv,
        "\x17\x03\x03\x00\x05hello"sv, "\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff"sv}) {
    CAPTURE(garbage);
    Side server = world.server();
    server.receive(garbage);
    CHECK_FALSE(server.status.has_value());
    CHECK_FALSE(server.session.handshakeDone());
    server.receive("more");
    CHECK(server.received.empty());
  }
}

TEST_CASE("a tampered record ends the session without its plaintext") {
  const World world;
  Side server = world.server(), client = world.client("localhost");
  pump(client, server);
  REQUIRE(client.session.write("secret").has_value());
  std::string record(client.session.output());
  record.back() ^= 1;
  server.receive(record);
  CHECK_FALSE(server.status.has_value());
  CHECK(server.received.empty());
  CHECK_FALSE(server.session.output().empty());  // The alert.
}

/// OpenSSL itself as the client, for what our own client never does.
struct RawClient {
  explicit RawClient(void (*configure)(SSL_CTX*)) : context(SSL_CTX_new(TLS_client_method())) {
    configure(context);
    renew();
  }
  ~RawClient() {
    SSL_SESSION_free(ticket);
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  void renew() {
    // Without a farewell OpenSSL takes the session for a broken one, not to be resumed.
    if (ssl != nullptr) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
    SSL_free(ssl);
    ssl = SSL_new(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    if (ticket != nullptr) SSL_set_session(ssl, ticket);
  }
  /// @return whether the handshake was completed on both sides.
  bool talkTo(Side& server) {
    for (int round = 0; round < 10; ++round) {
      char byte = 0;
      if (SSL_do_handshake(ssl) == 1) SSL_read(ssl, &byte, 1);
      char* data = nullptr;
      const long size = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
      server.receive(std::string_view(data, static_cast<std::size_t>(size)));
      (void)BIO_reset(SSL_get_wbio(ssl));
      const std::string_view answer = server.session.output();
      BIO_write(SSL_get_rbio(ssl), answer.data(), static_cast<int>(answer.size()));
      server.session.consumeOutput(answer.size());
    }
    SSL_SESSION_free(ticket);
    ticket = SSL_get1_session(ssl);
    return SSL_is_init_finished(ssl) == 1 && server.session.handshakeDone();
  }
  SSL_CTX* context;
  SSL* ssl = nullptr;
  SSL_SESSION* ticket = nullptr;
};

TEST_CASE("a session resumes on another shard, in both versions, until its key is gone") {
  World world;
  for (auto configure :
       {+[](SSL_CTX*) {}, +[](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION); }}) {
    RawClient client(configure);
    Side first = world.server();
    REQUIRE(client.talkTo(first));
    CHECK_FALSE(first.session.resumed());
    client.renew();
    Side second = world.server();  // A context of its own: the keys are what they share.
    REQUIRE(client.talkTo(second));
    CHECK(second.session.resumed());
    client.renew();
    world.tickets = std::make_shared<TicketKeys>(world.clock);
    Side stranger = world.server();
    REQUIRE(client.talkTo(stranger));
    CHECK_FALSE(stranger.session.resumed());
  }
}

TEST_CASE("old versions and weak ciphers are refused") {
  const World world;
  const auto refused = [&](void (*configure)(SSL_CTX*)) {
    RawClient client(configure);
    Side server = world.server();
    return !client.talkTo(server) && !server.status.has_value();
  };
  CHECK(refused([](SSL_CTX* c) {
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_max_proto_version(c, TLS1_1_VERSION);
  }));
  CHECK(refused([](SSL_CTX* c) {
    SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256");
  }));
  CHECK_FALSE(refused([](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION); }));
}

TEST_CASE("a host that is no name is refused before anything is sent") {
  const World world;
  for (const std::string& host : {std::string(), std::string("a\0b", 3), std::string(300, 'a')}) {
    CHECK_FALSE(Session::client(world.clients, host).has_value());
  }
}

TEST_CASE("a CA file that cannot be read is named") {
  const auto context = ClientContext::make({.extraCaFile = "/nowhere/ca.pem"});
  REQUIRE_FALSE(context.has_value());
  CHECK(context.error().detail.find("/nowhere/ca.pem") != std::string::npos);
}

}  // namespace
}  // namespace atolld::tls
