// api_fuzz CALLS.js [--seed N] [--calls N] [--verbose]: what a script can call survives any call.
//
// Runs api/calls.js in isolate after isolate, each with a seed of its own, as hostile tenants
// would: under the memory and CPU limits of a node, with a host that answers what it asks. Exits 0
// if all calls were made; a crash tells the seed and the call. The same seed makes the same calls:
// `--seed N --calls 2000 --verbose` repeats one isolate and names each call before it is made.

#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <format>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <variant>

#include "base/check.h"
#include "isolate/isolate.h"
#include "isolate/snapshot.h"
#include "shard/script_thread.h"
#include "shard/watchdog.h"
#include "webapi/bytes.h"
#include "webapi/guest.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace atolld {
namespace {

namespace host = isolate::host;

constexpr std::uint32_t kCallsPerIsolate = 2000;
constexpr std::size_t kEventsMax = 400;
constexpr std::chrono::milliseconds kCpuMax{2000};
/// Of one isolate whose every event is slow.
constexpr std::chrono::seconds kIsolateTimeMax{30};
constexpr std::uint32_t kComputesMax = 2;  ///< Done for real, of one isolate.

std::array<char, 512> lastCall{};
bool verbose = false;
bool callsDone = false;
std::string wrong;

// ---- telling what happened ----------------------------------------------------------------------

void tellLastCall() {
  const ssize_t ignored = write(STDERR_FILENO, lastCall.data(), std::strlen(lastCall.data()));
  static_cast<void>(ignored);
}

void onSignal(int number) {
  tellLastCall();
  signal(number, SIG_DFL);
  raise(number);
}

void installReports() {
  signal(SIGABRT, &onSignal);
  if (&__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(&tellLastCall);
  } else {
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) signal(number, &onSignal);
  }
}

std::uint32_t currentSeed = 0;

void say(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const v8::String::Utf8Value text(info.GetIsolate(), info[0]);
  std::snprintf(lastCall.data(), lastCall.size(), "api_fuzz: seed %u: %s\n", currentSeed,
                *text == nullptr ? "?" : *text);
  if (verbose) tellLastCall();
}
void done(const v8::FunctionCallbackInfo<v8::Value>&) noexcept { callsDone = true; }
void failCall(const v8::FunctionCallbackInfo<v8::Value>& info) noexcept {
  const v8::String::Utf8Value text(info.GetIsolate(), info[0]);
  wrong = *text == nullptr ? "?" : *text;
}

/// The real guest; its scripts also see `fuzzHost`.
class FuzzGuest final : public isolate::Guest {
 public:
  std::span<const isolate::Native> natives() const override { return real().natives(); }
  std::span<const isolate::WebScript> scripts() const override { return real().scripts(); }
  std::unique_ptr<State> attach(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                                v8::Local<v8::Object> internals) const override {
    v8::Isolate* const v8 = isolate.v8();
    const v8::Local<v8::ObjectTemplate> natives = v8::ObjectTemplate::New(v8);
    natives->Set(v8, "say", v8::FunctionTemplate::New(v8, &say));
    natives->Set(v8, "done", v8::FunctionTemplate::New(v8, &done));
    natives->Set(v8, "fail", v8::FunctionTemplate::New(v8, &failCall));
    v8::Local<v8::Object> made;
    ATOLL_CHECK(natives->NewInstance(context).ToLocal(&made) &&
                context->Global()
                    ->Set(context, webapi::internalized(v8, "fuzzHost"), made)
                    .FromMaybe(false));
    return real().attach(isolate, context, internals);
  }
  void beforeLoad(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                  bool isServiceWorker) const override {
    real().beforeLoad(isolate, context, isServiceWorker);
  }
  Result<> onLoaded(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                    v8::Local<v8::Object> mainNamespace) const override {
    return real().onLoaded(isolate, context, mainNamespace);
  }
  void deliver(isolate::Isolate& isolate, v8::Local<v8::Context> context,
               host::Event&& event) const override {
    real().deliver(isolate, context, std::move(event));
  }
  void onUnhandledRejection(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Promise> promise,
                            v8::Local<v8::Value> reason) const override {
    real().onUnhandledRejection(isolate, context, promise, reason);
  }
  void onRejectionHandled(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                          v8::Local<v8::Promise> promise,
                          v8::Local<v8::Value> reason) const override {
    real().onRejectionHandled(isolate, context, promise, reason);
  }
  void onUncaughtException(isolate::Isolate& isolate, v8::Local<v8::Context> context,
                           v8::Local<v8::Value> exception) const override {
    real().onUncaughtException(isolate, context, exception);
  }
  v8::MaybeLocal<v8::Object> builtinModule(isolate::Isolate& isolate,
                                           v8::Local<v8::Context> context,
                                           std::string_view specifier) const override {
    return real().builtinModule(isolate, context, specifier);
  }

