#pragma once

#include <functional>
#include <string>

#include "api_client.h"

namespace atolld::cli {

/// Has `onItem` called, on this thread, with each invocation of a script that `filters` (as the API
/// takes them) let through, until the node ends it. Throws CliError where it cannot begin.
/// @return why it has ended.
std::string watchTail(ApiClient& client, const std::string& script, const Json& filters,
                      const std::function<void(const Json&)>& onItem);

/// "cpu 1.2 ms, wall 3 ms" of an invocation.
std::string timesText(const Json& item);

}  // namespace atolld::cli
