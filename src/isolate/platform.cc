#include <libplatform/libplatform.h>
#include <v8.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "isolate/isolate.h"
#include "isolate/process.h"
#include "isolate/snapshot_blob.h"

namespace atolld::isolate {
namespace {

/// GC work is charged to the thread in the slice, not to anonymous workers; a Wasm memory is 128 MB
/// at most, which also bounds its reserved address space; one optimizing thread per process does
/// not starve shards; SharedArrayBuffer would be a clock; unrolled loops can lose their interrupt
/// check, and `for (;;) a.push(new Array(1000))` could not be terminated.
constexpr const char* kFlags =
    "--single-threaded-gc --wasm-max-mem-pages=2048 --concurrent-turbofan-max-threads=1 "
    "--enable-sharedarraybuffer-per-context --no-turboshaft-loop-unrolling";

// Never destroyed: V8 threads may run until the process ends.
v8::Platform* platform = nullptr;
const Process* started = nullptr;

}  // namespace

void initializeV8(Seeds seeds) {
  static std::once_flag once;
  std::call_once(once, [seeds] {
    v8::V8::SetFlagsFromString(kFlags);
    if (seeds == Seeds::Fixed) v8::V8::SetFlagsFromString("--hash-seed=1 --random-seed=1");
    const int workers = std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, 8);
    platform = v8::platform::NewDefaultPlatform(workers).release();
    v8::V8::InitializePlatform(platform);
    v8::V8::Initialize();
  });
}

v8::Platform& v8Platform() {
  ATOLL_CHECK(platform != nullptr);
  return *platform;
}

const Process& process() {
  ATOLL_CHECK(started != nullptr);
  return *started;
}

Platform& Platform::start(std::string_view snapshot, const Guest& guest) {
  ATOLL_CHECK(started == nullptr);
  initializeV8(Seeds::Random);
  auto* const made = new Process(guest);
  const std::string_view blob = unpackSnapshot(made->references.fingerprint(), snapshot);
  // A snapshot of another guest names other functions by the same positions.
  ATOLL_CHECK(!blob.empty());
  made->snapshot = {blob.data(), static_cast<int>(blob.size())};
  ATOLL_CHECK(made->snapshot.IsValid());
  started = made;
  static Platform instance;
  return instance;
}

}  // namespace atolld::isolate
