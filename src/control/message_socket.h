#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "http/handler.h"
#include "websocket/reader.h"
#include "websocket/writer.h"

namespace atolld::control {

/// A WebSocket of ours that text messages go through, from its handshake to its end. Loop thread
/// only.
class MessageSocket : public http::ExchangeSink {
 public:
  void onBody(Bytes chunk) final;
  void onBodyEnd(http::HeaderList trailers) final;
  void onDrained() override {}
  void onDrain() final;
  void onClosed(const Result<>& ok) final;

 protected:
  /// `onEnd` is called once the exchange is over, and may free this.
  MessageSocket(http::Exchange& exchange, const websocket::ReaderLimits& limits,
                std::function<void()> onEnd);

  /// Answers `head`, which asks for a WebSocket. `protocol` may be empty.
  void accept(const http::RequestHead& head, std::string_view protocol);
  bool isOpen() const noexcept { return exchange_ != nullptr && !isClosing_; }
  /// Of an open one: what was sent and waits for the client.
  std::size_t bufferedBytes() const { return exchange_->bufferedBytes(); }
  /// Nothing unless it is open.
  void send(std::string_view text);
  /// Nothing if it closes already. onGone() is called.
  void close(std::uint16_t code, std::string_view reason);

  virtual void onText(std::string text) {}
  /// Nothing more comes or goes. Called once.
  virtual void onGone() = 0;

 private:
  void sendScratch();

  http::Exchange* exchange_;  ///< Null once it is over.
  const std::function<void()> onEnd_;
  websocket::Reader reader_;
  websocket::Writer writer_;
  std::string scratch_;
  bool isClosing_ = false;
};

}  // namespace atolld::control
