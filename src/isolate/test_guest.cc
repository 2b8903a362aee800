#include "isolate/test_guest.h"

#include <array>
#include <mutex>

#include "base/check.h"
#include "isolate/isolate.h"
#include "isolate/snapshot.h"
#include "isolate/v8_strings.h"

namespace atolld::isolate {
namespace {

struct TestState final : Guest::State {
  v8::Global<v8::Function> handler;
  v8::Global<v8::Function> dispatch;
};

constexpr std::string_view kBaseScript = R"js(
  globalThis.log = (text) => native.log(String(text));
  globalThis.enter = native.enter;
  globalThis.lazy = () => native.loadScript("web/lazy.js");
  // Settles an invocation with what the handler gives, now or later.
  internals.dispatch = async (handler, invocation, target) => {
    try {
      native.respond(invocation, String(await handler(target)));
    } catch (error) {
      native.failed(invocation, String(error));
    }
  };
)js";

constexpr std::string_view kLazyScript = R"js(
  internals.lazyRuns = (internals.lazyRuns ?? 0) + 1;
  return { runs: internals.lazyRuns, hasNative: typeof native.log };
)js";

void log(const v8::FunctionCallbackInfo<v8::Value>& info) {
  Isolate::from(info.GetIsolate())
      .outbox()
      .push_back(host::Log{.text = toUtf8(info.GetIsolate(), info[0])});
}

host::InvocationId invocationOf(const v8::FunctionCallbackInfo<v8::Value>& info) {
  return info[0].As<v8::Uint32>()->Value();
}

void respond(const v8::FunctionCallbackInfo<v8::Value>& info) {
  host::Respond effect;
  effect.invocation = invocationOf(info);
  effect.body = Bytes(toUtf8(info.GetIsolate(), info[1]));
  Isolate::from(info.GetIsolate()).outbox().push_back(std::move(effect));
}

void failed(const v8::FunctionCallbackInfo<v8::Value>& info) {
  Isolate::from(info.GetIsolate())
      .outbox()
      .push_back(host::Failed{.invocation = invocationOf(info),
                              .message = toUtf8(info.GetIsolate(), info[1])});
}

void enter(const v8::FunctionCallbackInfo<v8::Value>&) { testEntered() = true; }

constexpr std::array kNatives{Native{"log", &log}, Native{"enter", &enter},
                              Native{"respond", &respond}, Native{"failed", &failed}};
constexpr std::array kScripts{WebScript{"web/base.js", kBaseScript},
                              WebScript{"web/lazy.js", kLazyScript, false}};

class TestGuest final : public Guest {
 public:
  std::span<const Native> natives() const override { return kNatives; }
  std::span<const WebScript> scripts() const override { return kScripts; }

  std::unique_ptr<State> attach(Isolate& isolate, v8::Local<v8::Context> context,
                                v8::Local<v8::Object> internals) const override {
    auto state = std::make_unique<TestState>();
    state->dispatch.Reset(isolate.v8(),
                          internals->Get(context, asciiString(isolate.v8(), "dispatch"))
                              .ToLocalChecked()
                              .As<v8::Function>());
    return state;
  }

  Result<> onLoaded(Isolate& isolate, v8::Local<v8::Context> context,
                    v8::Local<v8::Object> mainNamespace) const override {
    v8::Isolate* const v8 = isolate.v8();
    v8::Local<v8::Value> exports, handler;
    if (!mainNamespace->Get(context, asciiString(v8, "default")).ToLocal(&exports) ||
        !exports->IsObject() ||
        !exports.As<v8::Object>()->Get(context, asciiString(v8, "fetch")).ToLocal(&handler) ||
        !handler->IsFunction()) {
      return fail(ErrorCode::Script, "the default export has no fetch function");
    }
    stateOf(isolate).handler.Reset(v8, handler.As<v8::Function>());
    return {};
  }

