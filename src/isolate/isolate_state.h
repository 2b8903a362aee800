#pragma once

#include <v8.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "isolate/buffer_allocator.h"
#include "isolate/guest.h"
#include "isolate/host.h"
#include "isolate/inspection.h"
#include "isolate/isolate.h"
#include "isolate/module_graph.h"

namespace atolld::isolate {

/// Why an isolate may not run again.
enum class Loss : std::uint8_t { None, LoadFailed, HeapLimit, ExternalMemoryLimit, CpuLimit };

Error lossError(Loss loss, const IsolateLimits& limits);

/// What the next Isolate::create() of this thread takes instead of a new one, and leaves to its
/// owner: for who makes a snapshot of it.
extern thread_local v8::Isolate* isolateToAdopt;

/// Semi-spaces of 4 MB at the most: an isolate that has done work stays small.
inline constexpr std::size_t kYoungGenerationBytes = std::size_t{12} << 20;

/// What is inside an Isolate; seen by the files of this module only.
struct IsolateState {
  IsolateLimits limits;
  std::shared_ptr<BufferAllocator> allocator;
  v8::Isolate* v8 = nullptr;
  v8::Global<v8::Context> context;
  std::unique_ptr<Guest::State> guestState;
  std::shared_ptr<const deploy::Version> version;
  std::unique_ptr<ModuleGraph> modules;
  std::unique_ptr<Inspection> inspection;  ///< Where debuggers are let in, from load() on.
  Isolate::LoadTimes loadTimes;

  host::Outbox* outbox = nullptr;  ///< The running slice's.
  std::size_t outboxBytes = 0;     ///< Of that outbox, as far as they were counted.
  host::Outbox earlyEffects;       ///< Of loading: go first into the next slice's outbox.

  /// Set by the thread in the slice (limits) or by a watchdog, before TerminateExecution.
  std::atomic<Loss> loss = Loss::None;
  std::atomic<host::InvocationId> running = 0;  ///< Whose event runs.
  bool wasmCompileAllowed = false;
  bool adopted = false;      ///< Somebody else's.
  bool hasHeadroom = false;  ///< Its heap limit was raised (heap_guard.cc).

  /// An exception nobody caught, kept until the slice ends; or a rejection that was reported as one
  /// and has got a handler since.
  struct Uncaught {
    v8::Global<v8::Promise> promise;  ///< Empty: thrown, not rejected.
    v8::Global<v8::Value> value;
    bool handledLate = false;
  };
  std::vector<Uncaught> uncaught;

  std::atomic<std::size_t> heapBytes = 0;
  std::uint32_t slicesUntilMeasure = 0;
  std::uint32_t measureInterval = 1;  ///< Slices.
  // Of the last collectGarbage().
  std::size_t bytesAfterCollection = 0;
  std::optional<std::chrono::steady_clock::time_point> collectedAt;
  std::size_t bufferBytesAfterGc = 0;  ///< Of any kind of garbage collection.
  std::uint32_t gcCount = 0;
};

/// Everything a thread needs to be inside: enters on construction.
struct Entered {
  explicit Entered(IsolateState& state)
      : locker(state.v8),
        isolateScope(state.v8),
        handleScope(state.v8),
        context(state.context.Get(state.v8)),
        contextScope(context) {}

  v8::Locker locker;
  v8::Isolate::Scope isolateScope;
  v8::HandleScope handleScope;
  v8::Local<v8::Context> context;
  v8::Context::Scope contextScope;
};

/// Ends the running slice; the isolate is lost. The first reason stays. Any thread, but only while
/// a slice runs: V8 forgets a termination that comes before the next entry.
void endSlice(IsolateState& state, Loss reason) noexcept;

/// Installs the limits: near-heap-limit, external memory, fatal errors (heap_guard.cc).
void installHeapGuard(IsolateState& state);
/// When the isolate goes.
void releaseHeadroom(const IsolateState& state) noexcept;
/// Collects the young generation if many bytes of ArrayBuffers came since the last collection; at
/// the end of a slice.
void collectYoungBuffers(IsolateState& state) noexcept;
/// Updates `heapBytes` if it is time to.
void measureHeap(IsolateState& state) noexcept;

/// Installs what collects rejections and exceptions nobody handled (uncaught.cc).
void installUncaughtHandlers(v8::Isolate* isolate);
/// Hands them to the guest; end of a slice.
void reportUncaught(Isolate& isolate, IsolateState& state, v8::Local<v8::Context> context);

IsolateState& stateOf(v8::Isolate* isolate) noexcept;

}  // namespace atolld::isolate
