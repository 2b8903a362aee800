#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "isolate/isolate_state.h"

// In V8's library, not in its public headers (src/base/logging.h): called by a failing CHECK before
// it ends the process.
namespace v8::base {
void SetFatalFunction(void (*onFatal)(const char* file, int line, const char* message));
}  // namespace v8::base

/// Keeps a script that wants more memory than it may have from taking the process with it: V8 ends
/// the process when a heap limit is reached for good, so the limit is raised once, and the script
/// is terminated while it runs into the room above. What grows past that within one built-in
/// function, which looks for no termination, leaves the thread to its LastResort.
namespace atolld::isolate {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
// One allocation can be this large in one go (an array of 2^27 elements): with less room V8 gives
// up before the termination is seen.
constexpr std::size_t kHeadroomBytes = 1024 * kMiB;
// While another isolate has the large headroom. Bounds what all of them can take together.
constexpr std::size_t kSmallHeadroomBytes = 64 * kMiB;

std::atomic<const IsolateState*> headroomOwner = nullptr;

std::size_t onNearHeapLimit(void* data, std::size_t currentLimit, std::size_t) {
  auto& state = *static_cast<IsolateState*>(data);
  endSlice(state, Loss::HeapLimit);
  if (std::exchange(state.hasHeadroom, true)) return currentLimit;  // That was all.
  const IsolateState* nobody = nullptr;
  const bool mine = headroomOwner.compare_exchange_strong(nobody, &state) || nobody == &state;
  return currentLimit + (mine ? kHeadroomBytes : kSmallHeadroomBytes);
}

/// Memory that the heap limit does not see: resizable buffers and Wasm memories bypass the
/// allocator, but V8 counts them, and collects because of them.
void onGarbageCollected(v8::Isolate* isolate, v8::GCType, v8::GCCallbackFlags, void* data) {
  auto& state = *static_cast<IsolateState*>(data);
  state.slicesUntilMeasure = 0;
  v8::HeapStatistics statistics;
  isolate->GetHeapStatistics(&statistics);
  if (statistics.external_memory() > state.limits.bufferBytesMax + state.limits.heapBytesMax) {
    endSlice(state, Loss::ExternalMemoryLimit);
  }
}

void onAnyCollection(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* data) {
  auto& state = *static_cast<IsolateState*>(data);
  state.bufferBytesAfterGc = state.allocator->usedBytes();
  ++state.gcCount;
}

/// No allocation, no locks.
void writeFatal(const char* what, const char* location, const char* detail) noexcept {
  std::array<char, 512> text;
  const int length =
      std::snprintf(text.data(), text.size(), "atolld: V8: %s: %s: %s\n", what,
                    location == nullptr ? "" : location, detail == nullptr ? "" : detail);
  if (length > 0) {
    const auto size = std::min(static_cast<std::size_t>(length), text.size() - 1);
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), size);
  }
}

thread_local LastResort* lastResort = nullptr;

/// V8 has given up on the isolate of this thread. Whatever it could not do without, was memory.
void giveUp() noexcept {
  v8::Isolate* const isolate = v8::Isolate::TryGetCurrent();
  if (isolate == nullptr || lastResort == nullptr) return;
  IsolateState& state = stateOf(isolate);
  Loss none = Loss::None;
  state.loss.compare_exchange_strong(none, Loss::HeapLimit);
  releaseHeadroom(state);
  lastResort->onIsolateBroken();
}

void onFatalError(const char* location, const char* message) {
  writeFatal("fatal error", location, message);
  giveUp();
}

void onOutOfMemory(const char* location, const v8::OOMDetails& details) {
  writeFatal(details.is_heap_oom ? "out of heap memory" : "out of memory", location,
             details.detail);
  giveUp();
}

/// Any other CHECK that fails leaves V8 in a state that nobody knows: the process ends.
void onCheckFailed(const char*, int, const char* message) {
  constexpr std::string_view kArrayTooLong = "Fatal JavaScript invalid size error";
  if (!std::string_view(message).starts_with(kArrayTooLong)) return;
  writeFatal("fatal error", "", message);
  giveUp();
}

}  // namespace

void installHeapGuard(IsolateState& state) {
  state.v8->AddNearHeapLimitCallback(&onNearHeapLimit, &state);
  state.v8->AddGCEpilogueCallback(&onGarbageCollected, &state, v8::kGCTypeMarkSweepCompact);
  state.v8->AddGCEpilogueCallback(&onAnyCollection, &state, v8::kGCTypeAll);
  state.v8->SetFatalErrorHandler(&onFatalError);
  state.v8->SetOOMErrorHandler(&onOutOfMemory);
  v8::base::SetFatalFunction(&onCheckFailed);
}

void collectYoungBuffers(IsolateState& state) noexcept {
  constexpr std::size_t kMuch = 8 * kMiB;
  if (state.allocator->usedBytes() < state.bufferBytesAfterGc + kMuch) return;
  if (state.loss.load(std::memory_order_relaxed) != Loss::None) return;
  // V8 itself lets 32 MB of them wait, and has no call for it but a full collection: the space is
  // filled up.
  constexpr int kFillerElements = 8 * 1024;
  constexpr std::size_t kFillerBytes = kFillerElements * sizeof(void*);
  const std::uint32_t before = state.gcCount;
  for (std::size_t filled = 0; filled < kYoungGenerationBytes && state.gcCount == before;
       filled += kFillerBytes) {
    const v8::HandleScope scope(state.v8);
    v8::Array::New(state.v8, kFillerElements);
  }
}

void setLastResort(LastResort* resort) noexcept { lastResort = resort; }

void releaseHeadroom(const IsolateState& state) noexcept {
  const IsolateState* mine = &state;
  headroomOwner.compare_exchange_strong(mine, nullptr);
}

}  // namespace atolld::isolate
