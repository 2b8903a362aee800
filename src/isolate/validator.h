#pragma once

#include "base/result.h"
#include "deploy/deployment.h"

namespace atolld::isolate {

/// Whether `version` would load, as far as that can be said without running it: every module
/// compiles (JavaScript, Wasm, JSON), every import names something that is there and exports what
/// is asked of it, and the main module has a default export. Compiles and links; never evaluates.
///
/// Costs an isolate (milliseconds) plus compilation. Any thread with kScriptThreadStackBytes of
/// stack that may block; Platform::start() must have run.
///
/// @error Script, InvalidArgument, with module, line and mend for the developer.
Result<> validate(const deploy::Version& version);

}  // namespace atolld::isolate
