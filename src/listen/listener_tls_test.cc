#include <curl/curl.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "listen/listener.h"
#include "listen/test_server.h"

namespace atolld::listen {
namespace {

using namespace std::chrono_literals;

ListenLimits patient() {
  return {.handshake = 10min,
          .requestHead = 10min,
          .bodyProgress = 10min,
          .writeProgress = 10min,
          .idle = 10min,
          .linger = 10min,
          .drain = 10min};
}

/// A development certificate, in a context and in a file for clients to trust.
struct Identity {
  Identity() {
    const auto certificate = tls::Certificate::forDevelopment(clock).value();
    tls::Certificates all;
    all.setDefault(certificate);
    context = tls::ServerContext::make(
                  {.certificates = std::make_shared<tls::CertificateStore>(std::move(all)),
                   .ticketKeys = std::make_shared<tls::TicketKeys>(clock)})
                  .value();
    std::string pattern = std::filesystem::temp_directory_path() / "atoll-listen-XXXXXX";
    const int fd = mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    close(fd);
    caFile = pattern;
    std::ofstream(caFile) << certificate.chainPem();
  }
  ~Identity() { std::filesystem::remove(caFile); }

  SystemClock clock;
  std::shared_ptr<const tls::ServerContext> context;
  std::string caFile;
};

/// The independent client.
struct Curl {
  explicit Curl(const std::string& caFile) : handle(curl_easy_init()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, caFile.c_str());
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &append);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  }
  ~Curl() { curl_easy_cleanup(handle); }
  static std::size_t append(char* data, std::size_t, std::size_t size, void* into) {
    static_cast<std::string*>(into)->append(data, size);
    return size;
  }
  CURLcode get(const std::string& url, long version) {
    body.clear();
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, version);
    return curl_easy_perform(handle);
  }
  long number(CURLINFO what) const {
    long value = 0;
    curl_easy_getinfo(handle, what, &value);
    return value;
  }
  CURL* handle;
  std::string body;
};

