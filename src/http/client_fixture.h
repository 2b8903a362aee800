#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "http/client_connection.h"

/// What the tests and fuzz targets of both client codecs share.
namespace atolld::http::testing {

/// Records what a caller is told of one response.
class RecordedResponse final : public ClientSink {
 public:
  void onResponse(ResponseHead responseHead) override {
    ++heads;
    head = std::move(responseHead);
    if (onResponseDo) onResponseDo();
  }
  void onBody(Bytes chunk) override {
    body += chunk.view();
    if (consume && exchange) exchange->consumed(chunk.size());
    if (onBodyDo) onBodyDo();
  }
  void onDrained() override { ++drained; }
  void onClosed(const Result<>& ok, HeaderList fields) override {
    ++closed;
    trailers = std::move(fields);
    if (!ok) error = ok.error();
    exchange = nullptr;
    if (onClosedDo) onClosedDo();
  }
  bool complete() const { return closed == 1 && !error; }

  ClientExchange* exchange = nullptr;
  ResponseHead head;
  std::string body;
  HeaderList trailers;
  std::optional<Error> error;
  bool consume = true;
  int heads = 0;
  int drained = 0;
  int closed = 0;
  std::function<void()> onResponseDo;
  std::function<void()> onBodyDo;
  std::function<void()> onClosedDo;
};

inline RequestHead requestHead(std::string_view method = "GET", std::string_view target = "/") {
  RequestHead head;
  head.method = method;
  head.scheme = "http";
  head.authority = "a";
  head.target = target;
  return head;
}

/// The client connection's owner: moves bytes by hand.
class Origin final : public ClientConnection::Owner {
 public:
  using Factory = std::unique_ptr<ClientConnection> (*)(ClientConnection::Owner&,
                                                        const ClientLimits&);
  explicit Origin(Factory factory, const ClientLimits& limits = {})
      : connection(factory(*this, limits)) {}
  ~Origin() { connection.reset(); }

  void onOutputReady() override { ++signals; }

  ClientExchange& submit(const RequestHead& head, RecordedResponse& response) {
    response.exchange = &connection->submit(head, response);
    return *response.exchange;
  }
  void answer(std::string_view bytes) {
    connection->receive(bytes);
    flush();
  }
  void flush() {
    std::array<std::string_view, 8> slices;
    while (const std::size_t count = connection->output(slices)) {
      std::size_t size = 0;
      for (const std::string_view slice : std::span(slices).first(count)) {
        received += slice;
        size += slice.size();
      }
      connection->consumeOutput(size);
    }
  }
  std::string receivedText() { return std::exchange(received, {}); }

  std::unique_ptr<ClientConnection> connection;
  std::string received;
  int signals = 0;
};

}  // namespace atolld::http::testing
