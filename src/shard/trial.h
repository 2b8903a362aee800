#pragma once

#include <chrono>

#include "base/result.h"
#include "deploy/deployment.h"
#include "isolate/isolate.h"

namespace atolld::shard {

struct TrialLimits {
  isolate::IsolateLimits isolate;
  std::chrono::milliseconds cpuMax{1000};  ///< CPU time of the top level, all modules together.
};

/// Whether `version` loads: it is compiled, linked and evaluated once, in an isolate and on a
/// thread of its own that are gone when this returns. What it does there reaches nobody: I/O is
/// refused at the top level, and what it logs is dropped.
///
/// Costs two isolates (milliseconds), compilation and what the top level does. Any thread that may
/// block; Platform::start() must have run.
///
/// @error Script, InvalidArgument: syntax error, missing import, exception at the top level, a
/// broken limit, no handler; with module, line and mend for the developer.
Result<> tryLoad(const deploy::Version& version, const TrialLimits& limits);

/// As much of that as can be known without running any of it: it compiles and links. For nodes
/// on which no tenant's code may run. @error Script, InvalidArgument
Result<> tryLink(const deploy::Version& version);

}  // namespace atolld::shard
