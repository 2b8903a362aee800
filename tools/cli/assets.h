#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api_client.h"
#include "project.h"

namespace atolld::cli {

/// A project's static file.
struct AssetFile {
  std::string path;  ///< "/images/a.png": below the directory.
  std::string file;  ///< On this machine.
  std::uint64_t sizeBytes = 0;
  std::string hash;         ///< Of content and kind: equal ones are stored once.
  std::string contentType;  ///< "application/null": not known.
};

/// Every file of the directory but _headers, _redirects and what .assetsignore takes out, by path.
/// Throws CliError.
std::vector<AssetFile> collectAssets(const ProjectAssets& assets);

/// By its name's ending. "application/null" where that says nothing.
std::string_view contentTypeOfFile(std::string_view name);

/// Sends what the node does not have.
/// @return the upload's "metadata.assets".
Json uploadAssets(const Globals& globals, ApiClient& client, const Project& project,
                  const std::vector<AssetFile>& files);

}  // namespace atolld::cli
