#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/handler.h"

namespace atolld::control {

/// What an operator's tools ask a node: GET /healthz (the process answers), /readyz (it serves;
/// 503 while it drains) and /metrics (Prometheus text). No authentication: the address is loopback
/// unless the operator says otherwise. Loop thread only.
class AdminHandler final : public http::Handler {
 public:
  /// What /readyz says, and whether that is a yes.
  struct Readiness {
    bool isReady = true;
    std::string text = "ready\n";
  };
  /// `readiness` is asked on the loop thread.
  explicit AdminHandler(std::function<Readiness()> readiness) : readiness_(std::move(readiness)) {}

  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;

 private:
  std::function<Readiness()> readiness_;
};

}  // namespace atolld::control
