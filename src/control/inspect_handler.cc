#include "control/inspect_handler.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "control/auth.h"
#include "control/inspect_socket.h"
#include "control/json.h"
#include "control/whole_answer.h"

namespace atolld::control {
namespace {

/// Chrome's own windows have an Origin that no website can have.
Result<> checkDebugger(const http::RequestHead& head) {
  ATOLL_TRY_VOID(checkHost(head, ""));
  const std::string_view origin = head.headers.find("origin").value_or("");
  return origin.starts_with("devtools://") ? Result<>() : checkOrigin(head, "");
}

}  // namespace

InspectHandler::InspectHandler(isolate::Inspector& inspector, const deploy::Registry& registry,
                               loop::Mailbox& mailbox, Options options)
    : inspector_(inspector), registry_(registry), mailbox_(mailbox), options_(std::move(options)) {}

InspectHandler::~InspectHandler() { ATOLL_CHECK(sockets_.empty()); }

void InspectHandler::onRequest(http::Exchange& exchange, std::unique_ptr<http::RequestHead> head) {
  constexpr std::string_view kText = "text/plain; charset=utf-8";
  constexpr std::string_view kJson = "application/json; charset=utf-8";
  const std::string_view path = std::string_view(head->target).substr(0, head->target.find('?'));
  if (const Result<> ours = checkDebugger(*head); !ours) {
    answerWhole(exchange, 403, kText, ours.error().detail + "\n");
  } else if (head->method != "GET" && head->method != "HEAD") {
    answerWhole(exchange, 405, kText, "only GET and HEAD are answered here\n");
  } else if (path == "/json/version") {
    answerWhole(
        exchange, 200, kJson,
        writeJson({{"Browser", "atolld/" + options_.version}, {"Protocol-Version", "1.3"}}));
  } else if (path == "/json" || path == "/json/list") {
    answerWhole(exchange, 200, kJson, listText(head->authority));
  } else if (auto script = inspector_.find(path.substr(1)); script != nullptr && head->webSocket) {
    connect(exchange, *head, std::move(script));
  } else {
    answerWhole(exchange, 404, kText,
                "there are /json/list, /json/version and the WebSockets that the list names\n");
  }
}

void InspectHandler::connect(http::Exchange& exchange, const http::RequestHead& head,
                             std::shared_ptr<isolate::InspectedScript> script) {
  const auto place = std::make_shared<InspectSocket*>(nullptr);
  const auto socket =
      std::make_shared<InspectSocket>(exchange, mailbox_, std::move(script), options_.onWaiting,
                                      [this, place] { sockets_.erase(*place); });
  *place = socket.get();
  sockets_.emplace(socket.get(), socket);
  exchange.setSink(*socket);
  socket->start(head);
}

std::string InspectHandler::listText(const std::string& authority) {
  Json list = Json::array();
  const auto deployed = registry_.list();
  if (!deployed) return writeJson(list);
  for (const deploy::Deployment& deployment : deployed->deployments) {
    const auto script = inspector_.script(deployment.tenant, deployment.script);
    const std::string address = authority + "/" + script->id();
    list.push_back(
        {{"id", script->id()},
         {"type", "node"},
         {"title", script->tenant() + "/" + script->script()},
         {"description", "a script of this Atoll node"},
         {"url", "file://"},
         {"devtoolsFrontendUrl",
          "devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=" + address},
         {"webSocketDebuggerUrl", "ws://" + address}});
  }
  return writeJson(list);
}

}  // namespace atolld::control
