#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace atolld::node {

/// From here on, a signal that ends this process because of an error first writes what ran on its
/// thread (tenant, script, version) to stderr, and the version to `path`, one a line.
/// @return the versions that have ended the process twice or more, as `path` says
/// @error Io
Result<std::vector<std::string>> reportCrashes(const std::string& path);

}  // namespace atolld::node
