#pragma once

#include <string>
#include <vector>

namespace atolld::cli {

struct ProcessResult {
  int exitCode = 0;       ///< 128 + signal where one ended it.
  std::string errorText;  ///< What it wrote to stderr, if captured.
};

/// Runs a program to its end, without a shell. Its stdout goes to our stderr, so that ours stays
/// clean for --json. Throws CliError when it cannot be started.
ProcessResult runProcess(const std::vector<std::string>& command, const std::string& directory,
                         bool captureErrors);

}  // namespace atolld::cli
