#include "shard/trial.h"

#include <condition_variable>
#include <format>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "isolate/validator.h"
#include "shard/script_thread.h"
#include "shard/watchdog.h"
#include "shard/write_offs.h"

namespace atolld::shard {
namespace {

/// One trial: shared by its thread and by who waits for it, since a thread that is stuck in V8
/// stays.
class Trial final : public Seat {
 public:
  Trial(const deploy::Version& version, const TrialLimits& limits)
      : version_(version), limits_(limits) {}

  /// On the trial's thread.
  void run() { finish(load(), false); }

  struct Outcome {
    Result<> loaded;
    bool stuck = false;  ///< The thread does not come back.
  };
  Outcome wait() {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return outcome_.has_value(); });
    return *outcome_;
  }

 private:
  void drive(SliceRunner&) override {}  // There is nothing else to go on with.
  void onStuckSlice() noexcept override { finish(std::unexpected(isolate_->loss()), true); }

  Result<> load() {
    ATOLL_TRY_VOID(isolate::validate(version_));
    ATOLL_TRY(isolate_, isolate::Isolate::create(limits_.isolate));
    SliceRunner runner({.cpuMax = limits_.cpuMax, .quantum = {}});
    runner.begin(this);
    runner.enters(*isolate_);
    // Borrowed: the isolate is gone before the version is.
    Result<> loaded =
        isolate_->load(std::shared_ptr<const deploy::Version>(std::shared_ptr<void>(), &version_));
    // What was compiled here, the first cold start need not compile.
    if (loaded) isolate_->storeCode(isolate::Isolate::CodeState::Loaded);
    if (!runner.end().inTime && loaded) {
      isolate::host::Outbox nothing;
      loaded = isolate_->run({}, nothing);  // Says which limit ended it.
    }
    isolate_.reset();  // On this thread, which has the stack for it.
    return loaded;
  }

  void finish(Result<> loaded, bool stuck) noexcept {
    const std::scoped_lock lock(mutex_);
    if (outcome_) return;
    outcome_ = {std::move(loaded), stuck};
    finished_.notify_one();
  }

  const deploy::Version version_;
  const TrialLimits limits_;
  std::unique_ptr<isolate::Isolate> isolate_;  // Before the slice begins; then it stays.
  std::mutex mutex_;
  std::condition_variable finished_;
  std::optional<Outcome> outcome_;  // Guarded by mutex_.
};

/// A limit broken here is the upload's fault, and says so.
Error explain(const Error& error, const TrialLimits& limits) {
  switch (error.code) {
    case ErrorCode::Timeout:
      return {ErrorCode::Script,
              std::format("the script used more than {} ms of CPU time before it was ready: its "
                          "top level loops, or does work that belongs into the handlers",
                          limits.cpuMax.count())};
    case ErrorCode::TooLarge:
      return {ErrorCode::Script, error.detail +
                                     " before it was ready: make large data in the handlers, or "
                                     "keep less of it"};
    default:
      return error;
  }
}

}  // namespace

Result<> tryLink(const deploy::Version& version) {
  Result<> linked;
  {
    const ScriptThread thread("trial", [&] { linked = isolate::validate(version); });
  }
  return linked;
}

Result<> tryLoad(const deploy::Version& version, const TrialLimits& limits) {
  const auto trial = std::make_shared<Trial>(version, limits);
  ScriptThread thread("trial", [trial] { trial->run(); });
  const Trial::Outcome outcome = trial->wait();
  if (outcome.stuck) {
    thread.detach();
    WriteOffs::ofProcess().add(version, outcome.loaded.error());
  }
  if (!outcome.loaded) return std::unexpected(explain(outcome.loaded.error(), limits));
  return {};
}

}  // namespace atolld::shard
