#pragma once

#include <functional>
#include <memory>

#include "http/handler.h"

namespace atolld::control {

/// What an operator's tools ask a node: GET /healthz (the process answers), /readyz (it serves;
/// 503 while it drains) and /metrics (Prometheus text). No authentication: the address is loopback
/// unless the operator says otherwise. Loop thread only.
class AdminHandler final : public http::Handler {
 public:
  /// `isReady` is asked on the loop thread.
  explicit AdminHandler(std::function<bool()> isReady) : isReady_(std::move(isReady)) {}

  void onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) override;

 private:
  std::function<bool()> isReady_;
};

}  // namespace atolld::control
