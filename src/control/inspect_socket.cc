#include "control/inspect_socket.h"

#include <utility>

namespace atolld::control {
namespace {

/// A debugger may send whole sources.
constexpr websocket::ReaderLimits kLimits{.messageBytesMax = 64ull * 1024 * 1024};

}  // namespace

/// What isolates send goes to the loop.
class InspectSocket::Door final : public isolate::Frontend {
 public:
  Door(loop::Mailbox& mailbox, std::weak_ptr<InspectSocket> socket)
      : mailbox_(mailbox), socket_(std::move(socket)) {}

  void onMessage(std::string text) override {
    mailbox_.post([socket = socket_, text = std::move(text)] {
      if (const auto self = socket.lock()) self->send(text);
    });
  }
  void onReplaced() override {
    mailbox_.post([socket = socket_] {
      if (const auto self = socket.lock()) self->onReplaced();
    });
  }

 private:
  loop::Mailbox& mailbox_;
  const std::weak_ptr<InspectSocket> socket_;
};

InspectSocket::InspectSocket(http::Exchange& exchange, loop::Mailbox& mailbox,
                             std::shared_ptr<isolate::InspectedScript> script,
                             const OnWaiting& onWaiting, std::function<void()> onEnd)
    : MessageSocket(exchange, kLimits, std::move(onEnd)),
      mailbox_(mailbox),
      script_(std::move(script)),
      onWaiting_(onWaiting) {}

void InspectSocket::start(const http::RequestHead& head) {
  accept(head, {});
  door_ = std::make_shared<Door>(mailbox_, weak_from_this());
  script_->attach(door_);
  onWaiting_(*script_);
}

void InspectSocket::onText(std::string text) {
  script_->send(*door_, std::move(text));
  onWaiting_(*script_);
}

void InspectSocket::onGone() {
  script_->detach(*door_);
  onWaiting_(*script_);
}

void InspectSocket::onReplaced() {
  close(websocket::kCloseNormal, "another debugger took over, or the node ends");
}

}  // namespace atolld::control
