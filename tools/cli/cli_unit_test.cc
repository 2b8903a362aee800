#include <doctest/doctest.h>

#include <string>

#include "bundle.h"
#include "jsonc.h"
#include "project.h"

namespace atolld::cli {
namespace {

std::string errorOf(std::string_view text) {
  try {
    parseJsonc(text, "w.jsonc");
  } catch (const CliError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("parseJsonc reads comments and trailing commas, and leaves strings alone") {
  CHECK(parseJsonc("{\"a\":1}", "w")["a"] == 1);
  CHECK(parseJsonc("\xef\xbb\xbf{}", "w").empty());
  CHECK(parseJsonc("[1, 2, ]", "w").size() == 2);
  CHECK(parseJsonc("{\"a\": [1,\n // one\n ], /* two */ }", "w")["a"].size() == 1);
  CHECK(parseJsonc(R"({"a": "// no", "b": "/* no */", "c": "\"//", "d": ",]",})", "w") ==
        Json({{"a", "// no"}, {"b", "/* no */"}, {"c", "\"//"}, {"d", ",]"}}));
  CHECK(parseJsonc("/**/ 1 // end", "w") == 1);
  CHECK(parseJsonc("[1 /* a, */ , /* ] */ ]", "w").size() == 1);
}

TEST_CASE("parseJsonc refuses what is none, with its place") {
  CHECK(errorOf("{\n  \"a\": 1\n  \"b\": 2\n}").starts_with("w.jsonc:3:"));
  CHECK(errorOf("{ /* open").starts_with("w.jsonc:1:3: "));
  for (const std::string_view hostile :
       {"", "{", "[,]", "[1,,]", "{,}", "{\"a\"}", "\"open", "\"open\\", "/", "/*", "//", "[1,2",
        "1 2", "{\"a\":1}/", "nul", "\xff", "[1]]"}) {
    CAPTURE(hostile);
    CHECK(errorOf(hostile).starts_with("w.jsonc:"));
  }
}

TEST_CASE("matchesGlob knows directories, stars and braces") {
  const struct {
    const char *glob, *path;
    bool matches;
  } kTable[] = {
      {"**/*.js", "a.js", true},
      {"**/*.js", "a/b/c.js", true},
      {"**/*.js", "a.jsx", false},
      {"*.js", "a/b.js", false},
      {"*.js", "b.js", true},
      {"lib/**", "lib/a/b", true},
      {"lib/**/x.js", "lib/x.js", true},
      {"lib/**/x.js", "lib/a/b/x.js", true},
      {"lib/**/x.js", "lib/ax.js", false},
      {"**/*.{txt,md}", "a/b.md", true},
      {"**/*.{txt,md}", "a/b.mdx", false},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"**/*.wasm?module", "a.wasm", true},
      {"./a.js", "a.js", true},
      {"", "", true},
      {"", "a", false},
      {"{", "{", true},
  };
  for (const auto& [glob, path, matches] : kTable) {
    CAPTURE(glob);
    CAPTURE(path);
    CHECK(matchesGlob(glob, path) == matches);
  }
}

TEST_CASE("scriptNameFrom makes a hostname label of anything") {
  CHECK(scriptNameFrom("My App!") == "my-app");
  CHECK(scriptNameFrom("--a__b--") == "a-b");
  CHECK(scriptNameFrom("\xc3\xa4") == "script");
  CHECK(scriptNameFrom(std::string(100, 'a')).size() == 63);
}

TEST_CASE("esbuildErrors puts the place in front of each message") {
  const auto errors = esbuildErrors(
      "\xe2\x9c\x98 [ERROR] Unexpected \"}\"\n\n    src/a.ts:2:10:\n      2 \xe2\x94\x82   fetch( "
      "};\n"
      "        \xe2\x95\xb5          ^\n\n"
      "\xe2\x9c\x98 [ERROR] Could not resolve \"x\"\n\n    src/b.ts:1:7:\n      1 \xe2\x94\x82 "
      "import\n\n"
      "  You can mark the path \"x\" as external.\n\n1 error\n\xe2\x9c\x98 [ERROR] No place\n");
  REQUIRE(errors.size() == 3);
  CHECK(errors[0] == "src/a.ts:2:10: Unexpected \"}\"");
  CHECK(errors[1] == "src/b.ts:1:7: Could not resolve \"x\"");
  CHECK(errors[2] == "No place");
}

}  // namespace atolld::cli