TEST_CASE("curl speaks HTTP/1.1, HTTP/2 in the clear and both over TLS, chosen by ALPN") {
  const Identity identity;
  for (const bool secure : {false, true}) {
    for (const long version : {CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE}) {
      CAPTURE(secure);
      CAPTURE(version);
      TestServer server(patient(), secure ? identity.context : nullptr);
      server.run([&] {
        Curl curl(identity.caFile);
        const std::string base =
            (secure ? "https://localhost:" : "http://localhost:") + std::to_string(server.port);
        curl_easy_setopt(curl.handle, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
        const long asked =
            secure && version != CURL_HTTP_VERSION_1_1 ? CURL_HTTP_VERSION_2TLS : version;
        REQUIRE(curl.get(base + "/hello", asked) == CURLE_OK);
        CHECK(curl.body == "hello");
        CHECK(curl.number(CURLINFO_HTTP_VERSION) ==
              (version == CURL_HTTP_VERSION_1_1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2_0));
        REQUIRE(curl.get(base + "/big/5000000", asked) == CURLE_OK);
        CHECK(curl.body.size() == 5'000'000);
        CHECK(curl.number(CURLINFO_NUM_CONNECTS) == 0);  // The same connection.
      });
      CHECK(server.handler.completed == 2);
      CHECK(server.stats->handshakes.value() == (secure ? 1 : 0));
      CHECK(server.handler.lastConnection->secure == secure);
      CHECK(server.handler.lastConnection->tlsVersion == (secure ? "TLSv1.3" : ""));
      CHECK(server.handler.lastConnection->serverName == (secure ? "localhost" : ""));
      CHECK(server.serverName == (secure ? "localhost" : ""));
    }
  }
}

TEST_CASE("a new connection resumes the last one's TLS session") {
  const Identity identity;
  TestServer server(patient(), identity.context);
  server.run([&] {
    CURLSH* share = curl_share_init();
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    for (int i = 0; i < 2; ++i) {
      Curl curl(identity.caFile);
      curl_easy_setopt(curl.handle, CURLOPT_SHARE, share);
      const std::string url = "https://127.0.0.1:" + std::to_string(server.port) + "/hello";
      CHECK(curl.get(url, CURL_HTTP_VERSION_1_1) == CURLE_OK);
    }
    curl_share_cleanup(share);
  });
  CHECK(server.stats->handshakes.value() == 2);
  CHECK(server.stats->resumptions.value() == 1);
}

/// Our own TLS over the blocking client, for what no library would do.
struct TlsClient {
  TlsClient(const Identity& identity, std::uint16_t port, int receiveBufferBytes = 0)
      : client(port, receiveBufferBytes),
        session(tls::Session::client(tls::ClientContext::make({.extraCaFile = identity.caFile,
                                                               .protocols = {"http/1.1"}})
                                         .value(),
                                     "localhost")
                    .value()) {
    while (!session.handshakeDone() && step()) {
    }
  }
  void flush() {
    client.send(session.output());
    session.consumeOutput(session.output().size());
  }
  bool step() {
    flush();
    const std::string bytes = client.receive();
    std::array<char, 16 * 1024> scratch;
    ok = ok && session.receive(bytes, scratch, [this](auto text) { received += text; }).has_value();
    flush();
    return ok && !bytes.empty() && !session.peerClosed();
  }
  void send(std::string_view text) {
    REQUIRE(session.write(text).has_value());
    flush();
  }
  TestClient client;
  tls::Session session;
  std::string received;
  bool ok = true;
};

TEST_CASE("the end of a TLS connection is told with close_notify, its cutting off is not") {
  const Identity identity;
  TestServer server(patient(), identity.context);
  server.run([&] {
    TlsClient whole(identity, server.port);
    whole.send("GET /hello HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    while (whole.step()) {
    }
    CHECK(whole.received.ends_with("hello"));
    CHECK(whole.session.peerClosed());
    TlsClient cut(identity, server.port);
    cut.send("GET /cut HTTP/1.1\r\nhost: test\r\n\r\n");
    while (cut.step()) {
    }
    CHECK(cut.received.size() < 300);
  });
}

TEST_CASE("a slow reader over TLS holds a bounded buffer, and gets everything") {
  const Identity identity;
  TestServer server(patient(), identity.context);
  constexpr std::size_t kBytes = 8 * 1024 * 1024;
  server.run([&] {
    TlsClient slow(identity, server.port, 16 * 1024);
    slow.send("GET /big/" + std::to_string(kBytes) + " HTTP/1.1\r\nhost: test\r\n\r\n");
    TlsClient other(identity, server.port);
    other.send("GET /hello HTTP/1.1\r\nhost: test\r\n\r\n");
    while (!other.received.ends_with("hello") && other.step()) {
    }
    CHECK(other.received.ends_with("hello"));
    while (slow.received.size() < kBytes && slow.step()) {
    }
    CHECK(slow.received.size() >= kBytes);
  });
  CHECK(server.handler.bufferedMax < http::Exchange::kHighWaterBytes + 128 * 1024);
}

TEST_CASE("who does not speak TLS gets an alert or silence, never a crash or a hung connection") {
  const Identity identity;
  TestServer server(patient(), identity.context);
  server.run([&] {
    for (const std::string& garbage :
         {std::string("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), std::string(20'000, '\x16')}) {
      TestClient client(server.port);
      client.send(garbage);
      client.finish();
      client.receiveAll();
      CHECK_FALSE(client.wasSilent());
    }
    TlsClient good(identity, server.port);
    CHECK(good.session.handshakeDone());
    good.client.send(std::string(100, 'x'));  // Breaks the record layer afterwards.
    while (good.step()) {
    }
    CHECK(good.received.empty());
  });
  CHECK(server.stats->handshakeErrors.value() == 2);
}

TEST_CASE("a handshake that does not get done is cut off") {
  const Identity identity;
  ListenLimits limits = patient();
  limits.handshake = 20ms;
  TestServer server(limits, identity.context);
  server.run([&] {
    for (const std::string_view begun :
         {std::string_view(), std::string_view("\x16\x03\x01\x02", 4)}) {
      TestClient client(server.port);
      client.send(begun);
      CHECK(client.receiveAll().empty());
      CHECK_FALSE(client.wasSilent());
    }
  });
  CHECK(server.stats->timeouts.value() == 2);
}

}  // namespace
}  // namespace atolld::listen
