#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api_client.h"
#include "project.h"

namespace atolld::cli {

/// A script's modules, the main one first. `fileName` and `name` are the module's name.
using Modules = std::vector<UploadPart>;

/// The content type of a part that no script sees.
inline constexpr const char* kSourceMapType = "application/source-map";

/// The entry as it is, with the files below the base directory that the rules take, where the
/// project asks for them. Throws CliError.
Modules collectModules(const Project& project);

/// The entry bundled by esbuild into one module, with .wasm and other binary imports beside it.
/// Throws CliError whose first line is esbuild's first error with file and line.
Modules bundleModules(const Project& project, const std::string& esbuild);

/// esbuild in a node_modules/.bin of the project or above it, or in PATH.
std::optional<std::string> findEsbuild(const std::string& directory);

/// "src/a.ts:3:10: Expected …" for each error in esbuild's report.
std::vector<std::string> esbuildErrors(std::string_view report);

/// Whether a file is nothing that V8 reads as it is.
bool needsBundling(const std::string& file);

}  // namespace atolld::cli