  void deliver(Isolate& isolate, v8::Local<v8::Context> context,
               host::Event&& event) const override {
    auto* const fetch = std::get_if<host::FetchEvent>(&event);
    if (fetch == nullptr) return;
    v8::Isolate* const v8 = isolate.v8();
    std::array<v8::Local<v8::Value>, 3> arguments{
        stateOf(isolate).handler.Get(v8), v8::Integer::NewFromUnsigned(v8, fetch->invocation),
        utf8String(v8, fetch->head->target)};
    const v8::MaybeLocal<v8::Value> called = stateOf(isolate).dispatch.Get(v8)->Call(
        context, v8::Undefined(v8), arguments.size(), arguments.data());
    if (called.IsEmpty()) return;  // Terminated: nothing else gets past dispatch()'s catch.
  }

  void onUnhandledRejection(Isolate& isolate, v8::Local<v8::Context>, v8::Local<v8::Promise>,
                            v8::Local<v8::Value> reason) const override {
    isolate.outbox().push_back(host::Log{.text = "unhandled: " + toUtf8(isolate.v8(), reason)});
  }
  void onUncaughtException(Isolate& isolate, v8::Local<v8::Context>,
                           v8::Local<v8::Value> exception) const override {
    isolate.outbox().push_back(host::Log{.text = "uncaught: " + toUtf8(isolate.v8(), exception)});
  }
  v8::MaybeLocal<v8::Object> builtinModule(Isolate& isolate, v8::Local<v8::Context> context,
                                           std::string_view specifier) const override {
    if (specifier != "test:builtin") return {};
    v8::Isolate* const v8 = isolate.v8();
    const v8::Local<v8::Object> exports = v8::Object::New(v8);
    exports->CreateDataProperty(context, asciiString(v8, "answer"), v8::Integer::New(v8, 42))
        .Check();
    return exports;
  }

 private:
  static TestState& stateOf(Isolate& isolate) {
    return static_cast<TestState&>(isolate.guestState());
  }
};

}  // namespace

std::atomic<bool>& testEntered() {
  static std::atomic<bool> entered = false;
  return entered;
}

const Guest& startTestGuest() {
  static const TestGuest guest;
  static std::once_flag once;
  std::call_once(once, [] {
    static const Result<std::string> snapshot = makeSnapshot(guest);
    ATOLL_CHECK(snapshot.has_value());
    Platform::start(*snapshot, guest);
  });
  return guest;
}

std::shared_ptr<const deploy::Version> testVersion(std::vector<deploy::Module> modules) {
  auto version = std::make_shared<deploy::Version>();
  version->tenant = "tenant";
  version->script = "script";
  version->mainModule = modules.front().name;
  for (const deploy::Module& module : modules) version->id += module.name + module.hash;
  version->modules = std::move(modules);
  return version;
}

std::shared_ptr<const deploy::Version> testVersion(std::string source) {
  std::vector<deploy::Module> modules;
  modules.push_back(testModule("index.js", std::move(source)));
  return testVersion(std::move(modules));
}

deploy::Module testModule(std::string name, std::string content, deploy::ModuleType type) {
  deploy::Module module;
  module.hash = content;  // Anything that content decides will do.
  module.name = std::move(name);
  module.type = type;
  module.content = Bytes(std::move(content));
  return module;
}

host::Event testFetch(host::InvocationId invocation, std::string target) {
  host::FetchEvent event;
  event.invocation = invocation;
  event.head = std::make_unique<http::RequestHead>();
  event.head->method = "GET";
  event.head->target = std::move(target);
  return event;
}

std::string answerOf(Isolate& isolate, std::string target) {
  std::vector<host::Event> events;
  events.push_back(testFetch(1, std::move(target)));
  host::Outbox outbox;
  if (const Result<> ran = isolate.run(events, outbox); !ran) return "lost: " + ran.error().detail;
  std::string text;
  for (const host::Effect& effect : outbox) {
    if (!text.empty()) text += '|';
    text += textOf(effect);
  }
  return text;
}

std::string textOf(const host::Effect& effect) {
  if (const auto* const respond = std::get_if<host::Respond>(&effect)) {
    return std::get<Bytes>(respond->body).toString();
  }
  if (const auto* const failed = std::get_if<host::Failed>(&effect)) return failed->message;
  if (const auto* const log = std::get_if<host::Log>(&effect)) return log->text;
  return {};
}

}  // namespace atolld::isolate
