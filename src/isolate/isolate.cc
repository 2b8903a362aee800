#include "isolate/isolate.h"

#include <libplatform/libplatform.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "isolate/hardening.h"
#include "isolate/isolate_state.h"
#include "isolate/process.h"
#include "isolate/v8_strings.h"
#include "isolate/web_scripts.h"

namespace atolld::isolate {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
// Reserved address space for JIT code; V8's default is 512 MB per isolate.
constexpr std::size_t kCodeRangeBytes = 64 * kMiB;

v8::Isolate::CreateParams createParams(const IsolateState& state) {
  v8::Isolate::CreateParams params;
  params.snapshot_blob = &process().snapshot;
  params.external_references = process().references.data();
  params.array_buffer_allocator_shared = state.allocator;
  params.allow_atomics_wait = false;  // It blocks the thread.
  params.constraints.set_max_old_generation_size_in_bytes(state.limits.heapBytesMax);
  params.constraints.set_max_young_generation_size_in_bytes(kYoungGenerationBytes);
  params.constraints.set_code_range_size_in_bytes(kCodeRangeBytes);
  return params;
}

bool allowWasmCompile(v8::Local<v8::Context>, v8::Local<v8::String>) {
  return stateOf(v8::Isolate::GetCurrent()).wasmCompileAllowed;
}

bool noSharedArrayBuffer(v8::Local<v8::Context>) { return false; }

void configure(v8::Isolate* isolate) {
  isolate->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate->SetAllowWasmCodeGenerationCallback(&allowWasmCompile);
  isolate->SetSharedArrayBufferConstructorEnabledCallback(&noSharedArrayBuffer);
  isolate->SetCaptureStackTraceForUncaughtExceptions(true, 8);
  installUncaughtHandlers(isolate);
  ModuleGraph::installHooks(isolate);
}

v8::Local<v8::Object> takeObject(v8::Local<v8::Context> context, SnapshotData index) {
  // Cannot fail: Platform::start() checked that the snapshot is ours.
  return context->GetDataFromSnapshotOnce<v8::Object>(index).ToLocalChecked();
}

/// Makes the context from the snapshot and attaches the guest.
void makeContext(Isolate& isolate, IsolateState& state) {
  const v8::Locker locker(state.v8);
  const v8::Isolate::Scope isolateScope(state.v8);
  const v8::HandleScope handleScope(state.v8);
  const v8::Local<v8::Context> context = v8::Context::New(state.v8);
  const v8::Context::Scope contextScope(context);
  context->AllowCodeGenerationFromStrings(false);
  context->SetErrorMessageForCodeGenerationFromStrings(asciiString(
      state.v8, "eval() and new Function() are not available: code runs only as it was deployed"));
  const v8::Local<v8::Object> hardenWasm = takeObject(context, kHardenWasmData);
  // V8 gives a context that may be written down no WebAssembly.
  if (!state.adopted) hardenWebAssembly(context, hardenWasm.As<v8::Function>());
  const v8::Local<v8::Object> internals = takeObject(context, kInternalsData);
  setContextObjects(context, takeObject(context, kNativeData), internals,
                    takeObject(context, kLoadedScriptsData));
  state.context.Reset(state.v8, context);
  state.outbox = &state.earlyEffects;
  state.guestState = process().guest.attach(isolate, context, internals);
  state.outbox = nullptr;
}

/// Runs what V8 posted to itself for this isolate: incremental marking, and finalizers, which are
/// script.
void pumpTasks(v8::Isolate* isolate) {
  bool any = false;
  while (v8::platform::PumpMessageLoop(&v8Platform(), isolate)) any = true;
  if (any) isolate->PerformMicrotaskCheckpoint();
}

/// Carries out what a debugger wants, which may run script; V8 does some of it in tasks of its own.
void inspect(const IsolateState& state) {
  if (state.inspection == nullptr || !state.inspection->hasWork()) return;
  const v8::HandleScope handleScope(state.v8);
  const v8::TryCatch tryCatch(state.v8);
  state.inspection->dispatch();
  state.v8->PerformMicrotaskCheckpoint();
  pumpTasks(state.v8);
}

}  // namespace

thread_local v8::Isolate* isolateToAdopt = nullptr;

Error lossError(Loss loss, const IsolateLimits& limits) {
  switch (loss) {
    case Loss::None:
      return {ErrorCode::Internal, "the isolate is not lost"};
    case Loss::LoadFailed:
      return {ErrorCode::Script, "the script failed to load"};
    case Loss::HeapLimit:
      return {ErrorCode::TooLarge, std::format("the script used more than its {} MB of memory",
                                               limits.heapBytesMax / kMiB)};
    case Loss::ExternalMemoryLimit:
      return {ErrorCode::TooLarge,
              std::format("the script used more than its {} MB of buffers and Wasm memory",
                          limits.bufferBytesMax / kMiB)};
    case Loss::CpuLimit:
      return {ErrorCode::Timeout, "the script used more CPU time than it may"};
  }
  return {ErrorCode::Internal, "unknown loss"};
}

