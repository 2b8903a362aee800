#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "deploy/registry.h"
#include "http/handler.h"
#include "isolate/inspector.h"
#include "loop/mailbox.h"

namespace atolld::control {

class InspectSocket;

/// Where debuggers find the scripts of a development node, as they find those of Node.js: GET
/// /json/list and /json/version, and a WebSocket under each script's id that speaks the Chrome
/// DevTools Protocol. No authentication but the id: the address is loopback, and neither a foreign
/// website nor a foreign host name gets in. Loop thread only.
/// @spec https://chromedevtools.github.io/devtools-protocol/#endpoints
class InspectHandler final : public http::Handler {
 public:
  struct Options {
    std::string version;  ///< Of this program.
    /// A debugger waits for a script, which may run nothing or not be loaded.
    std::function<void(const isolate::InspectedScript&)> onWaiting;
  };
  /// All outlive it; `mailbox` is the loop's.
  InspectHandler(isolate::Inspector& inspector, const deploy::Registry& registry,
                 loop::Mailbox& mailbox, Options options);
  /// Every connection must be gone.
  ~InspectHandler() override;

  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;

 private:
  void connect(http::Exchange& exchange, const http::RequestHead& head,
               std::shared_ptr<isolate::InspectedScript> script);
  /// Reads the disk: this is a development node.
  std::string listText(const std::string& authority);

  isolate::Inspector& inspector_;
  const deploy::Registry& registry_;
  loop::Mailbox& mailbox_;
  const Options options_;
  std::unordered_map<InspectSocket*, std::shared_ptr<InspectSocket>> sockets_;
};

}  // namespace atolld::control
