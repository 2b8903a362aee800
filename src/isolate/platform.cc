#include <libplatform/libplatform.h>
#include <v8.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

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

/// What scripts on this thread see; see StillClock.
enum class ClockState : std::uint8_t { Runs, Unread, Still };
thread_local ClockState clockState = ClockState::Runs;
thread_local double stillMillis = 0;

/// Of this thread's disposeIsolate(); else null.
thread_local const v8::Isolate* disposing = nullptr;

/// V8 posts the task that lets go of an ended heap's pages to some other isolate, which may have
/// nothing to run for hours: a worker thread runs it. It touches no isolate but to be cancelled.
class ForegroundRunner final : public v8::TaskRunner {
 public:
  ForegroundRunner(v8::Platform& all, const v8::Isolate* isolate,
                   std::shared_ptr<v8::TaskRunner> own)
      : all_(all), isolate_(isolate), own_(std::move(own)) {}

  bool IdleTasksEnabled() override { return own_->IdleTasksEnabled(); }
  bool NonNestableTasksEnabled() const override { return own_->NonNestableTasksEnabled(); }
  bool NonNestableDelayedTasksEnabled() const override {
    return own_->NonNestableDelayedTasksEnabled();
  }

 protected:
  void PostTaskImpl(std::unique_ptr<v8::Task> task, const v8::SourceLocation& location) override {
    own_->PostTask(std::move(task), location);
  }
  void PostNonNestableTaskImpl(std::unique_ptr<v8::Task> task,
                               const v8::SourceLocation& location) override {
    own_->PostNonNestableTask(std::move(task), location);
  }
  void PostDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds,
                           const v8::SourceLocation& location) override {
    if (disposing != nullptr && disposing != isolate_) {
      all_.PostDelayedTaskOnWorkerThread(v8::TaskPriority::kBestEffort, std::move(task), seconds,
                                         location);
    } else {
      own_->PostDelayedTask(std::move(task), seconds, location);
    }
  }
  void PostNonNestableDelayedTaskImpl(std::unique_ptr<v8::Task> task, double seconds,
                                      const v8::SourceLocation& location) override {
    own_->PostNonNestableDelayedTask(std::move(task), seconds, location);
  }
  void PostIdleTaskImpl(std::unique_ptr<v8::IdleTask> task,
                        const v8::SourceLocation& location) override {
    own_->PostIdleTask(std::move(task), location);
  }

 private:
  v8::Platform& all_;
  const v8::Isolate* const isolate_;
  const std::shared_ptr<v8::TaskRunner> own_;
};

/// V8's own platform but for the clock behind Date, and for where tasks of a disposal run.
class HostPlatform final : public v8::Platform {
 public:
  explicit HostPlatform(v8::Platform& all) : all_(all) {}

  double CurrentClockTimeMillis() override {
    if (clockState == ClockState::Still) return stillMillis;
    const double now = all_.CurrentClockTimeMillis();
    if (clockState == ClockState::Unread) {
      stillMillis = now;
      clockState = ClockState::Still;
    }
    return now;
  }
  std::int64_t CurrentClockTimeMilliseconds() override {
    return static_cast<std::int64_t>(CurrentClockTimeMillis());
  }
  double CurrentClockTimeMillisecondsHighResolution() override { return CurrentClockTimeMillis(); }

  v8::PageAllocator* GetPageAllocator() override { return all_.GetPageAllocator(); }
  v8::ThreadIsolatedAllocator* GetThreadIsolatedAllocator() override {
    return all_.GetThreadIsolatedAllocator();
  }
  void OnCriticalMemoryPressure() override { all_.OnCriticalMemoryPressure(); }
  int NumberOfWorkerThreads() override { return all_.NumberOfWorkerThreads(); }
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate* isolate,
                                                          v8::TaskPriority priority) override {
    return std::make_shared<ForegroundRunner>(all_, isolate,
                                              all_.GetForegroundTaskRunner(isolate, priority));
  }
  bool IdleTasksEnabled(v8::Isolate* isolate) override { return all_.IdleTasksEnabled(isolate); }
  std::unique_ptr<v8::ScopedBlockingCall> CreateBlockingScope(v8::BlockingType type) override {
    return all_.CreateBlockingScope(type);
  }
  double MonotonicallyIncreasingTime() override { return all_.MonotonicallyIncreasingTime(); }
  StackTracePrinter GetStackTracePrinter() override { return all_.GetStackTracePrinter(); }
  v8::TracingController* GetTracingController() override { return all_.GetTracingController(); }
  v8::HighAllocationThroughputObserver* GetHighAllocationThroughputObserver() override {
    return all_.GetHighAllocationThroughputObserver();
  }
  void DumpWithoutCrashing() override { all_.DumpWithoutCrashing(); }

 protected:
  std::unique_ptr<v8::JobHandle> CreateJobImpl(v8::TaskPriority priority,
                                               std::unique_ptr<v8::JobTask> task,
                                               const v8::SourceLocation& location) override {
    return all_.CreateJob(priority, std::move(task), location);
  }
  void PostTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                  const v8::SourceLocation& location) override {
    all_.PostTaskOnWorkerThread(priority, std::move(task), location);
  }
  void PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority priority, std::unique_ptr<v8::Task> task,
                                         double delay,
                                         const v8::SourceLocation& location) override {
    all_.PostDelayedTaskOnWorkerThread(priority, std::move(task), delay, location);
  }

 private:
  v8::Platform& all_;
};

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
    v8::V8::InitializePlatform(new HostPlatform(*platform));
    v8::V8::Initialize();
  });
}

StillClock::~StillClock() { clockState = ClockState::Runs; }

void StillClock::advance() noexcept { clockState = ClockState::Unread; }

v8::Platform& v8Platform() {
  ATOLL_CHECK(platform != nullptr);
  return *platform;
}

void disposeIsolate(v8::Isolate* isolate) {
  v8::platform::NotifyIsolateShutdown(&v8Platform(), isolate);
  disposing = isolate;
  isolate->Dispose();
  disposing = nullptr;
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
