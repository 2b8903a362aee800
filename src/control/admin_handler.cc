#include "control/admin_handler.h"

#include <string>
#include <string_view>

#include "control/whole_answer.h"
#include "telemetry/metrics.h"

namespace atolld::control {

void AdminHandler::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  constexpr std::string_view kText = "text/plain; charset=utf-8";
  const std::string_view path = std::string_view(head->target).substr(0, head->target.find('?'));
  if (head->method != "GET" && head->method != "HEAD") {
    answerWhole(exchange, 405, kText, "only GET and HEAD are answered here\n");
  } else if (path == "/healthz") {
    answerWhole(exchange, 200, kText, "ok\n");
  } else if (path == "/readyz") {
    Readiness readiness = readiness_();
    answerWhole(exchange, readiness.isReady ? 200 : 503, kText, std::move(readiness.text));
  } else if (path == "/metrics") {
    answerWhole(exchange, 200, "text/plain; version=0.0.4", telemetry::renderMetrics());
  } else {
    answerWhole(exchange, 404, kText, "there are /healthz, /readyz and /metrics\n");
  }
}

}  // namespace atolld::control
