#include "shard/trial.h"

#include <format>
#include <memory>

#include "isolate/validator.h"
#include "shard/script_thread.h"
#include "shard/watchdog.h"

namespace atolld::shard {
namespace {

Result<> loadOnce(const deploy::Version& version, const TrialLimits& limits) {
  ATOLL_TRY_VOID(isolate::validate(version));
  ATOLL_TRY(const std::unique_ptr<isolate::Isolate> isolate,
            isolate::Isolate::create(limits.isolate));
  SliceRunner runner({.cpuMax = limits.cpuMax, .quantum = {}});
  runner.begin(nullptr);
  runner.enters(*isolate);
  // Borrowed: the isolate is gone before the version is.
  Result<> loaded =
      isolate->load(std::shared_ptr<const deploy::Version>(std::shared_ptr<void>(), &version));
  if (!runner.end().inTime && loaded) {
    isolate::host::Outbox nothing;
    loaded = isolate->run({}, nothing);  // Says which limit ended it.
  }
  return loaded;
}

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

Result<> tryLoad(const deploy::Version& version, const TrialLimits& limits) {
  Result<> loaded;
  {
    const ScriptThread thread("trial", [&] { loaded = loadOnce(version, limits); });
  }
  if (!loaded) return std::unexpected(explain(loaded.error(), limits));
  return {};
}

}  // namespace atolld::shard
