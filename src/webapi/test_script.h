#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "isolate/host.h"
#include "isolate/isolate.h"

namespace atolld::webapi {

namespace host = isolate::host;

/// A script in a real isolate, with the test as its host: events in, effects out.
class TestScript {
 public:
  /// `source` is the main module. The script must load: CHECKed.
  explicit TestScript(std::string source, std::vector<deploy::Binding> bindings = {});
  /// What loading says.
  static Result<> tryLoad(std::string source);

  /// Delivers events in one slice; returns the effects.
  host::Outbox run(std::vector<host::Event> events);
  template <class Event>
  host::Outbox run(Event event) {
    std::vector<host::Event> events;
    events.push_back(std::move(event));
    return run(std::move(events));
  }

  /// A GET of http://example.com<target>, or whatever `edit` makes of it.
  host::FetchEvent request(std::string target = "/");
  host::FetchEvent post(std::string body, std::string contentType = "text/plain");
  /// The whole answer to one request; timers fire, computations are done and nothing else happens.
  host::Outbox fetch(host::FetchEvent event);
  host::Outbox fetch(std::string target = "/") { return fetch(request(std::move(target))); }
  /// The text of the response to one request; what failed comes as "FAILED: message".
  std::string text(host::FetchEvent event);
  std::string text(std::string target = "/") { return text(request(std::move(target))); }

  isolate::Isolate& isolate() { return *isolate_; }

 private:
  std::unique_ptr<isolate::Isolate> isolate_;
  host::InvocationId lastInvocation_ = 0;
};

/// Evaluates an expression (may await) inside a handler; its value as text, objects as JSON, and
/// what it throws as "Name: message".
std::string evaluate(std::string expression);

template <class Effect>
Effect* find(host::Outbox& outbox) {
  for (host::Effect& effect : outbox) {
    if (auto* const found = std::get_if<Effect>(&effect)) return found;
  }
  return nullptr;
}

template <class Effect>
std::size_t count(const host::Outbox& outbox) {
  std::size_t found = 0;
  for (const host::Effect& effect : outbox) found += std::holds_alternative<Effect>(effect) ? 1 : 0;
  return found;
}

/// The Respond of an outbox; CHECKed to be there.
host::Respond& response(host::Outbox& outbox);
std::string bodyText(const host::Respond& respond);
std::string header(const host::Respond& respond, std::string_view name);

}  // namespace atolld::webapi
