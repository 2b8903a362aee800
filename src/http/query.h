#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace atolld::http {

/// The query of a request: "prefix=a%2Fb&limit=10". '+' is a blank, as forms and URLSearchParams
/// write it.
class Query {
 public:
  /// @error InvalidArgument  a broken escape, or a name twice (which one would count?)
  static Result<Query> parse(std::string_view text);

  std::optional<std::string_view> find(std::string_view name) const;
  /// A number from `min` to `max`. @error InvalidArgument names the parameter and the range.
  Result<std::optional<std::int64_t>> findNumber(std::string_view name, std::int64_t min,
                                                 std::int64_t max) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace atolld::http
