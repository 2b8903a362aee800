#pragma once

#include <CLI/App.hpp>
#include <string>

namespace atolld::cli {

/// A shell's script that completes commands and options of `app`, made from what it has.
/// @param shell  "bash", "zsh" or "fish"
std::string completionScript(const CLI::App& app, const std::string& shell);

}  // namespace atolld::cli
