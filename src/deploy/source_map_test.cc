#include "deploy/source_map.h"

#include <doctest/doctest.h>

#include <format>

#include "deploy/mapped_stack.h"
#include "deploy/stack_mapper.h"

namespace atolld::deploy {
namespace {

// What esbuild 0.28 made of src/a.ts, two lines: the second one throws.
//   1 | const greeting: string = "hi";
//   2 | export function fail() { throw new Error(greeting); }
constexpr std::string_view kMap = R"({"version":3,"sources":["../../src/a.ts"],)"
                                  R"("sourcesContent":["const greeting: string = \"hi\";\n)"
                                  R"(export function fail() { throw new Error(greeting); }\n"],)"
                                  R"("mappings":";AAAA,IAAM,WAAmB;AAClB,SAAS,OAAO;AAAE,QAAM,)"
                                  R"(IAAI,MAAM,QAAQ;AAAG;","names":[]})";

std::string withMappings(std::string_view mappings) {
  return std::format(R"({{"version":3,"sources":["a"],"mappings":"{}"}})", mappings);
}

std::string faultOf(std::string_view json) {
  const auto parsed = SourceMap::parse(json);
  return parsed ? "" : parsed.error().detail;
}

}  // namespace

TEST_CASE("a place in the bundle leads to the place in the source") {
  const SourceMap map = SourceMap::parse(kMap).value();
  // Bundle: a comment, `const greeting = "hi";`, `function fail() {`, `  throw new Error(…);`, `}`.
  const auto thrown = map.find(4, 9);
  REQUIRE(thrown);
  CHECK(thrown->source == "src/a.ts");
  CHECK(thrown->line == 2);
  CHECK(thrown->column == 32);
  CHECK(map.find(2, 7)->column == 7);
  CHECK(map.textOf(*thrown)->starts_with("const greeting"));
  CHECK_FALSE(map.find(1, 1));  // Nothing maps the comment.
  CHECK_FALSE(map.find(9, 1));
  CHECK_FALSE(map.find(0, 0));
  CHECK(map.find(4, 1'000'000)->line == 2);
}

TEST_CASE("segments without a source, and out of order, are understood") {
  // Column 8 first, then back to 0; column 4 is of the bundler's own making.
  const SourceMap map = SourceMap::parse(withMappings("QAAA,RAAC,I")).value();
  CHECK(map.find(1, 9)->column == 1);
  CHECK(map.find(1, 2)->column == 2);
  CHECK_FALSE(map.find(1, 6));
}

TEST_CASE("what is no source map is refused with the reason") {
  CHECK(faultOf("") == "no source map: it is no JSON object");
  CHECK(faultOf("[]") == "no source map: it is no JSON object");
  CHECK(faultOf(R"({"version":2,"sources":[],"mappings":""})") ==
        "no source map: its version is not 3");
  CHECK(faultOf(R"({"version":3,"sections":[]})") ==
        "no source map: maps in sections are not supported");
  CHECK(faultOf(R"({"version":3,"sources":{},"mappings":""})") ==
        "no source map: it has no \"sources\" and \"mappings\"");
  for (const std::string_view damaged : {"!", "A!", "AA", "AAA", "g", "gggggggggA", "D", "AAAD"}) {
    CAPTURE(damaged);
    CHECK(faultOf(withMappings(damaged)) == "no source map: a mapping is damaged");
  }
  CHECK(faultOf(withMappings("ACAA")) == "no source map: a mapping names no source");
  CHECK(faultOf(withMappings("AAAAAA")) == "no source map: a mapping has too many fields");
  CHECK(faultOf(withMappings("")).empty());
  CHECK(faultOf(withMappings(";;,,;")).empty());
}

TEST_CASE("a stack's places are rewritten, and the first is shown with its lines") {
  const SourceMap map = SourceMap::parse(kMap).value();
  const StackModule modules[] = {{"index.js", "", &map}, {"lib/x.js", "one\ntwo\n", nullptr}};
  const MappedStack mapped = mapStack(
      "Error: hi index.js is not a place\n    at fail (index.js:4:9)\n    at index.js:1:1\n"
      "    at async Object.fetch (lib/x.js:2:1)\n    at other.js:4:9 (myindex.js:4:9)",
      modules);
  CHECK(mapped.text ==
        "Error: hi index.js is not a place\n    at fail (src/a.ts:2:32)\n    at index.js:1:1\n"
        "    at async Object.fetch (lib/x.js:2:1)\n    at other.js:4:9 (myindex.js:4:9)");
  REQUIRE(mapped.excerpt);
  CHECK(mapped.excerpt->source == "src/a.ts");
  CHECK(mapped.excerpt->line == 2);
  REQUIRE(mapped.excerpt->lines.size() == 2);
  CHECK(mapped.excerpt->lines[1].first == 2);
  CHECK(mapped.excerpt->lines[1].second.starts_with("export function fail"));
  const MappedStack plain = mapStack("lib/x.js:2:1: SyntaxError", modules);
  CHECK(plain.excerpt->lines[1].second == "two");
  CHECK_FALSE(mapStack("index.js:4 index.js:x:1 index.js:99999999999:1", modules).excerpt);
}

TEST_CASE("an upload's error is told where its author finds it") {
  const std::vector<Module> modules = {
      {.name = "index.js", .type = ModuleType::EsModule, .content = {}, .hash = {}},
      {.name = "index.js.map",
       .type = ModuleType::SourceMap,
       .content = Bytes(std::string(kMap)),
       .hash = {}}};
  CHECK(mapUploadStack(modules, "index.js:4:9: Error: hi") == "src/a.ts:2:32: Error: hi");
  CHECK(mapUploadStack({modules[0]}, "index.js:4:9: Error: hi") == "index.js:4:9: Error: hi");
}

}  // namespace atolld::deploy
