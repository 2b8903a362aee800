#include "deploy/upload_check.h"
#include "deploy/compatibility.h"

#include <doctest/doctest.h>

#include "deploy/test_support.h"

namespace {

using namespace atolld;
using namespace atolld::deploy;
using atolld::deploy::testing::module;
using namespace std::string_literals;

constexpr UnixMillis kToday{std::chrono::milliseconds(1'800'000'000'000)};  // 2027-01-15

Error errorOf(Upload upload, const UploadLimits& limits = {}) {
  const Result<> checked = canonicaliseUpload(upload, limits, kToday);
  REQUIRE_FALSE(checked.has_value());
  return checked.error();
}

Upload with(std::string name, std::string content = "x", ModuleType type = ModuleType::Text) {
  Upload upload = testing::upload("export default {}");
  upload.modules.push_back(module(std::move(name), std::move(content), type));
  return upload;
}

Upload withBinding(Binding binding) {
  Upload upload = testing::upload("export default {}");
  upload.bindings.push_back(std::move(binding));
  return upload;
}

}  // namespace

TEST_CASE("module types have one name each") {
  for (const char* name : {"esm", "cjs", "wasm", "text", "data", "json"}) {
    CHECK(moduleTypeName(parseModuleType(name).value()) == name);
  }
  CHECK_FALSE(parseModuleType("ESM").has_value());
  CHECK_FALSE(parseModuleType("").has_value());
}

TEST_CASE("an upload is brought to one form: order and \"./\" do not matter") {
  Upload upload;
  upload.mainModule = "./src/index.js";
  upload.modules = {module("z.txt", "z", ModuleType::Text), module("./src/index.js", "code"),
                    module("a.wasm", "\0asm\1\0\0\0more"s, ModuleType::Wasm)};
  upload.bindings = {TextBinding{"B", "2"}, JsonBinding{"A", "[1]"}};
  upload.compatibilityFlags = {"rpc", "nodejs_compat", "rpc"};
  REQUIRE(canonicaliseUpload(upload, {}, kToday).has_value());
  CHECK(upload.mainModule == "src/index.js");
  CHECK(upload.modules[0].name == "a.wasm");
  CHECK(upload.modules[1].name == "src/index.js");
  CHECK(upload.modules[2].hash ==
        "594e519ae499312b29433b7dd8a97ff068defcba9755b6d5d00e84c524d67b06");
  CHECK(std::get<JsonBinding>(upload.bindings[0]).name == "A");
  CHECK(upload.compatibilityFlags == std::vector<std::string>{"nodejs_compat", "rpc"});
  CHECK(upload.compatibilityDate == "2027-01-15");
}

TEST_CASE("a module name that could mean anything but a file of the script is refused") {
  for (const std::string& name :
       {""s, "./"s, "/etc/passwd"s, "../x.js"s, "a/../b.js"s, "a/./b.js"s, "a//b.js"s, "a/"s,
        "a\\b.js"s, "node:fs"s, "https://x/y.js"s, "cloudflare:workers"s, "a\nb"s, "a\0b"s,
        "\xff.js"s, ".."s, "."s}) {
    CAPTURE(name);
    const Error error = errorOf(with(name));
    CHECK(error.code == ErrorCode::InvalidArgument);
    CHECK(error.detail.starts_with("module name"));
  }
  CHECK(errorOf(with(std::string(513, 'n'))).code == ErrorCode::TooLarge);
  CHECK(errorOf(with(std::string(513, 'n'))).detail ==
        "a module name has 513 bytes: at most 512 are allowed");
  Upload fine = with(std::string(512, 'n'));
  fine.modules.push_back(module("..a/b...js", "x", ModuleType::Text));
  fine.modules.push_back(module("deadbeef-file.wasm:1/x", "x", ModuleType::Text));
  CHECK(errorOf(fine).detail.contains("looks like a URL"));
  fine.modules.pop_back();
  CHECK(canonicaliseUpload(fine, {}, kToday).has_value());
}

