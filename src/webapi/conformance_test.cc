// Runs the JavaScript tests of tests/conformance/webapi, each file in an isolate of its own.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "webapi/test_script.h"

namespace atolld::webapi {
namespace {

std::filesystem::path testFolder() {
  const char* const root = std::getenv("ATOLL_SOURCE_ROOT");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests/conformance/webapi";
}

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("Each Web API keeps the promises of tests/conformance/webapi") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(testFolder())) {
    if (entry.path().filename() != "harness.js") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  REQUIRE_FALSE(files.empty());
  const std::string harness = contentOf(testFolder() / "harness.js");
  for (const auto& path : files) {
    const std::string name = path.stem().string();
    CAPTURE(name);
    TestScript script(harness + contentOf(path));
    // The first line counts the tests, the others are what failed.
    std::istringstream report(script.text());
    std::string line;
    REQUIRE(std::getline(report, line));
    CHECK_MESSAGE(line.ends_with(" tests"), name, ": ", line);
    CHECK(line != "0 tests");
    while (std::getline(report, line)) FAIL_CHECK(name, ": ", line);
  }
}

}  // namespace atolld::webapi
