#include "control/admin_handler.h"

#include <string>
#include <string_view>

#include "telemetry/metrics.h"

namespace atolld::control {
namespace {

/// Answers are whole when onRequest() returns: nothing of the exchange is waited for.
class IgnoringSink final : public http::ExchangeSink {
 public:
  void onBody(Bytes) override {}
  void onBodyEnd(http::HeaderList) override {}
  void onDrained() override {}
  void onClosed(const Result<>&) override {}
};

void answer(http::Exchange& exchange, int status, std::string_view contentType, std::string text) {
  http::ResponseHead head;
  head.status = status;
  head.headers.add("content-type", contentType);
  if (status == 405) head.headers.add("allow", "GET, HEAD");
  exchange.respond(head, Bytes(std::move(text)));
}

}  // namespace

void AdminHandler::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  static IgnoringSink sink;
  exchange.setSink(sink);
  constexpr std::string_view kText = "text/plain; charset=utf-8";
  const std::string_view path = std::string_view(head->target).substr(0, head->target.find('?'));
  if (head->method != "GET" && head->method != "HEAD") {
    answer(exchange, 405, kText, "only GET and HEAD are answered here\n");
  } else if (path == "/healthz") {
    answer(exchange, 200, kText, "ok\n");
  } else if (path == "/readyz") {
    Readiness readiness = readiness_();
    answer(exchange, readiness.isReady ? 200 : 503, kText, std::move(readiness.text));
  } else if (path == "/metrics") {
    answer(exchange, 200, "text/plain; version=0.0.4", telemetry::renderMetrics());
  } else {
    answer(exchange, 404, kText, "there are /healthz, /readyz and /metrics\n");
  }
}

}  // namespace atolld::control
