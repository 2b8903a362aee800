#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/tails.h"
#include "http/handler.h"
#include "loop/mailbox.h"
#include "telemetry/tail.h"
#include "websocket/reader.h"
#include "websocket/writer.h"

namespace atolld::control {

/// One watcher's WebSocket: what its script does from now on, a message each. Loop thread only.
class TailSocket final : public http::ExchangeSink,
                         public std::enable_shared_from_this<TailSocket> {
 public:
  /// `onEnd` is called once the exchange is over. The rest is borrowed until then.
  TailSocket(http::Exchange& exchange, loop::Mailbox& mailbox, std::function<void()> onEnd);

  /// Answers `head`, which asks for a WebSocket, and begins.
  void start(telemetry::TailHub& hub, const http::RequestHead& head, TailTicket ticket);

  void onBody(Bytes chunk) override;
  void onBodyEnd(http::HeaderList trailers) override;
  void onDrained() override { sendWaiting(); }
  void onDrain() override;
  void onClosed(const Result<>& ok) override;

 private:
  void sendWaiting();
  void send(const Json& message);
  void sendScratch();
  void close(std::uint16_t code, std::string_view reason);

  http::Exchange* exchange_;  ///< Null once it is over.
  loop::Mailbox& mailbox_;
  const std::function<void()> onEnd_;
  websocket::Reader reader_;
  websocket::Writer writer_;
  std::string scratch_;
  bool isClosing_ = false;
  std::unique_ptr<telemetry::TailWatch> watch_;
};

}  // namespace atolld::control