IsolateState& stateOf(v8::Isolate* isolate) noexcept { return *Isolate::from(isolate).state_; }

void endSlice(IsolateState& state, Loss reason) noexcept {
  Loss none = Loss::None;
  state.loss.compare_exchange_strong(none, reason);
  state.v8->TerminateExecution();
}

Isolate::Isolate(std::unique_ptr<IsolateState> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Isolate>> Isolate::create(const IsolateLimits& limits) {
  auto state = std::make_unique<IsolateState>();
  state->limits = limits;
  state->allocator = std::make_shared<BufferAllocator>(limits.bufferBytesMax);
  state->adopted = isolateToAdopt != nullptr;
  state->v8 = state->adopted ? std::exchange(isolateToAdopt, nullptr)
                             : v8::Isolate::New(createParams(*state));
  auto isolate = std::unique_ptr<Isolate>(new Isolate(std::move(state)));
  IsolateState& s = *isolate->state_;
  s.v8->SetData(kIsolateDataSlot, isolate.get());
  setWebScripts(s.v8, process().scripts);
  if (!s.adopted) configure(s.v8);  // It leaves callbacks in the heap.
  makeContext(*isolate, s);
  if (!s.adopted) installHeapGuard(s);
  return isolate;
}

Isolate::~Isolate() {
  IsolateState& s = *state_;
  {
    const v8::Locker locker(s.v8);
    const v8::Isolate::Scope isolateScope(s.v8);
    const v8::HandleScope handleScope(s.v8);
    s.guestState.reset();
    s.modules.reset();
    s.inspection.reset();
    s.uncaught.clear();
    s.context.Reset();
  }
  if (s.adopted) return;
  disposeIsolate(s.v8);
  releaseHeadroom(s);
}

Result<> Isolate::load(std::shared_ptr<const deploy::Version> version) {
  IsolateState& s = *state_;
  ATOLL_CHECK(s.version == nullptr && version != nullptr);
  s.version = std::move(version);
  const Entered entered(s);
  const v8::TryCatch tryCatch(s.v8);  // Where a termination ends.
  s.outbox = &s.earlyEffects;
  if (s.limits.inspector != nullptr) {
    s.inspection =
        std::make_unique<Inspection>(s.v8, entered.context, *s.limits.inspector, *s.version);
  }
  s.modules = std::make_unique<ModuleGraph>(*this, s.version);
  const StillClock scriptClock;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const Result<> loaded = [&]() -> Result<> {
    ATOLL_TRY_VOID(s.modules->link(entered.context));
    s.loadTimes.compile = Clock::now() - start;
    process().guest.beforeLoad(*this, entered.context, s.modules->isServiceWorker());
    ATOLL_TRY(const v8::Local<v8::Object> exports, s.modules->evaluate(entered.context));
    return process().guest.onLoaded(*this, entered.context, exports);
  }();
  s.loadTimes.evaluate = Clock::now() - start - s.loadTimes.compile;
  s.loadTimes.cached = !s.modules->compiledAny();
  if (s.loss.load() == Loss::None) reportUncaught(*this, s, entered.context);
  s.slicesUntilMeasure = 0;
  measureHeap(s);
  s.outbox = nullptr;
  if (const Loss loss = s.loss.load(); loss != Loss::None) {
    return std::unexpected(lossError(loss, s.limits));
  }
  if (!loaded) s.loss.store(Loss::LoadFailed);
  return loaded;
}

Result<> Isolate::link(std::shared_ptr<const deploy::Version> version) {
  IsolateState& s = *state_;
  ATOLL_CHECK(s.version == nullptr && version != nullptr);
  s.version = std::move(version);
  const Entered entered(s);
  const v8::TryCatch tryCatch(s.v8);
  s.modules = std::make_unique<ModuleGraph>(*this, s.version);
  Result<> linked = s.modules->link(entered.context);
  if (linked) linked = s.modules->compileUnimported(entered.context);
  if (const Loss loss = s.loss.load(); loss != Loss::None) {
    return std::unexpected(lossError(loss, s.limits));
  }
  s.loss.store(Loss::LoadFailed);
  return linked;
}

bool Isolate::hasCodeToStore() const noexcept {
  return state_->modules != nullptr && state_->modules->hasCodeToStore();
}

const Isolate::LoadTimes& Isolate::loadTimes() const noexcept { return state_->loadTimes; }

void Isolate::storeCode(CodeState state) {
  IsolateState& s = *state_;
  if (s.loss.load() != Loss::None || !hasCodeToStore()) return;
  const Entered entered(s);
  s.modules->storeCode(state == CodeState::Used);
}

bool Isolate::wantsCollection() const noexcept {
  constexpr std::size_t kMuch = 8 * kMiB;
  constexpr std::chrono::minutes kInterval{1};  // A busy one is idle for moments, again and again.
  const std::size_t held = std::max(heapBytes(), state_->allocator->usedBytes());
  return held > std::max(kMuch, 2 * state_->bytesAfterCollection) &&
         (!state_->collectedAt ||
          std::chrono::steady_clock::now() - *state_->collectedAt >= kInterval);
}

void Isolate::collectGarbage() {
  IsolateState& s = *state_;
  if (s.loss.load() != Loss::None) return;
  const Entered entered(s);
  s.v8->LowMemoryNotification();
  malloc_trim(0);  // What was in small blocks would stay with glibc.
  s.slicesUntilMeasure = 0;
  measureHeap(s);
  s.collectedAt = std::chrono::steady_clock::now();
  s.bytesAfterCollection = std::max(heapBytes(), s.allocator->usedBytes());
}

Result<> Isolate::run(std::span<host::Event> events, host::Outbox& outbox) {
  IsolateState& s = *state_;
  if (const Loss loss = s.loss.load(); loss != Loss::None) {
    return std::unexpected(lossError(loss, s.limits));
  }
  const Entered entered(s);
  s.outbox = &outbox;
  s.outboxBytes = 0;
  if (!s.earlyEffects.empty()) {
    outbox.insert(outbox.end(), std::make_move_iterator(s.earlyEffects.begin()),
                  std::make_move_iterator(s.earlyEffects.end()));
    s.earlyEffects.clear();
  }
  const Guest& guest = process().guest;
  const StillClock clock;
  inspect(s);
  for (host::Event& event : events) {
    StillClock::advance();
    const v8::HandleScope handleScope(s.v8);
    const v8::TryCatch tryCatch(s.v8);  // Where a termination ends.
    s.running.store(host::invocationOf(event), std::memory_order_relaxed);
    guest.deliver(*this, entered.context, std::move(event));
    s.v8->PerformMicrotaskCheckpoint();
    if (s.loss.load(std::memory_order_relaxed) != Loss::None) break;
  }
  inspect(s);
  if (!s.uncaught.empty()) reportUncaught(*this, s, entered.context);
  collectYoungBuffers(s);
  measureHeap(s);
  s.outbox = nullptr;
  // The monitor may look at the next slice before its first event has begun.
  s.running.store(0, std::memory_order_relaxed);
  if (const Loss loss = s.loss.load(std::memory_order_relaxed); loss != Loss::None) {
    return std::unexpected(lossError(loss, s.limits));
  }
  return {};
}

bool Isolate::wantsInspection() const noexcept {
  return state_->inspection != nullptr && state_->inspection->hasWork();
}

void Isolate::terminate() noexcept { endSlice(*state_, Loss::CpuLimit); }

Error Isolate::loss() const { return lossError(state_->loss.load(), state_->limits); }

const std::shared_ptr<const deploy::Version>& Isolate::version() const noexcept {
  return state_->version;
}

std::size_t Isolate::heapBytes() const noexcept {
  return state_->heapBytes.load(std::memory_order_relaxed);
}

Isolate& Isolate::from(v8::Isolate* v8Isolate) noexcept {
  return *static_cast<Isolate*>(v8Isolate->GetData(kIsolateDataSlot));
}

v8::Isolate* Isolate::v8() const noexcept { return state_->v8; }

host::InvocationId Isolate::runningInvocation() const noexcept {
  return state_->running.load(std::memory_order_relaxed);
}

host::Outbox& Isolate::outbox() noexcept {
  ATOLL_CHECK(state_->outbox != nullptr);
  return *state_->outbox;
}

void Isolate::countOutbox(std::size_t bytes) noexcept {
  state_->outboxBytes += bytes;
  if (state_->outboxBytes > state_->limits.bufferBytesMax) {
    endSlice(*state_, Loss::ExternalMemoryLimit);
  }
}

Guest::State& Isolate::guestState() noexcept { return *state_->guestState; }

void measureHeap(IsolateState& state) noexcept {
  // GetHeapStatistics walks the heap's spaces: not on every slice, but on most of the first, after
  // which an isolate may be idle for long.
  constexpr std::uint32_t kIntervalMax = 64;
  if (state.slicesUntilMeasure-- > 0) return;
  state.slicesUntilMeasure = state.measureInterval - 1;
  state.measureInterval = std::min(2 * state.measureInterval, kIntervalMax);
  pumpTasks(state.v8);
  v8::HeapStatistics statistics;
  state.v8->GetHeapStatistics(&statistics);
  state.heapBytes.store(
      statistics.total_heap_size() + statistics.external_memory() + statistics.malloced_memory(),
      std::memory_order_relaxed);
}

}  // namespace atolld::isolate
