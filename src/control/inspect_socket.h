#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/message_socket.h"
#include "isolate/inspector.h"
#include "loop/mailbox.h"

namespace atolld::control {

/// One debugger's WebSocket. Loop thread only.
class InspectSocket final : public MessageSocket,
                            public std::enable_shared_from_this<InspectSocket> {
 public:
  using OnWaiting = std::function<void(const isolate::InspectedScript&)>;

  /// `onEnd` is called once the exchange is over. The rest is borrowed until then.
  InspectSocket(http::Exchange& exchange, loop::Mailbox& mailbox,
                std::shared_ptr<isolate::InspectedScript> script, const OnWaiting& onWaiting,
                std::function<void()> onEnd);

  /// Answers `head`, which asks for a WebSocket, and attaches.
  void start(const http::RequestHead& head);

 private:
  class Door;

  void onText(std::string text) override;
  void onGone() override;
  void onReplaced();

  loop::Mailbox& mailbox_;
  const std::shared_ptr<isolate::InspectedScript> script_;
  const OnWaiting& onWaiting_;
  std::shared_ptr<Door> door_;
};

}  // namespace atolld::control