 private:
  static const isolate::Guest& real() { return webapi::guest(); }
};

// ---- one isolate --------------------------------------------------------------------------------

/// A host that answers at once and mostly badly.
class Host {
 public:
  std::deque<host::Event> events;

  void carryOut(host::Outbox& outbox) {
    for (host::Effect& effect : outbox) {
      std::visit([this](auto& each) { on(each); }, effect);
    }
    outbox.clear();
  }

 private:
  template <class Effect>
  void on(Effect& effect) {
    // Whatever asks is told that it failed.
    if constexpr (requires { effect.op; } && !std::is_same_v<Effect, host::OpCancel>) {
      events.push_back(host::OpDone{effect.op, Error{ErrorCode::Unavailable, "not here"}});
    }
  }
  void on(host::Compute& compute) {
    if (++computes_ > kComputesMax) {
      events.push_back(host::OpDone{compute.op, Error{ErrorCode::Unavailable, "not here"}});
      return;
    }
    auto made = compute.work();
    events.push_back(host::OpDone{compute.op, made ? host::OpValue(*std::move(made))
                                                   : host::OpValue(std::move(made).error())});
  }
  void on(host::TimerStart& timer) { events.push_back(host::TimerFired{timer.timer}); }
  void on(host::BodyWrite& body) {
    events.push_back(host::BodyAccepted{body.body, body.bytes.size()});
  }
  void on(host::BodyPull& body) {
    events.push_back(host::BodyChunk{body.body, Bytes(std::string("chunk"))});
    events.push_back(host::BodyEnd{body.body, std::nullopt});
  }

  std::uint32_t computes_ = 0;
};

std::shared_ptr<const deploy::Version> versionOf(const std::string& source) {
  auto version = std::make_shared<deploy::Version>();
  version->tenant = "tenant";
  version->script = "script";
  version->mainModule = "calls.js";
  deploy::Module module;
  module.name = module.hash = version->mainModule;
  module.content = Bytes::copyOf(source);
  version->modules.push_back(std::move(module));
  return version;
}

host::FetchEvent request(std::uint32_t seed, std::uint32_t calls) {
  host::FetchEvent event;
  event.invocation = 1;
  event.head = std::make_unique<http::RequestHead>();
  event.head->method = "GET";
  event.head->scheme = "http";
  event.head->authority = "fuzz.example";
  event.head->target = std::format("/{}/{}", seed, calls);
  return event;
}

/// One isolate, in a thread of its own: some of V8's built-in functions neither end nor can be
/// ended, and then the thread stays behind.
class Run final : public shard::Seat {
 public:
  Run(std::shared_ptr<const deploy::Version> version, std::uint32_t seed, std::uint32_t calls)
      : version_(std::move(version)), seed_(seed), calls_(calls) {}

