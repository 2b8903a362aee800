#include "webapi/test_script.h"

#include <mutex>

#include "isolate/snapshot.h"
#include "webapi/guest.h"

namespace atolld::webapi {
namespace {

void startPlatform() {
  static std::once_flag once;
  std::call_once(once, [] {
    static const Result<std::string> snapshot = isolate::makeSnapshot(guest());
    if (!snapshot) checkFailed(snapshot.error().detail);
    isolate::Platform::start(*snapshot, guest());
  });
}

std::shared_ptr<const deploy::Version> versionOf(std::string source,
                                                 std::vector<deploy::Binding> bindings) {
  auto version = std::make_shared<deploy::Version>();
  version->tenant = "tenant";
  version->script = "script";
  version->mainModule = "index.js";
  version->bindings = std::move(bindings);
  deploy::Module module;
  module.name = "index.js";
  module.hash = source;  // Anything that the content decides will do.
  module.content = Bytes(std::move(source));
  version->modules.push_back(std::move(module));
  return version;
}

std::unique_ptr<isolate::Isolate> newIsolate() {
  startPlatform();
  auto isolate = isolate::Isolate::create({});
  if (!isolate) checkFailed(isolate.error().detail);
  return *std::move(isolate);
}

}  // namespace

TestScript::TestScript(std::string source, std::vector<deploy::Binding> bindings)
    : isolate_(newIsolate()) {
  const Result<> loaded = isolate_->load(versionOf(std::move(source), std::move(bindings)));
  if (!loaded) checkFailed(loaded.error().detail);
}

Result<> TestScript::tryLoad(std::string source) {
  return newIsolate()->load(versionOf(std::move(source), {}));
}

host::Outbox TestScript::run(std::vector<host::Event> events) {
  host::Outbox outbox;
  const Result<> ran = isolate_->run(events, outbox);
  if (!ran) checkFailed(ran.error().detail);
  return outbox;
}

host::FetchEvent TestScript::request(std::string target) {
  host::FetchEvent event;
  event.invocation = ++lastInvocation_;
  event.head = std::make_unique<http::RequestHead>();
  event.head->method = "GET";
  event.head->scheme = "http";
  event.head->authority = "example.com";
  event.head->target = std::move(target);
  return event;
}

host::FetchEvent TestScript::post(std::string body, std::string contentType) {
  host::FetchEvent event = request();
  event.head->method = "POST";
  event.head->headers.add("content-type", contentType);
  event.head->body = http::BodyKind::Length;
  event.head->contentLength = body.size();
  event.body = Bytes(std::move(body));
  return event;
}

host::Outbox TestScript::fetch(host::FetchEvent event) {
  host::Outbox all = run(std::move(event));
  for (std::size_t seen = 0; seen < all.size(); ++seen) {
    host::Outbox more;
    if (const auto* const timer = std::get_if<host::TimerStart>(&all[seen])) {
      more = run(host::TimerFired{timer->timer});
    } else if (auto* const compute = std::get_if<host::Compute>(&all[seen])) {
      auto done = compute->work();
      more = run(host::OpDone{compute->op, done ? host::OpValue(*std::move(done))
                                                : host::OpValue(std::move(done).error())});
    }
    for (host::Effect& effect : more) all.push_back(std::move(effect));
  }
  return all;
}

std::string TestScript::text(host::FetchEvent event) {
  host::Outbox outbox = fetch(std::move(event));
  if (const auto* const failed = find<host::Failed>(outbox)) return "FAILED: " + failed->message;
  std::string text = bodyText(response(outbox));
  for (const host::Effect& effect : outbox) {
    if (const auto* const write = std::get_if<host::BodyWrite>(&effect)) {
      text += write->bytes.view();
    }
  }
  return text;
}

std::string evaluate(std::string expression) {
  TestScript script(R"js(
    function show(value) {
      if (typeof value !== "object" || value === null) return String(value);
      return JSON.stringify(value);
    }
    export default {
      async fetch(request, env, ctx) {
        try {
          return new Response(show(await (async () => ()js" +
                    expression + R"js()) ()));
        } catch (error) {
          return new Response(`${error.name}: ${error.message}`);
        }
      }
    };
  )js");
  return script.text();
}

host::Respond& response(host::Outbox& outbox) {
  auto* const respond = find<host::Respond>(outbox);
  if (respond == nullptr) {
    const auto* const failed = find<host::Failed>(outbox);
    checkFailed(failed == nullptr ? "there is no response" : failed->message + failed->stack);
  }
  return *respond;
}

std::string bodyText(const host::Respond& respond) {
  const auto* const bytes = std::get_if<Bytes>(&respond.body);
  return bytes == nullptr ? std::string() : bytes->toString();
}

std::string header(const host::Respond& respond, std::string_view name) {
  return std::string(respond.head.headers.find(name).value_or("(none)"));
}

}  // namespace atolld::webapi
