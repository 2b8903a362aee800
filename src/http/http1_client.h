#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/client_connection.h"
#include "http/head_scanner.h"
#include "http/http1_fields.h"
#include "http/http1_parser.h"
#include "http/http1_writer.h"
#include "http/output_queue.h"

namespace atolld::http {

/// HTTP/1.1, client side: one request at a time, never pipelined. It is its own exchange.
/// Sinks are called from the owner's calls only, but for onClosed() from cancel().
/// @spec RFC 9112
class Http1ClientConnection final : public ClientConnection, private ClientExchange {
 public:
  Http1ClientConnection(Owner& owner, const ClientLimits& limits);
  ~Http1ClientConnection() override;
  Http1ClientConnection(const Http1ClientConnection&) = delete;
  Http1ClientConnection& operator=(const Http1ClientConnection&) = delete;

  ClientExchange& submit(const RequestHead& head, ClientSink& sink) override;
  bool canSubmit() const override { return !sink_ && !stopped_ && !inputEnded_; }
  bool idle() const override { return !sink_; }
  void receive(std::string_view bytes) override;
  void receiveEnd() override;
  bool wantsInput() const override;
  std::size_t output(std::span<std::string_view> slices) override;
  void consumeOutput(std::size_t bytes) override;
  bool shouldClose() const override { return stopped_; }
  bool outputEnded() const override { return isBare_ && requestEnded_ && output_.empty(); }

 private:
  enum class Reading : std::uint8_t { Head, Length, Chunked, UntilClose };

  void write(Bytes chunk) override;
  void end() override;
  void consumed(std::size_t bytes) override;
  std::size_t bufferedBytes() const override { return output_.size(); }
  void cancel() override;

  void pump(std::string_view fresh);
  bool step();
  bool stepHead();
  bool stepBody();
  bool stepChunked();
  bool stepMoreInput();
  MaybeRefusal readHead(std::string_view raw, ResponseHead& head);
  MaybeRefusal readFraming(const Decisive& decisive, bool http10, ResponseHead& head);
  void deliver(std::string body);
  void finish();
  void fail(ErrorCode code, std::string_view problem);
  void close(const Result<>& ok);
  void signal();

  Owner& owner_;
  const ClientLimits limits_;
  OutputQueue output_;
  std::string input_;        // Received and not yet read.
  std::string_view unread_;  // During pump(): in input_ or in the owner's buffer.
  HeadScanner scanner_;
  Http1Parser parser_;

  ClientSink* sink_ = nullptr;           // Of the open exchange.
  std::optional<Error> refusedRequest_;  // Told from the next turn: submit() returns first.
  bool isHead_ = false;
  bool asksForWebSocket_ = false;
  bool isTunnel_ = false;
  bool isBare_ = false;                                      // A tunnel from the start …
  bool bareOpened_ = false;                                  // … and its sink has been told.
  Http1Framing::Body framing_ = Http1Framing::Body::Absent;  // Of the request.
  std::uint64_t requestLeft_ = 0;
  bool requestEnded_ = false;
  Reading reading_ = Reading::Head;
  std::uint64_t bodyLeft_ = 0;
  std::size_t unconsumed_ = 0;
  std::size_t interimCount_ = 0;
  HeaderList trailers_;
  bool keepAlive_ = false;

  bool stopped_ = false;
  bool inputEnded_ = false;
  bool pumping_ = false;
  bool signalled_ = false;
};

}  // namespace atolld::http