  void work() {
    auto made =
        isolate::Isolate::create({.heapBytesMax = 64ull << 20, .bufferBytesMax = 64ull << 20});
    ATOLL_CHECK(made.has_value());
    isolate = *std::move(made);
    end(callAll());
  }
  /// "done", the limit that it broke, or "stuck".
  std::string wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return !outcome_.empty(); });
    return outcome_;
  }

  std::unique_ptr<isolate::Isolate> isolate;

 private:
  void drive(shard::SliceRunner&) override {}
  void onStuckSlice() noexcept override { end("stuck"); }

  void end(std::string outcome) {
    const std::scoped_lock lock(mutex_);
    if (outcome_.empty()) outcome_ = std::move(outcome);
    ended_.notify_one();
  }

  std::string callAll() {
    shard::SliceRunner runner({.cpuMax = kCpuMax, .quantum = {}});
    runner.begin(this);
    runner.enters(*isolate);
    Result<> ran = isolate->load(version_);
    if (!runner.end().inTime && ran) return "cpu";
    Host host;
    host.events.push_back(request(seed_, calls_));
    host::Outbox outbox;
    const auto until = std::chrono::steady_clock::now() + kIsolateTimeMax;
    for (std::size_t n = 0; ran && n < kEventsMax && !host.events.empty() && wrong.empty() &&
                            std::chrono::steady_clock::now() < until;
         ++n) {
      host::Event event = std::move(host.events.front());
      host.events.pop_front();
      runner.begin(this);
      runner.enters(*isolate);
      ran = isolate->run({&event, 1}, outbox);
      if (!runner.end().inTime && ran) ran = isolate->run({}, outbox);
      host.carryOut(outbox);
    }
    if (!ran) return ran.error().detail;
    return callsDone ? "done" : "stopped early";
  }

  const std::shared_ptr<const deploy::Version> version_;
  const std::uint32_t seed_, calls_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::string outcome_;  // Guarded by mutex_.
};

int run(const std::string& source, std::uint32_t seed, std::uint32_t calls) {
  static const FuzzGuest guest;
  const Result<std::string> snapshot = isolate::makeSnapshot(guest);
  if (!snapshot) {
    std::fprintf(stderr, "%s\n", snapshot.error().detail.c_str());
    return 1;
  }
  isolate::Platform::start(*snapshot, guest);
  const auto version = versionOf(source);
  std::map<std::string, int> ends;
  std::unique_ptr<isolate::Isolate> previous;  // Two live at a time, as neighbours do.
  for (std::uint32_t made = 0; made < calls; made += kCallsPerIsolate, ++seed) {
    currentSeed = seed;
    callsDone = false;
    const auto one = std::make_shared<Run>(version, seed, std::min(calls - made, kCallsPerIsolate));
    shard::ScriptThread thread("api-fuzz-one", [one] { one->work(); });
    const std::string end = one->wait();
    ++ends[end];
    if (end == "stuck") {
      std::printf("stuck: %s", lastCall.data());
      thread.detach();
      continue;
    }
    if (!wrong.empty()) {
      std::fprintf(stderr, "api_fuzz: seed %u: %s\n", seed, wrong.c_str());
      return 1;
    }
    previous = std::move(one->isolate);
  }
  for (const auto& [end, count] : ends) std::printf("%6d isolates: %s\n", count, end.c_str());
  // Most must have made all their calls, or this tests little.
  const int wanted = static_cast<int>((calls + kCallsPerIsolate - 1) / kCallsPerIsolate) / 2;
  const int code = ends["done"] >= wanted ? 0 : 1;
  if (ends.contains("stuck")) {
    std::fflush(nullptr);
    _exit(code);  // Threads are still in V8.
  }
  return code;
}

}  // namespace
}  // namespace atolld

int main(int argc, char** argv) {
  std::uint32_t seed = 1, calls = 20'000;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--verbose") atolld::verbose = true;
    if (word == "--seed" && i + 1 < argc) seed = static_cast<std::uint32_t>(std::atoll(argv[++i]));
    if (word == "--calls" && i + 1 < argc)
      calls = static_cast<std::uint32_t>(std::atoll(argv[++i]));
  }
  std::stringstream source;
  source << std::ifstream(argc > 1 ? argv[1] : "").rdbuf();
  if (source.view().empty()) {
    std::fprintf(stderr, "usage: api_fuzz CALLS.js [--seed N] [--calls N] [--verbose]\n");
    return 2;
  }
  atolld::installReports();
  int code = 1;
  {
    const atolld::shard::ScriptThread thread(
        "api-fuzz", [&] { code = atolld::run(source.str(), seed, calls); });
  }
  return code;
}
