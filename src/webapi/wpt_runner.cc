// wpt_runner ROOT HARNESS.js NODE_MODULES: runs files of the Web Platform Tests, each in a fresh
// isolate of ours with the real built-ins. tests/conformance/wpt drives it.
//
// A line on stdin is a test: its path below ROOT with "?variant", a tab, and the paths of the
// scripts to run, as JSON. Answers are lines of JSON on stdout: what harness.js there reports, then
// {"end":"done"}, or {"end":"idle"} when nothing more could happen, or {"end": what went wrong}.
// A file that crashes or never yields takes the process with it: the driver's to see.

#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "isolate/isolate.h"
#include "isolate/snapshot.h"
#include "webapi/bytes.h"
#include "webapi/guest.h"

namespace atolld::webapi {
namespace {

namespace fs = std::filesystem;
namespace host = isolate::host;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kAuthority = "web-platform.test:8000";
/// Answered with the body that it was sent.
constexpr std::string_view kEcho = "/fetch/api/resources/echo-content.py";
/// harness.js starts a timer of this delay: it fires when nothing else can happen any more.
constexpr std::uint64_t kIdleMillis = 0x7fffffff;
/// Then a file is told that its time is up; twice that, and it is given up.
constexpr std::chrono::seconds kFileTime{60};
/// When nothing happens for so long, nothing will: V8 compiles WebAssembly in the background.
constexpr std::chrono::milliseconds kRoundTime{10};
constexpr int kIdleRounds = 200;

/// Where the suite is, npm's packages, and harness.js with files of our own.
fs::path root, nodeModules, own;

/// Names that the suite's own server knows, and what is served; libraries that Debian's source
/// package leaves out are npm's.
std::optional<fs::path> aliasOf(const fs::path& relative) {
  if (relative == "resources/WebIDLParser.js") return root / "resources/webidl2/lib/webidl2.js";
  if (relative == "compression/third_party/pako/pako_inflate.min.js") {
    return nodeModules / "pako/dist/pako_inflate.min.js";
  }
  if (*relative.begin() == "atoll") return own / relative.filename();
  return std::nullopt;
}

std::optional<std::string> contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path)) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What the suite's own server puts into *.sub.* files.
std::string substituted(std::string text) {
  const std::array<std::pair<const char*, const char*>, 4> rules{{
      {R"(\{\{(?:host|domains\[\])\}\})", "web-platform.test"},
      {R"(\{\{(?:domains|hosts\[alt\])\[([^\]]*)\]\}\})", "$1.web-platform.test"},
      {R"(\{\{ports\[https[^\]]*\]\[\d\]\}\})", "8443"},
      {R"(\{\{ports\[[^\]]*\]\[\d\]\}\})", "8000"},
  }};
  for (const auto& [pattern, replacement] : rules) {
    text = std::regex_replace(text, std::regex(pattern), replacement);
  }
  return text;
}

/// The file of a path in a URL or of an absolute path in a test; never one outside of ROOT.
std::optional<std::string> resource(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  const fs::path relative = fs::path(path).relative_path().lexically_normal();
  if (relative.empty() || *relative.begin() == "..") return std::nullopt;
  auto text = contentOf(aliasOf(relative).value_or(root / relative));
  if (text && relative.string().contains(".sub.")) return substituted(*std::move(text));
  return text;
}

