#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "isolate/isolate.h"
#include "isolate/test_guest.h"
#include "isolate/validator.h"

namespace atolld::isolate {
namespace {

using deploy::Module;
using deploy::ModuleType;

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const std::string kAddWasm(
    "\0asm\1\0\0\0\1\7\1\x60\2\x7f\x7f\1\x7f\3\2\1\0\7\7\1\3add\0\0\x0a\x09\1\7\0\x20\0\x20\1\x6a"
    "\x0b",
    41);

std::vector<Module> modules(std::string main, std::vector<Module> others) {
  std::vector<Module> all;
  all.push_back(testModule("index.js", std::move(main)));
  for (Module& module : others) all.push_back(std::move(module));
  return all;
}

std::string answer(std::vector<Module> all) {
  startTestGuest();
  const auto isolate = Isolate::create({}).value();
  if (const Result<> loaded = isolate->load(testVersion(std::move(all))); !loaded) {
    return "load: " + loaded.error().detail;
  }
  return answerOf(*isolate);
}

std::string handler(std::string_view imports, std::string_view expression) {
  return std::string(imports) + "\nexport default { async fetch() { return " +
         std::string(expression) + " } }";
}

TEST_CASE("every module type arrives as what it is") {
  CHECK(answer(modules(handler("import {x} from './lib/a.js'", "x"),
                       {testModule("lib/a.js", "export {x} from '../b.mjs'"),
                        testModule("b.mjs", "export const x = 'deep'")})) == "deep");
  CHECK(answer(modules(handler("import t from './t.txt'", "t"),
                       {testModule("t.txt", "gr\xc3\xbc\xc3\x9f", ModuleType::Text)})) ==
        "gr\xc3\xbc\xc3\x9f");
  CHECK(answer(modules(handler("import d from './d.bin'",
                               "[d instanceof ArrayBuffer, d.byteLength, new Uint8Array(d)[1]]"),
                       {testModule("d.bin", std::string("\0\xff\0", 3), ModuleType::Data)})) ==
        "true,3,255");
  CHECK(answer(modules(handler("import j from './j.json' with { type: 'json' }", "j.a[1]"),
                       {testModule("j.json", "{\"a\": [1, \"two\"]}", ModuleType::Json)})) ==
        "two");
  CHECK(answer(modules(handler("import m from './add.wasm'",
                               "[m instanceof WebAssembly.Module, "
                               "new WebAssembly.Instance(m).exports.add(40, 2)]"),
                       {testModule("add.wasm", kAddWasm, ModuleType::Wasm)})) == "true,42");
  CHECK(
      answer(modules(
          handler("import c from './c.cjs'", "c.sum(1, 2)"),
          {testModule("c.cjs", "module.exports = { sum: require('./d.js') }", ModuleType::CommonJs),
           testModule("d.js", "module.exports = (a, b) => a + b", ModuleType::CommonJs)})) == "3");
  CHECK(answer(modules(handler("import {answer} from 'test:builtin'", "answer"), {})) == "42");
}

TEST_CASE("WebAssembly.instantiate takes an imported module, and bytes are refused") {
  CHECK(answer(modules(handler("import m from './add.wasm'",
                               "(await WebAssembly.instantiate(m)).exports.add(1, 2)"),
                       {testModule("add.wasm", kAddWasm, ModuleType::Wasm)})) == "3");
  CHECK(answer(modules(handler("",
                               "WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, "
                               "0]))"),
                       {}))
            .starts_with("CompileError: WebAssembly.compile(): Wasm code generation disallowed"));
}

TEST_CASE("a CommonJS main module is served by its module.exports") {
  std::vector<Module> all;
  all.push_back(testModule("main.cjs", "exports.fetch = () => 'cjs'", ModuleType::CommonJs));
  CHECK(answer(std::move(all)) == "cjs");
}

TEST_CASE("CommonJS: cycles see what is there, ES modules can be required, errors name both") {
  const std::string main = handler("import c from './a.cjs'", "JSON.stringify(c)");
  CHECK(answer(modules(
            main, {testModule("a.cjs", "exports.early = 1; exports.b = require('./b.cjs').seen",
                              ModuleType::CommonJs),
                   testModule("b.cjs", "exports.seen = require('./a.cjs').early",
                              ModuleType::CommonJs)})) == "{\"early\":1,\"b\":1}");
  CHECK(answer(modules(
            main, {testModule("a.cjs", "exports.x = require('./e.js').y", ModuleType::CommonJs),
                   testModule("e.js", "export const y = 7")})) == "{\"x\":7}");
  CHECK(answer(modules(main, {testModule("a.cjs", "exports.x = require('nothing')",
                                         ModuleType::CommonJs)}))
            .contains("cannot require 'nothing': there is no module 'nothing' in the upload"));
  CHECK(answer(modules(main, {testModule("a.cjs", "exports.x = require('./index.js')",
                                         ModuleType::CommonJs)}))
            .contains("cannot require './index.js': it is still being evaluated"));
}

TEST_CASE("import() gives bundled modules, also the one that asks, and rejects for others") {
  const auto lazyModule = [] { return testModule("lib/lazy.js", "export const x = 'late'"); };
  CHECK(answer(modules(handler("", "(await import('./lib/lazy.js')).x"), {lazyModule()})) ==
        "late");
  CHECK(answer(modules(handler("", "(await import('lib/lazy.js')).x"), {lazyModule()})) == "late");
  CHECK(answer(modules("const self = import('./index.js'); export const x = 'me';"
                       "export default { async fetch() { return (await self).x } }",
                       {})) == "me");
  CHECK(answer(modules(handler("", "import('./gone.js').catch((e) => 'caught ' + e)"), {})) ==
        "caught TypeError: cannot import './gone.js': there is no module 'gone.js' in the upload. "
        "Add the file to the deploy or correct the path");
  // A second try meets the half-linked graph of the first.
  CHECK(answer(modules(
            handler("", "import('./a.js').catch(() => import('./a.js')).catch((e) => e.name)"),
            {testModule("a.js", "import './b.js'"), testModule("b.js", "import './gone.js'")})) ==
        "TypeError");
}

TEST_CASE("import.meta.url is a URL to resolve against") {
  CHECK(answer(modules(handler("", "import.meta.url"), {})) == "file:///index.js");
}

TEST_CASE("top-level await may use what settles by itself") {
  CHECK(answer(modules("const x = await Promise.resolve('awaited');" + handler("", "x"), {})) ==
        "awaited");
}

TEST_CASE("what does not load says where and what to do") {
  struct Row {
    std::string source;
    std::string_view text;
  };
  const std::vector<Row> rows{
      {"export default {\n  fetch() { return ) }\n}",
       "index.js:2:20: SyntaxError: Unexpected token ')'\n      fetch() { return ) }\n"
       "                       ^"},
      {"import x from './missing.js'\nexport default {}",
       "index.js:1:15: cannot import './missing.js': there is no module 'missing.js' in the "
       "upload. "
       "Add the file to the deploy or correct the path"},
      {"\n  import { Hono } from 'hono'",
       "index.js:2:24: cannot import 'hono': there is no module "
       "'hono' in the upload. Bundle packages into the script (as "
       "`atoll deploy` does), or upload a module of that name"},
      {"import x from './b'", "Did you mean './b.js'?"},
      {"import x from '../../etc/passwd'", "points outside of the upload"},
      {"import {nope} from './b.js'",
       "index.js:1:9: SyntaxError: The requested module './b.js' does not provide an export named "
       "'nope'"},
      {"import './throws.js'; export default {}", "throws.js:2:7: TypeError: at top\n"},
      {"export const x = 1",
       "index.js has no default export. Add one with the handlers: export "
       "default { async fetch(request, env, ctx)"},
      {"export default 1", "the default export has no fetch function"},
      {"await new Promise(() => {}); export default {}",
       "index.js:1: this top-level await waits for something that only comes while a request is "
       "handled"},
      {"await Promise.reject(new RangeError('r')); export default {}", "RangeError: r"},
      {"import './bad.json'; export default {}", "bad.json: SyntaxError: "},
      {"import './bad.wasm'; export default {}", "bad.wasm: CompileError: expected magic word"},
      {"import './bad.cjs'; export default {}", "bad.cjs:1:5: SyntaxError: "},
      {"import './rejects.cjs'; export default {}", "a module threw at top level: 7"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.source);
    const std::string text = answer(
        modules(row.source,
                {testModule("b.js", "export const x = 1"),
                 testModule("throws.js", "const f = () => {\nthrow new TypeError('at top') }\nf()"),
                 testModule("bad.json", "{", ModuleType::Json),
                 testModule("bad.wasm", "no wasm", ModuleType::Wasm),
                 testModule("bad.cjs", "let 1", ModuleType::CommonJs),
                 testModule("rejects.cjs", "throw 7", ModuleType::CommonJs)}));
    CHECK_MESSAGE(text.contains(row.text), text);
    CHECK(text.starts_with("load: "));
  }
}

TEST_CASE("a syntax error in a one-line bundle shows what is around it") {
  const std::string text = answer(modules(
      "/*" + std::string(100'000, 'x') + "*/ let 1; /*" + std::string(100'000, 'y') + "*/", {}));
  CHECK(text.size() < 500);
  CHECK(text.contains("let 1;"));
}

TEST_CASE("a main module that is missing or no script is refused") {
  auto version = std::make_shared<deploy::Version>(*testVersion("export default {}"));
  version->mainModule = "other.js";
  startTestGuest();
  CHECK(Isolate::create({}).value()->load(version).error().detail ==
        "the main module 'other.js' is not among the uploaded modules");
  version->mainModule = "./index.js";
  version->modules[0].type = ModuleType::Text;
  CHECK(Isolate::create({}).value()->load(version).error().detail ==
        "the main module './index.js' is not JavaScript");
}

// ---- validator ----------------------------------------------------------------------------------

TEST_CASE("validate() runs nothing: a script that would hang or throw is valid") {
  startTestGuest();
  CHECK(validate(*testVersion("for (;;) {} export default {}")).has_value());
  CHECK(validate(*testVersion("throw 1; export default {}")).has_value());
}

TEST_CASE("validate() finds what loading would, also in modules nothing imports yet") {
  startTestGuest();
  struct Row {
    std::string_view main;
    Module other;
    std::string_view text;
  };
  for (const Row& row : {
           Row{"var 1", testModule("a.js", ""), "index.js:1:5: SyntaxError"},
           Row{"import 'x'", testModule("a.js", ""), "cannot import 'x'"},
           Row{"let x", testModule("a.js", ""), "no default export"},
           Row{"import {y} from './a.js'; export default y", testModule("a.js", ""),
               "does not provide an export named 'y'"},
           Row{"export default {}", testModule("a.js", "var 1"), "a.js:1:5: SyntaxError"},
           Row{"export default {}", testModule("a.js", "import './b.js'"),
               "a.js:1:8: cannot import"},
           Row{"export default {}", testModule("a.wasm", "x", ModuleType::Wasm),
               "a.wasm: CompileError"},
           Row{"export default {}", testModule("a.json", "x", ModuleType::Json),
               "a.json: SyntaxError"},
       }) {
    const Result<> valid = validate(*testVersion(modules(std::string(row.main), {row.other})));
    REQUIRE_FALSE(valid.has_value());
    CHECK_MESSAGE(valid.error().detail.contains(row.text), valid.error().detail);
  }
}

}  // namespace
}  // namespace atolld::isolate
