#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace atolld::assets {

/// A _redirects file: a rule a line, "from to [status]". The first rule that takes a path counts,
/// those without star and placeholder before the others.
/// https://developers.cloudflare.com/workers/static-assets/redirects/
class Redirects {
 public:
  /// @error InvalidArgument  names the line; TooLarge
  static Result<Redirects> parse(std::string_view text);

  struct Target {
    std::string location;  ///< Safe to send: of this site where the rule's target is.
    int status = 302;      ///< 200: the file at `location` answers, the URL stays.
  };
  /// @param path  as received, still percent-encoded
  std::optional<Target> find(std::string_view path) const;

 private:
  struct Rule {
    std::string from, to;
    int status;
  };
  std::vector<Rule> exact_;   ///< By `from`; of equal ones the first counts.
  std::vector<Rule> others_;  ///< As in the file.
};

}  // namespace atolld::assets