std::string_view contentType(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes{{
      {".js", "text/javascript"},
      {".json", "application/json"},
      {".html", "text/html"},
      {".txt", "text/plain"},
      {".wasm", "application/wasm"},
      {".png", "image/png"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

// ---- what harness.js may call
// --------------------------------------------------------------------

/// run(path): a classic script, in the global scope. What it throws is thrown on.
void runScript(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  v8::Isolate* const isolate = info.GetIsolate();
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const std::string path = *v8::String::Utf8Value(isolate, info[0]);
  const auto text = resource(path);
  v8::Local<v8::String> source, name;
  if (!stringOfUtf8(isolate, text.value_or("")).ToLocal(&source) ||
      !stringOfUtf8(isolate, path).ToLocal(&name)) {
    return;
  }
  if (!text) {
    isolate->ThrowError(name);
    return;
  }
  v8::ScriptOrigin origin(name);
  v8::Local<v8::Script> script;
  v8::Local<v8::Value> result;
  if (!v8::Script::Compile(context, source, &origin).ToLocal(&script) ||
      !script->Run(context).ToLocal(&result)) {
    return;
  }
}

/// report(text): a line of output.
void reportLine(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const v8::String::Utf8Value text(info.GetIsolate(), info[0]);
  std::printf("%s\n", *text);
}

/// collectGarbage()
void collectGarbage(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  info.GetIsolate()->LowMemoryNotification();
}

/// The real guest; its scripts can also make code of strings and bytes, and call the above.
class TestGuest final : public isolate::Guest {
 public:
  std::span<const isolate::Native> natives() const override { return guest().natives(); }
  std::span<const isolate::WebScript> scripts() const override { return guest().scripts(); }

  std::unique_ptr<State> attach(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                                v8::Local<v8::Object> internals) const override {
    v8::Isolate* const v8 = isolate.v8();
    v8->SetAllowWasmCodeGenerationCallback(
        [](v8::Local<v8::Context>, v8::Local<v8::String>) { return true; });
    context->AllowCodeGenerationFromStrings(true);
    const v8::Local<v8::ObjectTemplate> natives = v8::ObjectTemplate::New(v8);
    natives->Set(v8, "run", v8::FunctionTemplate::New(v8, &runScript));
    natives->Set(v8, "report", v8::FunctionTemplate::New(v8, &reportLine));
    natives->Set(v8, "collectGarbage", v8::FunctionTemplate::New(v8, &collectGarbage));
    v8::Local<v8::Object> made;
    v8::Local<v8::String> name;
    ATOLL_CHECK(natives->NewInstance(context).ToLocal(&made) &&
                stringOfUtf8(v8, "wptHost").ToLocal(&name) &&
                context->Global()->Set(context, name, made).FromMaybe(false));
    return guest().attach(isolate, context, internals);
  }
  Result<> onLoaded(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                    v8::Local<v8::Object> mainNamespace) const override {
    return guest().onLoaded(isolate, context, mainNamespace);
  }
  void deliver(isolate::Isolate& isolate, v8::Local<v8::Context> context,
               host::Event&& event) const override {
    guest().deliver(isolate, context, std::move(event));
  }
  void onUnhandledRejection(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Promise> promise,
                            v8::Local<v8::Value> reason) const override {
    guest().onUnhandledRejection(isolate, context, promise, reason);
  }
  void onRejectionHandled(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                          v8::Local<v8::Promise> promise,
                          v8::Local<v8::Value> reason) const override {
    guest().onRejectionHandled(isolate, context, promise, reason);
  }
  void onUncaughtException(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                           v8::Local<v8::Value> exception) const override {
    guest().onUncaughtException(isolate, context, exception);
  }
  v8::MaybeLocal<v8::Object> builtinModule(isolate::Isolate& isolate,
                                           v8::Local<v8::Context> context,
                                           std::string_view specifier) const override {
    return guest().builtinModule(isolate, context, specifier);
  }
};

// ---- one file
// ------------------------------------------------------------------------------------

/// The host of one isolate: timers run in real time, fetch() reads files below ROOT.
class Run {
 public:
  Run(std::unique_ptr<isolate::Isolate> isolate) : isolate_(std::move(isolate)) {}

  std::string go(const std::string& target, const std::string& scripts) {
    host::FetchEvent event;
    event.invocation = 1;
    event.head = std::make_unique<http::RequestHead>();
    event.head->method = "GET";
    event.head->scheme = "http";
    event.head->authority = kAuthority;
    event.head->target = target;
    event.head->headers.add("scripts", scripts);
    events_.push_back(std::move(event));
    while (!done_) {
      if (const auto end = step()) return *end;
    }
    return "done";
  }

 private:
  struct Timer {
    host::TimerId id;
    Clock::time_point due;
  };

  /// Delivers one event, or waits for a timer; what it says ends the file.
  std::optional<std::string> step() {
    const auto now = Clock::now();
    if (now > started_ + 2 * kFileTime) return "idle";
    if (now > started_ + kFileTime && idleTimer_) fireIdle();
    if (!events_.empty()) {
      host::Event event = std::move(events_.front());
      events_.pop_front();
      return slice({&event, 1});
    }
    if (timers_.empty() && idleRounds_ >= kIdleRounds) {
      if (!idleTimer_) return "idle";
      fireIdle();
      return std::nullopt;
    }
    const auto soon = now + kRoundTime;
    if (!timers_.empty() && timers_.begin()->first <= soon) {
      std::this_thread::sleep_until(timers_.begin()->first);
      events_.push_back(host::TimerFired{timers_.begin()->second});
      timers_.erase(timers_.begin());
      return std::nullopt;
    }
    // What V8 compiles in the background, it finishes in tasks that run between slices.
    std::this_thread::sleep_until(soon);
    ++idleRounds_;
    for (int i = 0; i < 70; ++i) {
      if (auto end = slice({})) return end;
    }
    return std::nullopt;
  }

  std::optional<std::string> slice(std::span<host::Event> events) {
    host::Outbox outbox;
    const Result<> ran = isolate_->run(events, outbox);
    if (!outbox.empty()) idleRounds_ = 0;
    for (host::Effect& effect : outbox) {
      std::visit([&](auto& value) { carryOut(value); }, effect);
    }
    if (!ran) return ran.error().detail;
    return std::nullopt;
  }

  void fireIdle() {
    events_.push_front(host::TimerFired{*idleTimer_});
    idleTimer_.reset();
  }

  template <class Effect>
  void carryOut(Effect&) {}  // Whatever tests need not.
  void carryOut(host::Done&) { done_ = true; }
  void carryOut(host::Failed& failed) {
    std::fprintf(stderr, "%s\n%s\n", failed.message.c_str(), failed.stack.c_str());
  }
  void carryOut(host::Log& log) { std::fprintf(stderr, "%s\n", log.text.c_str()); }
  void carryOut(host::TimerStart& timer) {
    if (timer.delayMillis == kIdleMillis && !idleKnown_) {
      idleKnown_ = true;
      idleTimer_ = timer.timer;
      return;
    }
    timers_.emplace(Clock::now() + std::chrono::milliseconds(timer.delayMillis), timer.timer);
  }
  void carryOut(host::TimerCancel& cancel) {
    std::erase_if(timers_, [&](const auto& timer) { return timer.second == cancel.timer; });
  }
  void carryOut(host::BodyWrite& write) {
    events_.push_back(host::BodyAccepted{write.body, write.bytes.size()});
  }
  void carryOut(host::Compute& compute) {
    auto done = compute.work();
    events_.push_back(host::OpDone{compute.op, done ? host::OpValue(*std::move(done))
                                                    : host::OpValue(std::move(done).error())});
  }
  void carryOut(host::FetchStart& fetch) {
    host::OpDone done{fetch.op, {}};
    if (fetch.head->authority != kAuthority) {
      done.value = Error{ErrorCode::Unavailable, "the tests' network has one host"};
    } else {
      host::FetchedResponse response;
      auto* const sent = std::get_if<Bytes>(&fetch.body);
      auto text = fetch.head->target == kEcho && sent ? std::string(sent->view())
                                                      : resource(fetch.head->target);
      response.head.status = text ? 200 : 404;
      response.head.reason = text ? "OK" : "Not Found";
      response.head.headers.add("content-type", contentType(fetch.head->target));
      response.body = Bytes(std::move(text).value_or("not found"));
      done.value = std::move(response);
    }
    events_.push_back(std::move(done));
  }

  std::unique_ptr<isolate::Isolate> isolate_;
  std::deque<host::Event> events_;
  std::multimap<Clock::time_point, host::TimerId> timers_;
  std::optional<host::TimerId> idleTimer_;
  bool idleKnown_ = false;
  int idleRounds_ = 0;  ///< Since something happened.
  bool done_ = false;
  const Clock::time_point started_ = Clock::now();
};

std::shared_ptr<const deploy::Version> versionOf(const std::string& source) {
  auto version = std::make_shared<deploy::Version>();
  version->tenant = "tenant";
  version->script = "script";
  version->mainModule = "harness.js";
  // The tests know browsers: no process, no Buffer, and timers that are numbers.
  version->compatibilityFlags = {"no_nodejs_compat"};
  deploy::Module module;
  module.name = version->mainModule;
  module.hash = module.name;
  module.content = Bytes::copyOf(source);
  version->modules.push_back(std::move(module));
  return version;
}

std::string runFile(const std::string& line, const std::string& harness) {
  const std::size_t tab = line.find('\t');
  if (tab == std::string::npos) return "the line has no tab";
  auto isolate = isolate::Isolate::create({});
  if (!isolate) return isolate.error().detail;
  if (const auto loaded = (*isolate)->load(versionOf(harness)); !loaded) {
    return loaded.error().detail;
  }
  return Run(*std::move(isolate)).go(line.substr(0, tab), line.substr(tab + 1));
}

int runAll(const char* harnessPath) {
  const auto harness = contentOf(harnessPath);
  static const TestGuest testGuest;
  const Result<std::string> snapshot = isolate::makeSnapshot(testGuest);
  if (!snapshot || !harness) {
    std::fprintf(stderr, "%s\n", snapshot ? harnessPath : snapshot.error().detail.c_str());
    return 1;
  }
  isolate::Platform::start(*snapshot, testGuest);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string end = runFile(line, *harness);
    std::erase_if(end, [](char c) { return c == '"' || c == '\\' || c < ' '; });
    std::printf("{\"end\":\"%s\"}\n", end.c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace atolld::webapi

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: wpt_runner ROOT HARNESS.js NODE_MODULES\n");
    return 2;
  }
  atolld::webapi::root = argv[1];
  atolld::webapi::own = std::filesystem::path(argv[2]).parent_path();
  atolld::webapi::nodeModules = argv[3];
  return atolld::webapi::runAll(argv[2]);
}
