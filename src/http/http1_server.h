#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/recycled.h"
#include "http/head_scanner.h"
#include "http/http1_parser.h"
#include "http/http1_request.h"
#include "http/http1_writer.h"
#include "http/output_queue.h"
#include "http/server_connection.h"

namespace atolld::http {

class Http1ServerConnection;

/// One HTTP/1 request being answered. Calls never lead back into the sink: what they cause is told
/// from the connection's next call by its owner.
class Http1Exchange final : public Exchange, public Recycled<Http1Exchange> {
 public:
  Http1Exchange(Http1ServerConnection& connection, const RequestHead& head,
                const RequestFraming& framing);

  void setSink(ExchangeSink& sink) override { sink_ = &sink; }
  void startBody() override;
  void consumed(std::size_t bytes) override;
  void respond(const ResponseHead& head, Bytes body) override;
  void respondHead(const ResponseHead& head) override;
  void write(Bytes chunk) override;
  void end(HeaderList trailers) override;
  void abort() override;
  std::size_t bufferedBytes() const override;

 private:
  friend class Http1ServerConnection;
  Http1Framing frame(int status, const ResponseHead& head);
  bool mustClose() const;
  void openTunnel(const ResponseHead& head);

  Http1ServerConnection& connection_;
  ExchangeSink* sink_ = nullptr;
  Version version_;
  bool isHead_;
  bool keepAlive_;
  bool awaitsContinue_;  // The client waits for "100 Continue" before it sends the body.
  bool bodyStarted_ = false;
  bool requestComplete_ = false;
  bool bodyEndTold_ = false;
  bool responseStarted_ = false;
  bool responseEnded_ = false;
  bool aborted_ = false;
  bool mayTunnel_;         // It asked for a WebSocket …
  bool isTunnel_ = false;  // … and has got one.
  Http1Framing::Body framing_ = Http1Framing::Body::Absent;
  std::uint64_t bodyLeft_ = 0;     // Of the response, when its length was declared.
  std::size_t unconsumed_ = 0;     // Of the request's body.
  std::uint64_t endPosition_ = 0;  // In the output, of the response's end.
  HeaderList trailers_;
};

/// HTTP/1.0 and 1.1, server side. One exchange is open at a time: pipelined requests wait unparsed,
/// so answers are in order by construction.
/// @spec RFC 9112
class Http1ServerConnection final : public ServerConnection {
 public:
  Http1ServerConnection(Owner& owner, Handler& handler, const ServerLimits& limits,
                        std::shared_ptr<const ConnectionInfo> info);
  ~Http1ServerConnection() override;
  Http1ServerConnection(const Http1ServerConnection&) = delete;
  Http1ServerConnection& operator=(const Http1ServerConnection&) = delete;

  void receive(std::string_view bytes) override;
  void receiveEnd() override;
  bool wantsInput() const override;
  std::size_t output(std::span<std::string_view> slices) override;
  bool consumeOutput(std::size_t bytes) override;
  bool shouldClose() const override;
  bool shouldReset() const override { return reset_; }
  void startDrain() override;
  void onTimeout() override;
  Waiting waiting() const override;
  std::size_t openExchanges() const override;

 private:
  friend class Http1Exchange;
  /// How much of an unwanted request body is read to keep a connection; more would cost more than
  /// a new connection does.
  static constexpr std::size_t kDiscardBytesMax = 64 * 1024;
  enum class Reading : std::uint8_t { Head, Length, Chunked, Tunnel };

  // Reads on as far as the state allows. The only place that calls handlers and sinks, but for
  // consumeOutput() and the ends; always from one of the owner's calls.
  void pump(std::string_view fresh);
  bool step();
  bool stepHead();
  bool stepLength();
  bool stepChunked();
  bool stepTunnel();
  bool stepMoreInput();
  void acceptRequest(std::string_view raw);
  std::size_t bodyRoom() const;
  void deliver(std::string body, std::size_t taken);
  void finishRequest();
  void settle();
  void keepUnread();

  void stop();
  void refuse(const Refusal& refusal, bool isHead);
  void failExchange(const Refusal& refusal, ErrorCode code);
  void closeExchange(std::unique_ptr<Http1Exchange> exchange, const Result<>& ok);
  void signal();

  Owner& owner_;
  Handler& handler_;
  const ServerLimits limits_;
  const std::shared_ptr<const ConnectionInfo> info_;

  OutputQueue output_;
  std::string input_;  // Received and not yet read, from inputStart_ on.
  std::size_t inputStart_ = 0;
  std::string_view unread_;  // During pump(): in input_ or in the owner's buffer.
  std::size_t headsWaiting_ = 0;

  HeadScanner scanner_;
  Http1Parser parser_;
  Reading reading_ = Reading::Head;
  bool blankSkipped_ = false;
  std::uint64_t bodyLeft_ = 0;     // With Reading::Length.
  std::uint64_t bodySeen_ = 0;     // With Reading::Chunked: decoded …
  std::uint64_t chunkedRead_ = 0;  // … and encoded bytes.
  std::size_t discarded_ = 0;      // Of a body that nobody reads any more.

  // The exchange whose response has not ended; without one, a body being read is discarded.
  std::unique_ptr<Http1Exchange> current_;
  // Responses that ended and are not yet with the transport, in order.
  std::vector<std::unique_ptr<Http1Exchange>> flushing_;

  bool stopped_ = false;  // Nothing received from now on means anything.
  bool reset_ = false;
  bool inputEnded_ = false;
  bool draining_ = false;
  bool pumping_ = false;
  bool signalled_ = false;
};

}  // namespace atolld::http
