#pragma once

// For upstream's tests: a blocking server on threads of its own, and a sink that records.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "http/server_connection.h"
#include "loop/socket.h"
#include "tls/session.h"
#include "upstream/client.h"

namespace atolld::upstream {

/// One accepted connection, read and written by blocking calls.
struct Peer {
  loop::Descriptor socket;

  std::string receive() const {
    std::array<char, 64 * 1024> buffer;
    const ssize_t size = recv(socket.get(), buffer.data(), buffer.size(), 0);
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
  }
  std::string receiveUntil(std::string_view mark) const {
    std::string all;
    while (all.find(mark) == std::string::npos) {
      const std::string piece = receive();
      if (piece.empty()) break;
      all += piece;
    }
    return all;
  }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
};

/// Accepts on loopback and gives every connection, with its number from 0 on, to `script`.
class TestOrigin {
 public:
  using Script = std::function<void(Peer& peer, int number)>;

  explicit TestOrigin(Script script) : script_(std::move(script)) {
    auto sockets =
        loop::openListenSockets(loop::SocketAddress::parse("127.0.0.1:0").value(), 1).value();
    socket_ = std::move(sockets[0]);
    port = loop::localAddress(socket_.get()).value().port();
    ATOLL_CHECK(pipe(stop_.data()) == 0);
    acceptor_ = std::thread([this] { acceptAll(); });
  }
  ~TestOrigin() {
    ATOLL_CHECK(::write(stop_[1], "x", 1) == 1);
    acceptor_.join();
    for (Peer& peer : peers_) shutdown(peer.socket.get(), SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    close(stop_[0]);
    close(stop_[1]);
  }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port); }

  std::uint16_t port = 0;
  std::atomic<int> accepted{0};
  std::atomic<int> openMost{0};  ///< At once, as the client sees it.

 private:
  void acceptAll() {
    for (;;) {
      std::array<pollfd, 2> ready{{{socket_.get(), POLLIN, 0}, {stop_[0], POLLIN, 0}}};
      poll(ready.data(), ready.size(), -1);
      if (ready[1].revents != 0) return;
      const int fd = accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      peers_.push_back({loop::Descriptor(fd)});
      openMost = std::max(openMost.load(), openCount());
      threads_.emplace_back([this, &peer = peers_.back(), number = accepted++] {
        script_(peer, number);
        shutdown(peer.socket.get(), SHUT_RDWR);
      });
    }
  }

  int openCount() const {
    return static_cast<int>(std::ranges::count_if(peers_, [](const Peer& peer) {
      pollfd state{peer.socket.get(), POLLRDHUP, 0};
      return poll(&state, 1, 0) == 0;
    }));
  }

  Script script_;
  loop::Descriptor socket_;
  std::array<int, 2> stop_{};
  std::thread acceptor_;
  std::list<Peer> peers_;  // Acceptor's thread, until it is joined.
  std::vector<std::thread> threads_;
};

/// Our own HTTP server as a script, over TLS if there is a context; echoes "METHOD target".
class HttpScript : private http::Handler, private http::ServerConnection::Owner {
 public:
  static void run(Peer& peer, const std::shared_ptr<const tls::ServerContext>& tls) {
    HttpScript script(peer);
    if (tls) script.session_.emplace(tls::Session::server(tls));
    if (!tls) script.begin(false);
    for (std::string bytes = peer.receive(); !bytes.empty(); bytes = peer.receive()) {
      if (!script.take(bytes)) return;
    }
  }
  virtual ~HttpScript() = default;

 private:
  struct Answer final : http::ExchangeSink {
    explicit Answer(http::Exchange& on, const http::RequestHead& head)
        : exchange(on), text(head.method + " " + head.target) {}
    void onBody(Bytes chunk) override {
      text += ' ';
      text += chunk.view();
      exchange.consumed(chunk.size());
    }
    void onBodyEnd(http::HeaderList) override {
      exchange.respond({.body = http::BodyKind::Length, .contentLength = text.size()},
                       Bytes(std::move(text)));
    }
    void onClosed(const Result<>&) override { delete this; }
    void onDrained() override {}
    http::Exchange& exchange;
    std::string text;
  };

