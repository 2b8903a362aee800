#pragma once

#include <functional>
#include <memory>

#include "control/message_socket.h"
#include "control/tails.h"
#include "loop/mailbox.h"
#include "telemetry/tail.h"

namespace atolld::control {

/// One watcher's WebSocket: what its script does from now on, a message each. Loop thread only.
class TailSocket final : public MessageSocket, public std::enable_shared_from_this<TailSocket> {
 public:
  /// `onEnd` is called once the exchange is over. The rest is borrowed until then.
  TailSocket(http::Exchange& exchange, loop::Mailbox& mailbox, std::function<void()> onEnd);

  /// Answers `head`, which asks for a WebSocket, and begins.
  void start(telemetry::TailHub& hub, const http::RequestHead& head, TailTicket ticket);

  void onDrained() override { sendWaiting(); }

 private:
  void onGone() override { watch_.reset(); }
  void sendWaiting();

  loop::Mailbox& mailbox_;
  std::unique_ptr<telemetry::TailWatch> watch_;
};

}  // namespace atolld::control
