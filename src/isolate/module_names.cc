#include "isolate/module_names.h"

#include <vector>

namespace atolld::isolate {

Result<std::string> normalizeModuleName(std::string_view name) {
  std::vector<std::string_view> parts;
  std::string_view rest = name;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  "'" + std::string(name) + "' points outside of the upload");
    } else {
      parts.pop_back();
    }
  }
  std::string normal;
  for (const std::string_view part : parts) {
    if (!normal.empty()) normal += '/';
    normal += part;
  }
  return normal;
}

Result<std::string> resolveModuleName(std::string_view specifier, std::string_view referrer) {
  if (specifier.starts_with("./") || specifier.starts_with("../") || specifier == "." ||
      specifier == "..") {
    const std::size_t slash = referrer.rfind('/');
    const std::string_view folder =
        slash == std::string_view::npos ? std::string_view() : referrer.substr(0, slash + 1);
    return normalizeModuleName(std::string(folder) + std::string(specifier));
  }
  if (specifier.starts_with('/')) return normalizeModuleName(specifier);
  return std::string(specifier);
}

}  // namespace atolld::isolate