  explicit HttpScript(Peer& peer) : peer_(peer) {}
  void onOutputReady() override {}
  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override {
    exchange.setSink(*new Answer(exchange, *head));
    exchange.startBody();
  }
  void begin(bool http2) {
    auto info = std::make_shared<http::ConnectionInfo>();
    const auto make = http2 ? &http::makeHttp2ServerConnection : &http::makeHttp1ServerConnection;
    http_ = make(*this, *this, {}, std::move(info));
  }
  bool take(std::string_view bytes) {
    bool ok = true;
    if (session_) {
      std::array<char, 16 * 1024> scratch;
      ok = session_
               ->receive(bytes, scratch,
                         [this](std::string_view text) {
                           if (!http_) begin(session_->protocol() == "h2");
                           http_->receive(text);
                         })
               .has_value();
      if (!http_ && session_->handshakeDone()) begin(session_->protocol() == "h2");
    } else {
      http_->receive(bytes);
    }
    std::array<std::string_view, 8> pieces;
    for (std::size_t count = 0; http_ && (count = http_->output(pieces)) > 0;) {
      if (session_) {
        ATOLL_CHECK(session_->write(pieces[0]).has_value());
      } else {
        ok = ok && peer_.send(pieces[0]);
      }
      http_->consumeOutput(pieces[0].size());
    }
    if (session_) {
      ok = peer_.send(session_->output()) && ok;
      session_->consumeOutput(session_->output().size());
    }
    return ok;
  }

  Peer& peer_;
  std::optional<tls::Session> session_;
  std::unique_ptr<http::ServerConnection> http_;
};

/// A certificate for 127.0.0.1 and localhost, and a client that trusts it.
struct Identity {
  Identity() {
    const auto certificate = tls::Certificate::forDevelopment(clock).value();
    tls::Certificates all;
    all.setDefault(certificate);
    auto store = std::make_shared<tls::CertificateStore>(std::move(all));
    server = tls::ServerContext::make({.certificates = store, .ticketKeys = {}}).value();
    http1Server = tls::ServerContext::make(
                      {.certificates = store, .ticketKeys = {}, .protocols = {"http/1.1"}})
                      .value();
    std::string pattern = std::filesystem::temp_directory_path() / "atoll-upstream-XXXXXX";
    const int fd = mkstemp(pattern.data());
    ATOLL_CHECK(fd >= 0);
    close(fd);
    std::ofstream(pattern) << certificate.chainPem();
    trusting = tls::ClientContext::make({.extraCaFile = pattern}).value();
    distrusting = tls::ClientContext::make({}).value();
    std::filesystem::remove(pattern);
  }
  SystemClock clock;
  std::shared_ptr<const tls::ServerContext> server, http1Server;
  std::shared_ptr<const tls::ClientContext> trusting, distrusting;
};

/// Records what became of a request.
struct TestSink final : http::ClientSink {
  void onResponse(http::ResponseHead head) override { status = head.status; }
  void onBody(Bytes chunk) override {
    body += chunk.view();
    if (exchange != nullptr) exchange->consumed(chunk.size());
    if (onData) onData();
  }
  void onDrained() override {}
  void onClosed(const Result<>& ok, http::HeaderList) override {
    exchange = nullptr;
    ++closedCount;
    error = ok ? std::optional<ErrorCode>() : ok.error().code;
    detail = ok ? "" : ok.error().detail;
    if (onDone) onDone();
  }
  bool done() const { return closedCount > 0; }

  http::ClientExchange* exchange = nullptr;
  int status = 0;
  std::string body;
  int closedCount = 0;
  std::optional<ErrorCode> error;
  std::string detail;
  std::function<void()> onData, onDone;
};

/// A loop with a client on it.
struct TestClient {
  explicit TestClient(std::shared_ptr<const tls::ClientContext> tls, ClientLimits limits = {},
                      AddressFilter filter = {}) {
    resolver.emplace(loop, pool);
    client.emplace(
        loop, *resolver,
        ClientOptions{.tls = std::move(tls), .addressFilter = std::move(filter), .limits = limits});
  }
  ~TestClient() {
    client.reset();
    resolver.reset();
    loop.runUntilClosed();
  }
  static http::RequestHead head(std::string method, std::string scheme, std::string authority,
                                std::string target) {
    return {.method = std::move(method),
            .scheme = std::move(scheme),
            .authority = std::move(authority),
            .target = std::move(target),
            .headers = {}};
  }
  void get(TestSink& sink, const std::string& scheme, const std::string& authority,
           const std::string& target = "/") {
    sink.exchange = &client->start(head("GET", scheme, authority, target), sink);
  }
  void runUntil(const std::function<bool()>& finished) {
    while (!finished()) {
      loop.run(true);
      loop.runDeferred();
    }
  }
  void run(const TestSink& sink) {
    runUntil([&] { return sink.done(); });
  }

  loop::Loop loop;
  loop::ThreadPool pool{"resolve", 1};
  std::optional<loop::Resolver> resolver;
  std::optional<Client> client;
};

}  // namespace atolld::upstream
