#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/http2_session.h"
#include "http/refusal.h"
#include "http/server_connection.h"

namespace atolld::http {

class Http2ServerConnection;

/// One HTTP/2 request being answered: a stream. Lives until the stream is closed and its sink has
/// been told so. Calls never lead back into the sink.
class Http2Exchange final : public Exchange {
 public:
  Http2Exchange(Http2ServerConnection& connection, std::int32_t stream)
      : connection_(connection), stream_(stream) {}

  void setSink(ExchangeSink& sink) override { sink_ = &sink; }
  void startBody() override;
  void consumed(std::size_t bytes) override;
  void respond(const ResponseHead& head, Bytes body) override;
  void respondHead(const ResponseHead& head) override;
  void write(Bytes chunk) override;
  void end(HeaderList trailers) override;
  void abort() override;
  std::size_t bufferedBytes() const override { return outbound_.size(); }

 private:
  friend class Http2ServerConnection;
  void submitHead(const ResponseHead& head, bool bodiless);
  void reset(std::uint32_t code);

  Http2ServerConnection& connection_;
  const std::int32_t stream_;
  ExchangeSink* sink_ = nullptr;  // Null before the handler saw the request, and after onClosed().

  // The request.
  std::unique_ptr<RequestHead> head_;  // Until the handler takes it.
  std::optional<Refusal> refusal_;
  std::string host_;
  std::string expect_;
  std::size_t fieldBytes_ = 0;
  std::size_t fieldCount_ = 0;
  std::optional<std::uint64_t> declaredLength_;
  std::uint64_t bodySeen_ = 0;
  std::string waiting_;         // Body that came before startBody().
  std::size_t unconsumed_ = 0;  // Body for which the client has not got window back.
  std::size_t discarded_ = 0;   // Body that nobody reads any more.
  HeaderList trailers_;
  std::string protocol_;  // Of an extended CONNECT.
  bool isTunnel_ = false;
  bool isHead_ = false;
  bool awaitsContinue_ = false;
  bool bodyStarted_ = false;
  bool requestComplete_ = false;
  bool bodyEndTold_ = false;

  // The response.
  Http2Outbound outbound_;
  std::optional<std::uint64_t> bodyLeft_;  // When its length was declared.
  bool dropsBody_ = false;
  bool responseStarted_ = false;
  bool responseEnded_ = false;
  bool wasFull_ = false;  // bufferedBytes() has been above the low-water mark since onDrained().
  bool aborted_ = false;
  bool endSent_ = false;  // The last frame stands in the output, up to endPosition_.
  std::uint64_t endPosition_ = 0;
  bool streamClosed_ = false;
};

/// HTTP/2, server side.
/// @spec RFC 9113
class Http2ServerConnection final : public ServerConnection, private Http2Session::Events {
 public:
  Http2ServerConnection(Owner& owner, Handler& handler, const ServerLimits& limits,
                        std::shared_ptr<const ConnectionInfo> info);
  ~Http2ServerConnection() override;
  Http2ServerConnection(const Http2ServerConnection&) = delete;
  Http2ServerConnection& operator=(const Http2ServerConnection&) = delete;

  void receive(std::string_view bytes) override;
  void receiveEnd() override;
  bool wantsInput() const override;
  std::size_t output(std::span<std::string_view> slices) override;
  bool consumeOutput(std::size_t bytes) override;
  bool shouldClose() const override;
  void startDrain() override;
  void onTimeout() override;
  Waiting waiting() const override;
  std::size_t openExchanges() const override;

 private:
  friend class Http2Exchange;
  void onBeginHeaders(const nghttp2_frame& frame) override;
  bool onHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value) override;
  void onFrame(const nghttp2_frame& frame) override;
  void onData(std::int32_t stream, std::string_view data) override;
  void onFrameSent(const nghttp2_frame& frame) override;
  void onStreamClosed(std::int32_t stream, std::uint32_t code) override;

  Http2Exchange* find(std::int32_t stream);
  bool onRequestField(Http2Exchange& exchange, std::string_view name, std::string_view value);
  void onHead(Http2Exchange& exchange, bool endStream);
  std::optional<Refusal> checkHead(Http2Exchange& exchange, RequestHead& head, bool endStream);
  void onRequestEnd(Http2Exchange& exchange);
  void discard(Http2Exchange& exchange, std::size_t bytes);
  void giveUpBody(Http2Exchange& exchange);
  void refuse(Http2Exchange& exchange, const Refusal& refusal);
  void deliverWaiting();
  void tellDrained();
  void closeSink(Http2Exchange& exchange, const Result<>& ok);
  void forget(Http2Exchange& exchange);
  void finishDrain();
  void signal();
  void signalIfWork();

  Owner& owner_;
  Handler& handler_;
  const ServerLimits limits_;
  const std::shared_ptr<const ConnectionInfo> info_;
  Http2Session session_;
  std::unordered_map<std::int32_t, std::unique_ptr<Http2Exchange>> exchanges_;
  std::vector<std::int32_t> ready_;     // Streams whose handler has just asked for the body.
  std::vector<Http2Exchange*> ending_;  // endSent_ and the sink not told, by endPosition_.
  Http2Fields fields_;                  // Scratch.
  bool settingsSeen_ = false;
  bool headersOpen_ = false;
  bool inputEnded_ = false;
  bool draining_ = false;
  bool finalGoaway_ = false;
  bool anyFull_ = false;  // Some exchange waits for onDrained().
  bool stuck_ = false;    // The client did not read in time: nothing more is said.
  bool signalled_ = false;
};

}  // namespace atolld::http
