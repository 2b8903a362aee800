#include "dispatch/tail.h"

#include <chrono>

namespace atolld::dispatch {

namespace host = isolate::host;

namespace {

UnixMillis now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string_view levelName(host::Log::Level level) {
  switch (level) {
    case host::Log::Level::Debug:
      return "debug";
    case host::Log::Level::Log:
      return "log";
    case host::Log::Level::Info:
      return "info";
    case host::Log::Level::Warn:
      return "warn";
    case host::Log::Level::Error:
      return "error";
  }
  return "log";
}

// As Workers call what became of an invocation.
std::string_view outcomeOf(gateway::Refusal refusal) {
  using gateway::Refusal;
  switch (refusal) {
    case Refusal::CpuLimit:
      return "exceededCpu";
    case Refusal::MemoryLimit:
      return "exceededMemory";
    case Refusal::WallLimit:
      return "exceededWallTime";
    case Refusal::OverCapacity:
    case Refusal::Draining:
      return "loadShed";
    case Refusal::Internal:
      return "internalError";
    default:
      return "exception";
  }
}

}  // namespace

std::unique_ptr<telemetry::TailItem> beginTail(const http::RequestHead& head,
                                               const deploy::Version& version) {
  auto item = std::make_unique<telemetry::TailItem>();
  item->tenant = version.tenant;
  item->script = version.script;
  item->version = version.id;
  item->method = head.method;
  item->url = head.scheme + "://" + head.authority + head.target;
  if (head.connection) item->clientAddress = head.connection->clientAddress;
  for (const auto field : head.headers) item->headers.emplace_back(field.name, field.value);
  item->time = now();
  return item;
}

void noteLog(telemetry::TailItem& item, host::Log::Level level, std::string text) {
  item.addLog(levelName(level), std::move(text), now());
}

void noteException(telemetry::TailItem& item, const host::Failed& failed) {
  item.outcome = "exception";
  item.exceptions.push_back({failed.message, failed.stack, now()});
}

void noteRefusal(telemetry::TailItem& item, gateway::Refusal refusal) {
  const gateway::RefusalInfo& info = gateway::refusalInfo(refusal);
  item.outcome = outcomeOf(refusal);
  item.exceptions.push_back({std::string(info.text), {}, now()});
}

}  // namespace atolld::dispatch
