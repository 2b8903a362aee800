#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace atolld::assets {

/// A _headers file: paths (or "https://host/path"), and below each, indented, "Name: value" to set
/// or "! Name" to take away. Every rule that matches counts; two values of one name are joined by a
/// comma.
/// https://developers.cloudflare.com/workers/static-assets/headers/
class HeaderRules {
 public:
  /// @error InvalidArgument  names the line; TooLarge
  static Result<HeaderRules> parse(std::string_view text);

  struct Changes {
    std::vector<std::pair<std::string, std::string>> set;  ///< Lower-case names, each once.
    std::vector<std::string> unset;                        ///< Of those that are there before.
  };
  /// @param host  lower-case, with its port if it has one
  Changes find(std::string_view host, std::string_view path) const;

 private:
  struct Rule {
    std::string host, path;  ///< Patterns; an empty host: any.
    Changes changes;
  };
  std::vector<Rule> rules_;
};

}  // namespace atolld::assets
