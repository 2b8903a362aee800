#include "gateway/refusal.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace atolld::gateway {

TEST_CASE("every refusal has a row in the README with its code, status and retry") {
  const char* const root = std::getenv("ATOLL_SOURCE");
  std::ifstream file(std::string(root ? root : ".") + "/src/gateway/README.md");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  for (const RefusalInfo& info : refusals()) {
    CAPTURE(info.code);
    const std::string row = "| `" + std::string(info.code) + "` | " + std::to_string(info.status) +
                            " | " + (info.retryable ? "yes |" : "|");
    CHECK(readme.find(row) != std::string::npos);
    CHECK(&refusalInfo(info.refusal) == &info);
  }
}

}  // namespace atolld::gateway
