#pragma once

#include <span>
#include <string_view>

namespace atolld::cli {

/// One file of what `atoll init` makes. "name": "<template>" stands where the project's name goes.
struct TemplateFile {
  std::string_view templateName;
  std::string_view path;  ///< Below the project's directory.
  std::string_view content;
};

/// Files of one template stand together. Made at build time by embed_templates.py.
std::span<const TemplateFile> templateFiles();

}  // namespace atolld::cli
