#pragma once

#include <string>
#include <string_view>

#include "cli.h"

namespace atolld::cli {

/// Parses JSON with // and /* */ comments and trailing commas, as wrangler.jsonc is written.
/// Throws CliError with `fileName:line:column` of the mistake.
Json parseJsonc(std::string_view text, const std::string& fileName);

/// Parses TOML into the same shape. Throws CliError with file and line.
Json parseToml(std::string_view text, const std::string& fileName);

}  // namespace atolld::cli
