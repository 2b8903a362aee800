#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atolld::node {

/// Writes a file that only its owner reads, whole or not at all. @error Io
Result<> writeSecretFile(const std::filesystem::path& path, std::string_view content);

/// @error NotFound
Result<std::string> readFile(const std::filesystem::path& path);

}  // namespace atolld::node
