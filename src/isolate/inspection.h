#pragma once

#include <v8-inspector.h>
#include <v8.h>

#include <atomic>
#include <memory>
#include <string>

#include "isolate/inspector.h"

namespace atolld::isolate {

/// One isolate as debuggers see it: V8's own inspector, and the session of the front-end. Inside a
/// slice, but for interrupt() and hasWork().
class Inspection final : private v8_inspector::V8InspectorClient,
                         private v8_inspector::V8Inspector::Channel {
 public:
  /// `version` is about to be loaded in `context`.
  Inspection(v8::Isolate* isolate, v8::Local<v8::Context> context, Inspector& inspector,
             const deploy::Version& version);
  ~Inspection() override;

  /// Carries out what the front-end has sent.
  void dispatch();
  bool hasWork() const { return script_->hasWork(*this, attachment_.load()); }
  /// Has dispatch() called inside the JavaScript that runs, if any does. Any thread.
  void interrupt();

  /// The data: URL of a module's source map; empty if it has none.
  std::string sourceMapUrl(const std::string& module) const;
  /// Shows in the console what a handler has thrown.
  void reportError(v8::Local<v8::Context> context, v8::Local<v8::Value> error);

 private:
  void carryOut(InspectedScript::Work work);
  void wrapConsole(v8::Local<v8::Context> context);

  // ---- V8InspectorClient ----
  void runMessageLoopOnPause(int contextGroupId) override;
  void quitMessageLoopOnPause() override { quitsPause_ = true; }
  double currentTimeMS() override;
  std::unique_ptr<v8_inspector::StringBuffer> resourceNameToUrl(
      const v8_inspector::StringView& resourceName) override;
  v8::Local<v8::Context> ensureDefaultContextInGroup(int contextGroupId) override;

  // ---- Channel ----
  void sendResponse(int callId, std::unique_ptr<v8_inspector::StringBuffer> message) override;
  void sendNotification(std::unique_ptr<v8_inspector::StringBuffer> message) override;
  void flushProtocolNotifications() override {}

  v8::Isolate* const isolate_;
  v8::Global<v8::Context> context_;
  Inspector& inspector_;
  const deploy::Version& version_;
  const std::shared_ptr<InspectedScript> script_;
  std::atomic<std::uint64_t> attachment_ = 0;  ///< The one that `session_` belongs to.
  std::shared_ptr<Frontend> frontend_;
  bool isDispatching_ = false;
  bool isPaused_ = false;
  bool quitsPause_ = false;
  std::unique_ptr<v8_inspector::V8Inspector> v8Inspector_;
  std::unique_ptr<v8_inspector::V8InspectorSession> session_;
};

}  // namespace atolld::isolate
