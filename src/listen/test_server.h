#pragma once

// For listen's tests: a handler with a few habits, a listener on a loop of its own, and a blocking
// client on another thread.

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/check.h"
#include "listen/listener.h"
#include "loop/mailbox.h"
#include "tls/session.h"

namespace atolld::listen {

/// GET /hello, /big/<bytes> (streamed with backpressure), /hang (never answered), /cut (aborted
/// after a part); anything else echoes its body.
class TestHandler final : public http::Handler {
 public:
  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override {
    lastConnection = head->connection;
    answers_.emplace_back(*this, exchange, *head);
    answers_.back().self = std::prev(answers_.end());
    answers_.back().begin();
    if (onRequestSeen) onRequestSeen(head->target);
  }

  std::function<void(std::string_view target)> onRequestSeen;
  std::function<void()> onFailure;
  std::shared_ptr<const http::ConnectionInfo> lastConnection;
  std::atomic<std::size_t> bufferedMax{0};
  std::atomic<int> completed{0};
  std::atomic<int> failed{0};
  std::string lastError;
  std::size_t openCount() const { return answers_.size(); }
  /// Answers everything that hangs.
  void release() {
    for (Answer& answer : answers_) answer.answerLate();
  }

 private:
  struct Answer final : http::ExchangeSink {
    Answer(TestHandler& owner, http::Exchange& on, const http::RequestHead& head)
        : handler(owner), exchange(on), target(head.target) {}

    void begin() {
      exchange.setSink(*this);
      if (target == "/hello") {
        exchange.respond(
            {.status = 200, .headers = {}, .body = http::BodyKind::Length, .contentLength = 5},
            Bytes::fromStatic("hello"));
      } else if (target.starts_with("/big/")) {
        left = std::stoull(target.substr(5));
        exchange.respondHead({.body = http::BodyKind::Length, .contentLength = left});
        onDrained();
      } else if (target == "/cut") {
        exchange.respondHead({.body = http::BodyKind::Length, .contentLength = 100});
        exchange.write(Bytes::fromStatic("only a part"));
        exchange.abort();
      } else if (target != "/hang") {
        exchange.respondHead({.body = http::BodyKind::Unknown});
        exchange.startBody();
      }
    }
    void answerLate() {
      if (target == "/hang" && !std::exchange(released, true)) {
        exchange.respond({.body = http::BodyKind::Length, .contentLength = 4},
                         Bytes::fromStatic("late"));
      }
    }
    void onBody(Bytes chunk) override {
      const std::size_t size = chunk.size();
      exchange.write(std::move(chunk));
      exchange.consumed(size);
    }
    void onBodyEnd(http::HeaderList) override { exchange.end(); }
    void onDrained() override {
      static const std::string block(64 * 1024, 'b');
      while (left > 0 && exchange.bufferedBytes() < http::Exchange::kHighWaterBytes) {
        const std::size_t size = std::min<std::size_t>(left, block.size());
        left -= size;
        exchange.write(Bytes::fromStatic(std::string_view(block).substr(0, size)));
        handler.bufferedMax = std::max<std::size_t>(handler.bufferedMax, exchange.bufferedBytes());
        if (left == 0) exchange.end();
      }
    }
    void onClosed(const Result<>& ok) override {
      ++(ok ? handler.completed : handler.failed);
      if (!ok) handler.lastError = std::string(errorCodeName(ok.error().code));
      if (!ok && handler.onFailure) handler.onFailure();
      handler.answers_.erase(self);  // Destroys this.
    }

    TestHandler& handler;
    http::Exchange& exchange;
    std::string target;
    std::uint64_t left = 0;
    bool released = false;
    std::list<Answer>::iterator self;
  };
  std::list<Answer> answers_;
};

/// A blocking client; a minute of silence fails the test instead of hanging it.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port, int receiveBufferBytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receiveBufferBytes > 0) {
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receiveBufferBytes,
                 sizeof(receiveBufferBytes));
    }
    const timeval minute{.tv_sec = 60, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute));
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &minute, sizeof(minute));
    const auto address = loop::SocketAddress::fromIp("127.0.0.1", port).value();
    connected_ = connect(socket_.get(), address.raw(), address.size()) == 0;
  }
  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Some bytes; empty at the end. Sets wasReset().
  std::string receive() {
    std::array<char, 64 * 1024> buffer;
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    reset_ = reset_ || (size < 0 && errno == ECONNRESET);
    silent_ = silent_ || (size < 0 && errno == EAGAIN);
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
  }
  std::string receiveAll() {
    std::string all;
    for (std::string piece = receive(); !piece.empty(); piece = receive()) all += piece;
    return all;
  }
  /// Until `mark` has come `count` times, or the end.
  std::string receiveUntil(std::string_view mark, int count = 1) {
    std::string all;
    for (std::size_t at = 0; count > 0;) {
      const std::string piece = receive();
      if (piece.empty()) break;
      all += piece;
      for (std::size_t hit; count > 0 && (hit = all.find(mark, at)) != std::string::npos; --count) {
        at = hit + mark.size();
      }
    }
    return all;
  }
  void finish() { shutdown(socket_.get(), SHUT_WR); }
  bool wasReset() const { return reset_; }
  bool wasSilent() const { return silent_; }
  int fd() const { return socket_.get(); }

 private:
  loop::Descriptor socket_;
  bool connected_ = false;
  bool reset_ = false;
  bool silent_ = false;
};

/// A listener that lives while `client` runs on a thread of its own.
class TestServer {
 public:
  explicit TestServer(ListenLimits limits = {}, std::shared_ptr<const tls::ServerContext> tls = {},
                      http::ServerLimits httpLimits = {}) {
    auto sockets =
        loop::openListenSockets(loop::SocketAddress::parse("127.0.0.1:0").value(), 1).value();
    listener.emplace(
        loop,
        ListenerOptions{.socket = std::move(sockets[0]),
                        .tls = std::move(tls),
                        .limits = limits,
                        .http = httpLimits,
                        .onServerName = [this](std::string_view name) { serverName = name; }},
        handler);
    ATOLL_CHECK(listener->start().has_value());
    port = listener->port();
    stats = listener->stats();
  }
  /// Runs `client`, then drains; returns when everything is closed.
  void run(const std::function<void()>& client) {
    std::thread thread([&] {
      client();
      mailbox.post([this] {
        if (!draining) drain();
      });
    });
    loop.runUntilClosed();
    thread.join();
    ATOLL_CHECK(handler.openCount() == 0 && stats->open.value() == 0);
  }
  /// From the client: `task` on the loop thread, without waiting for it.
  void onLoop(std::function<void()> task) { mailbox.post(std::move(task)); }
  void drain() {
    draining = true;
    listener->drain([this] {
      listener.reset();
      mailbox.close();
    });
  }

  loop::Loop loop;
  loop::Mailbox mailbox{loop};
  TestHandler handler;
  std::optional<Listener> listener;
  std::shared_ptr<const ListenerStats> stats;
  std::uint16_t port = 0;
  bool draining = false;
  std::string serverName;
};

}  // namespace atolld::listen
