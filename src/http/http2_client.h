#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/client_connection.h"
#include "http/http2_session.h"

namespace atolld::http {

class Http2ClientConnection;

/// One outbound request: a stream. Lives until the stream is closed.
class Http2ClientExchange final : public ClientExchange {
 public:
  Http2ClientExchange(Http2ClientConnection& connection, ClientSink& sink)
      : connection_(connection), sink_(&sink) {}

  void write(Bytes chunk) override;
  void end() override;
  void consumed(std::size_t bytes) override;
  std::size_t bufferedBytes() const override { return outbound_.size(); }
  void cancel() override;

 private:
  friend class Http2ClientConnection;
  Http2ClientConnection& connection_;
  ClientSink* sink_;  // Null after onClosed().
  std::int32_t stream_ = 0;
  Http2Outbound outbound_;
  std::optional<std::uint64_t> requestLeft_;  // When its length was announced.
  bool wasFull_ = false;
  std::optional<Error> error_;  // Why we reset the stream.

  ResponseHead head_;
  HeaderList trailers_;
  bool isHead_ = false;
  bool responseStarted_ = false;  // The final head was told.
  bool responseEnded_ = false;
  std::size_t fieldBytes_ = 0;
  std::optional<std::uint64_t> declaredLength_;
  std::size_t unconsumed_ = 0;
};

/// HTTP/2, client side.
/// @spec RFC 9113
class Http2ClientConnection final : public ClientConnection, private Http2Session::Events {
 public:
  Http2ClientConnection(Owner& owner, const ClientLimits& limits);
  ~Http2ClientConnection() override;
  Http2ClientConnection(const Http2ClientConnection&) = delete;
  Http2ClientConnection& operator=(const Http2ClientConnection&) = delete;

  ClientExchange& submit(const RequestHead& head, ClientSink& sink) override;
  bool canSubmit() const override;
  bool idle() const override;
  void receive(std::string_view bytes) override;
  void receiveEnd() override;
  bool wantsInput() const override;
  std::size_t output(std::span<std::string_view> slices) override;
  void consumeOutput(std::size_t bytes) override;
  bool shouldClose() const override;

 private:
  friend class Http2ClientExchange;
  void onBeginHeaders(const nghttp2_frame& frame) override;
  bool onHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value) override;
  void onFrame(const nghttp2_frame& frame) override;
  void onData(std::int32_t stream, std::string_view data) override;
  void onFrameSent(const nghttp2_frame&) override {}
  void onStreamClosed(std::int32_t stream, std::uint32_t code) override;

  Http2ClientExchange* find(std::int32_t stream);
  void onResponseHead(Http2ClientExchange& exchange, bool endStream);
  void reset(Http2ClientExchange& exchange, Error error);
  void closeSink(Http2ClientExchange& exchange, const Result<>& ok);
  void closeAll(const Result<>& why);
  void refuseUnsent();
  void tellDrained();
  void signal();

  Owner& owner_;
  const ClientLimits limits_;
  Http2Session session_;
  std::unordered_map<std::int32_t, std::unique_ptr<Http2ClientExchange>> exchanges_;
  // Requests that could not be submitted; told from the next turn.
  std::vector<std::unique_ptr<Http2ClientExchange>> unsent_;
  bool goawaySeen_ = false;
  bool inputEnded_ = false;
  bool anyFull_ = false;
  bool signalled_ = false;
};

}  // namespace atolld::http
