#pragma once

#include <v8.h>

#include <memory>
#include <span>
#include <string_view>

#include "deploy/deployment.h"
#include "isolate/host.h"

namespace atolld::isolate {

/// A C++ function the built-in JavaScript (isolates/web) can call as `native.<name>(...)`. The
/// table is the same, in the same order, when the snapshot is made and when isolates start from it.
struct Native {
  std::string_view name;
  v8::FunctionCallback callback;
};

/// A file of isolates/web, compiled into the binary. Evaluated as the body of
/// `(function (native, internals) { … })`: `native` carries the Native functions,
/// `loadScript(name)` and V8's get- and setContinuationPreservedEmbedderData(), `internals` is the
/// one object that built-in scripts share and tenants never see.
struct WebScript {
  std::string_view name;    ///< "web/streams.js"
  std::string_view source;  ///< ASCII; lives as long as the process (external strings point at it).
  bool eager = true;        ///< Run into the snapshot; otherwise on first use, by
                            ///< `native.loadScript(name)`, which gives what the script returns.
};

class Isolate;

/// The API inside the isolates, seen from isolate/, which names none; implemented by webapi/. One
/// per process, stateless; what it keeps per isolate is a GuestState. Called inside a slice only.
class Guest {
 public:
  struct State {
    virtual ~State() = default;
  };

  virtual ~Guest() = default;
  virtual std::span<const Native> natives() const = 0;
  virtual std::span<const WebScript> scripts() const = 0;

  /// Once per isolate, after the context came out of the snapshot. `internals` is the shared
  /// object.
  virtual std::unique_ptr<State> attach(Isolate& isolate, v8::Local<v8::Context> context,
                                        v8::Local<v8::Object> internals) const = 0;
  /// Once, when the version is known and before its modules run: what dates and flags change
  /// among the globals. `isServiceWorker`: the script exports no handlers and listens for events.
  virtual void beforeLoad(Isolate& isolate, v8::Local<v8::Context> context,
                          bool isServiceWorker) const {}
  /// Once, after the main module was evaluated: builds `env`, checks the handlers.
  /// @error Script, with a text that says what to change
  virtual Result<> onLoaded(Isolate& isolate, v8::Local<v8::Context> context,
                            v8::Local<v8::Object> mainNamespace) const = 0;
  /// Delivers one event; the microtask checkpoint after it is the isolate's. A JS exception left
  /// pending is a bug of ours: script errors become host::Failed effects.
  virtual void deliver(Isolate& isolate, v8::Local<v8::Context> context,
                       host::Event&& event) const = 0;

  /// At the end of a slice, for each promise that was rejected in it and has no handler; `reason`
  /// is what it was rejected with. Microtasks are drained once more afterwards.
  virtual void onUnhandledRejection(Isolate& isolate, v8::Local<v8::Context> context,
                                    v8::Local<v8::Promise> promise,
                                    v8::Local<v8::Value> reason) const {}
  /// At the end of a slice, for each promise that onUnhandledRejection() was called for earlier and
  /// that has got a handler in this one.
  virtual void onRejectionHandled(Isolate& isolate, v8::Local<v8::Context> context,
                                  v8::Local<v8::Promise> promise,
                                  v8::Local<v8::Value> reason) const {}
  /// At the end of a slice, for each exception that a microtask threw and nobody caught.
  virtual void onUncaughtException(Isolate& isolate, v8::Local<v8::Context> context,
                                   v8::Local<v8::Value> exception) const {}
  /// The exports of a module that the platform provides ("cloudflare:workers"): an object whose own
  /// enumerable properties are the exports; include "default" where there is one. Empty: there is
  /// no such module. Asked once per isolate and specifier, while the script's modules are linked.
  virtual v8::MaybeLocal<v8::Object> builtinModule(Isolate& isolate, v8::Local<v8::Context> context,
                                                   std::string_view specifier) const {
    return {};
  }
};

}  // namespace atolld::isolate
