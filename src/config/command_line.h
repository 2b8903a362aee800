#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/config.h"

namespace atolld::config {

enum class Mode { Standalone, Control, Edge, VerifyLog };

/// What atolld was started with: the file's configuration with the options on top.
struct CommandLine {
  Mode mode = Mode::Standalone;
  Config config;
  std::string join;   ///< Edge: the control plane's URL; only needed to join.
  std::string token;  ///< Edge: the one-time join token. Never to be logged.
  std::string name;   ///< Edge: its name; empty: one is made up.
  std::string region;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> upstreams;  ///< Edge: URLs to follow, the preferred one first.
};

/// Asked for by --help or --version: print it and exit 0.
struct Printout {
  std::string text;
};

/// Parses `atolld standalone|control|edge|verify-log [options]` and loads the file of --config.
/// `dataDir` is filled in and `http`, `https` are off in mode Control.
/// @param arguments  without the program's name.
/// @error InvalidArgument  one line that names the option or key and the mend: exit code 2.
Result<std::variant<CommandLine, Printout>> parseCommandLine(std::span<const char* const> arguments,
                                                             std::string_view version);

}  // namespace atolld::config
