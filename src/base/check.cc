#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace atolld {

void checkFailed(std::string_view what, std::source_location where) noexcept {
  std::fprintf(stderr, "atoll: %.*s at %s:%u (%s)\n", static_cast<int>(what.size()), what.data(),
               where.file_name(), where.line(), where.function_name());
  std::fflush(stderr);
  std::abort();
}

}  // namespace atolld
