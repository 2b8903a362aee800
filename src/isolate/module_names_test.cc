#include <doctest/doctest.h>

#include "isolate/module_names.h"

namespace atolld::isolate {
namespace {

TEST_CASE("resolveModuleName finds what a browser would find inside the upload") {
  struct Row {
    std::string_view specifier, referrer, name;
  };
  for (const auto& [specifier, referrer, name] : {
           Row{"./a.js", "index.js", "a.js"},
           Row{"./a.js", "lib/index.js", "lib/a.js"},
           Row{"../a.js", "lib/index.js", "a.js"},
           Row{"../../a.js", "x/y/z.js", "a.js"},
           Row{"./b/../a.js", "index.js", "a.js"},
           Row{".//a.js", "index.js", "a.js"},
           Row{"/a.js", "lib/deep/index.js", "a.js"},
           Row{"lib/util.js", "x/y.js", "lib/util.js"},
           Row{"@scope/package", "index.js", "@scope/package"},
           Row{"..a.js", "lib/index.js", "..a.js"},
       }) {
    CAPTURE(specifier);
    CAPTURE(referrer);
    CHECK(resolveModuleName(specifier, referrer).value() == name);
  }
}

TEST_CASE("resolveModuleName never leaves the upload") {
  for (const std::string_view specifier :
       {"../a.js", "./../a.js", "../../etc/passwd", "/../a.js", "./x/../../a.js", ".."}) {
    CAPTURE(specifier);
    CHECK_FALSE(resolveModuleName(specifier, "index.js").has_value());
  }
}

}  // namespace
}  // namespace atolld::isolate