TEST_CASE("the main module must be there and be JavaScript") {
  Upload upload = testing::upload("x");
  upload.mainModule = "main.js";
  CHECK(errorOf(upload).detail == "main module main.js is not among the upload's 1 modules");
  upload.mainModule = "";
  CHECK(errorOf(upload).detail == "the upload names no main module");
  upload.mainModule = "index.js";
  upload.modules[0].type = ModuleType::Text;
  CHECK(errorOf(upload).detail ==
        "main module index.js is of type text: it must be JavaScript (esm or cjs)");
  upload.modules.clear();
  CHECK(errorOf(upload).code == ErrorCode::InvalidArgument);
  CHECK(errorOf(with("./index.js")).detail == "module index.js is there twice");
}

TEST_CASE("JSON and WebAssembly modules must look like what they say") {
  CHECK(errorOf(with("d.json", "{a:1}", ModuleType::Json)).detail ==
        "module d.json is not valid JSON");
  const std::string deep(1'000'000, '[');
  CHECK(errorOf(with("d.json", deep, ModuleType::Json)).code == ErrorCode::InvalidArgument);
  CHECK(errorOf(with("m.wasm", "not wasm", ModuleType::Wasm)).detail.contains("m.wasm"));
}

TEST_CASE("every limit of an upload is kept, and the error has the figure") {
  UploadLimits limits;
  limits.scriptBytesMax = 10;
  limits.moduleCountMax = 2;
  limits.bindingCountMax = 1;
  limits.bindingBytesMax = 5;
  Upload upload = testing::upload("12345");
  upload.modules.push_back(module("b", "12345", ModuleType::Text));
  Upload good = upload;
  CHECK(canonicaliseUpload(good, limits, kToday).has_value());
  Upload bad = upload;
  bad.modules[1].content = Bytes("123456"s);
  CHECK(errorOf(bad, limits).detail ==
        "the script's modules have 11 bytes: at most 10 are allowed");
  CHECK(errorOf(bad, limits).code == ErrorCode::TooLarge);
  bad = upload;
  bad.modules.push_back(module("c", "", ModuleType::Text));
  CHECK(errorOf(bad, limits).detail == "the script has 3 modules: at most 2 are allowed");
  bad = upload;
  bad.bindings = {TextBinding{"A", "123456"}};
  CHECK(errorOf(bad, limits).detail == "binding A has 6 bytes: at most 5 are allowed");
  bad.bindings = {TextBinding{"A", "1"}, TextBinding{"B", "1"}};
  CHECK(errorOf(bad, limits).detail == "the script has 2 bindings: at most 1 are allowed");
}

TEST_CASE("a bad binding, flag, date or message is named") {
  CHECK(errorOf(withBinding(JsonBinding{"CONFIG", "{"})).detail ==
        "binding CONFIG is not valid JSON");
  CHECK(errorOf(withBinding(TextBinding{"", "x"})).code == ErrorCode::InvalidArgument);
  CHECK(errorOf(withBinding(TextBinding{"A\n", "x"})).code == ErrorCode::InvalidArgument);
  CHECK(errorOf(withBinding(TextBinding{"A", "\xff"})).detail == "binding A is not valid UTF-8");
  CHECK(errorOf(withBinding(TextBinding{"__proto__", "x"})).detail.contains("another name"));
  Upload twice = withBinding(TextBinding{"A", "x"});
  twice.bindings.push_back(JsonBinding{"A", "1"});
  CHECK(errorOf(twice).detail == "binding A is there twice");

  Upload flags = testing::upload("x");
  flags.compatibilityFlags = {"No Flag"};
  CHECK(errorOf(flags).code == ErrorCode::InvalidArgument);
  Upload message = testing::upload("x");
  message.message = std::string(1025, 'm');
  CHECK(errorOf(message).code == ErrorCode::InvalidArgument);
}

TEST_CASE("isDate knows the calendar") {
  for (const char* good : {"2026-11-23", "2024-02-29", "2000-02-29"}) CHECK(isDate(good));
  for (const char* bad :
       {"", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-1", "26-01-01",
        "2026/01/01", "2026-01-011", "-2026-01-1", "2026-01-0x", "1900-02-29", "----------"}) {
    CAPTURE(bad);
    CHECK_FALSE(isDate(bad));
  }
  Upload upload = testing::upload("x");
  upload.compatibilityDate = "yesterday";
  CHECK(errorOf(upload).detail == R"(compatibility date: give a day as "YYYY-MM-DD")");
}
