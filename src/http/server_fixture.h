#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/handler.h"
#include "http/server_connection.h"

/// What the tests and fuzz targets of both server codecs share: a handler that records what it was
/// told, and an owner that is the transport.
namespace atolld::http::testing {

/// One request as the handler saw it, and the handler's end of its exchange.
class Recorded final : public ExchangeSink {
 public:
  Recorded(Exchange& exchange, std::unique_ptr<RequestHead> requestHead)
      : head(std::move(requestHead)), exchange_(&exchange) {}

  Exchange& exchange() { return *exchange_; }
  bool open() const { return exchange_ != nullptr; }

  void onBody(Bytes chunk) override {
    body += chunk.view();
    if (consume) exchange_->consumed(chunk.size());
    if (onBodyDo) onBodyDo();
  }
  void onBodyEnd(HeaderList fields) override {
    bodyEnded = true;
    trailers = std::move(fields);
    if (onBodyEndDo) onBodyEndDo();
  }
  void onDrained() override {
    ++drained;
    if (onDrainedDo) onDrainedDo();
  }
  void onClosed(const Result<>& ok) override {
    exchange_ = nullptr;
    ++closed;
    if (!ok) error = ok.error();
  }

  std::unique_ptr<RequestHead> head;
  std::string body;
  HeaderList trailers;
  bool bodyEnded = false;
  bool consume = true;
  int drained = 0;
  int closed = 0;
  std::optional<Error> error;
  std::function<void()> onBodyDo;
  std::function<void()> onBodyEndDo;
  std::function<void()> onDrainedDo;

 private:
  Exchange* exchange_;
};

inline ResponseHead responseHead(int status, BodyKind body = BodyKind::None,
                                 std::uint64_t length = 0) {
  ResponseHead head;
  head.status = status;
  head.body = body;
  head.contentLength = length;
  return head;
}

/// Answers "200 OK" with "hello" unless told otherwise.
class RecordingHandler final : public Handler {
 public:
  void onRequest(Exchange& exchange, std::unique_ptr<RequestHead> head) override {
    requests.push_back(std::make_unique<Recorded>(exchange, std::move(head)));
    Recorded& request = *requests.back();
    exchange.setSink(request);
    answer(request);
  }
  /// Reads the body to its end, then answers with it.
  static void echo(Recorded& request) {
    request.onBodyEndDo = [&request] {
      const ResponseHead head = responseHead(200, BodyKind::Length, request.body.size());
      request.exchange().respond(head, Bytes::copyOf(request.body));
    };
    request.exchange().startBody();
  }
  static void hello(Recorded& request) {
    request.exchange().respond(responseHead(200, BodyKind::Length, 5), Bytes::fromStatic("hello"));
  }
  /// Leaves the answer to the test.
  static void wait(Recorded&) {}

  std::function<void(Recorded&)> answer = hello;
  std::vector<std::unique_ptr<Recorded>> requests;
};

/// The connection's owner: moves bytes by hand.
class Peer final : public ServerConnection::Owner {
 public:
  using Factory = std::unique_ptr<ServerConnection> (*)(ServerConnection::Owner&, Handler&,
                                                        const ServerLimits&,
                                                        std::shared_ptr<const ConnectionInfo>);
  explicit Peer(Factory factory, const ServerLimits& limits = {}, bool secure = false) {
    auto info = std::make_shared<ConnectionInfo>();
    info->secure = secure;
    connection = factory(*this, handler, limits, std::move(info));
  }
  ~Peer() { connection.reset(); }

  void onOutputReady() override { ++signals; }

  /// Sends the bytes and takes what is answered.
  void send(std::string_view bytes) {
    connection->receive(bytes);
    flush();
  }
  void flush() {
    for (std::string piece = take(); !piece.empty(); piece = take()) received += piece;
  }
  /// One round of output, at most `bytesMax`.
  std::string take(std::size_t bytesMax = std::string::npos) {
    std::array<std::string_view, 8> slices;
    const std::size_t count = connection->output(slices);
    std::string taken;
    for (std::size_t i = 0; i < count; ++i) taken += slices[i];
    taken.resize(std::min(taken.size(), bytesMax));
    const bool more = connection->consumeOutput(taken.size());
    // Whoever sends stops there: what it said must be so.
    if (!more) ATOLL_CHECK(connection->output(slices) == 0);
    return taken;
  }
  /// What was received since the last call.
  std::string receivedText() { return std::exchange(received, {}); }

  RecordingHandler handler;
  std::unique_ptr<ServerConnection> connection;
  std::string received;
  int signals = 0;
};

}  // namespace atolld::http::testing
