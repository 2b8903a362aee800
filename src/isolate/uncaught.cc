#include <utility>

#include "isolate/isolate_state.h"
#include "isolate/process.h"

namespace atolld::isolate {
namespace {

// More than a person would read: a script that rejects in a loop keeps no memory of ours.
constexpr std::size_t kUncaughtMax = 64;

void onPromiseReject(v8::PromiseRejectMessage message) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  IsolateState& state = stateOf(isolate);
  const v8::Local<v8::Promise> promise = message.GetPromise();
  switch (message.GetEvent()) {
    case v8::kPromiseRejectWithNoHandler:
      if (state.uncaught.size() >= kUncaughtMax) return;
      state.uncaught.push_back({v8::Global<v8::Promise>(isolate, promise),
                                v8::Global<v8::Value>(isolate, message.GetValue())});
      return;
    case v8::kPromiseHandlerAddedAfterReject:
      if (std::erase_if(state.uncaught, [&](const IsolateState::Uncaught& uncaught) {
            return uncaught.promise == promise;
          }) > 0) {
        return;
      }
      if (state.uncaught.size() >= kUncaughtMax) return;
      state.uncaught.push_back({v8::Global<v8::Promise>(isolate, promise),
                                v8::Global<v8::Value>(isolate, promise->Result()), true});
      return;
    case v8::kPromiseRejectAfterResolved:
    case v8::kPromiseResolveAfterResolved:
      return;
  }
}

/// An exception that left a microtask. (Without a listener V8 prints it to stdout.)
void onMessage(v8::Local<v8::Message>, v8::Local<v8::Value> exception) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  IsolateState& state = stateOf(isolate);
  if (state.uncaught.size() >= kUncaughtMax) return;
  state.uncaught.push_back({{}, v8::Global<v8::Value>(isolate, exception)});
}

}  // namespace

void installUncaughtHandlers(v8::Isolate* isolate) {
  isolate->SetPromiseRejectCallback(&onPromiseReject);
  isolate->AddMessageListener(&onMessage);
}

namespace {

void reportOnce(Isolate& isolate, IsolateState& state, v8::Local<v8::Context> context) {
  for (IsolateState::Uncaught& uncaught : std::exchange(state.uncaught, {})) {
    if (state.loss.load() != Loss::None) return;
    const v8::HandleScope scope(state.v8);
    const v8::Local<v8::Value> value = uncaught.value.Get(state.v8);
    if (uncaught.promise.IsEmpty()) {
      process().guest.onUncaughtException(isolate, context, value);
    } else if (uncaught.handledLate) {
      process().guest.onRejectionHandled(isolate, context, uncaught.promise.Get(state.v8), value);
    } else {
      process().guest.onUnhandledRejection(isolate, context, uncaught.promise.Get(state.v8), value);
    }
  }
  state.v8->PerformMicrotaskCheckpoint();
}

}  // namespace

void reportUncaught(Isolate& isolate, IsolateState& state, v8::Local<v8::Context> context) {
  // What the reporting itself leaves uncaught comes next, but not without end: then it waits for
  // the next slice.
  constexpr int kRoundsMax = 4;
  const v8::TryCatch tryCatch(state.v8);
  for (int round = 0; round < kRoundsMax && !state.uncaught.empty(); ++round) {
    if (state.loss.load() != Loss::None) return;
    reportOnce(isolate, state, context);
  }
}

}  // namespace atolld::isolate
