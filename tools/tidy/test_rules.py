"""The house rules on small trees that break them: a rule that finds nothing proves nothing."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import compiled  # noqa: E402
import layers  # noqa: E402
import sizes  # noqa: E402
import text  # noqa: E402
from tree import Tree, without_comments_and_strings  # noqa: E402

TABLE = """
| row | module | also | vendor headers | owns |
|---|---|---|---|---|
| 3 | webapi | | v8 | x |
| 2 | isolate | deploy | v8 | x |
| 2 | deploy | | nlohmann | x |
| 1 | loop | telemetry | uv | x |
| 1 | telemetry | | spdlog | x |
| 0 | base | | | x |
"""


class Rules(unittest.TestCase):
    def findings(self, rule, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, content in {"src/README.md": TABLE, **files}.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
            return [f"{f.file}:{f.line}" for f in sorted(set(rule(Tree(folder))))]

    def test_layers(self):
        """an include of a higher row, an unnamed neighbour or another's vendor is found"""
        self.assertEqual(self.findings(layers.includes, {
            "src/base/a.h": '#include "loop/loop.h"\n#include <vector>\n#include <sys/stat.h>\n',
            "src/loop/b.cc": '#include "loop/c.h"\n#include "telemetry/log.h"\n#include <uv.h>\n',
            "src/telemetry/d.cc": '\n#include "loop/b.h"\n',
            "src/deploy/e.cc": '#include "isolate/x.h"\n#include <v8.h>\n#include <rocksdb/db.h>\n',
            "src/isolate/f.cc": '#include "deploy/x.h"\n#include <v8-isolate.h>\n',
            "src/base/g.cc": '#include "local.h"\n#include <doctest/doctest.h>\n#include <x/y.h>\n',
            "src/base/g_test.cc": "#include <doctest/doctest.h>\n#include <nlohmann/json.hpp>\n",
            "src/base/fixture.h": "#include <doctest/doctest.h>\n",
            "src/base/fixture_test.cc": '#include "base/fixture.h"\n',
            "src/stray/h.cc": "\n",
        }), ["src/base/a.h:1", "src/base/g.cc:1", "src/base/g.cc:2", "src/base/g.cc:3",
             "src/deploy/e.cc:1", "src/deploy/e.cc:2", "src/deploy/e.cc:3",
             "src/stray/h.cc:1", "src/telemetry/d.cc:2"])

    def test_charter(self):
        """a build file without its module's charter is found"""
        self.assertEqual(self.findings(layers.charters, {
            "src/base/meson.build": "# base: what all need. May use: nothing.\n",
            "src/loop/meson.build": "loop_lib = 1\n"}), ["src/loop/meson.build:1"])

    def test_file_lines(self):
        """the 601st line is found, the 600th is not"""
        self.assertEqual(self.findings(sizes.file_lines, {
            "src/base/a.cc": "int x;\n" * 600, "src/base/b.cc": "int x;\n" * 601}),
            ["src/base/b.cc:601"])

    def test_columns(self):
        """the 101st column is found unless a link needs it"""
        self.assertEqual(self.findings(sizes.columns, {
            "src/base/a.cc": "/" * 100 + "\n" + "/" * 101 + "\n// https://" + "x" * 100 + "\n"}),
            ["src/base/a.cc:2"])

    def test_function_lines(self):
        """a function of 71 lines is found wherever it stands; types and namespaces are not"""
        body = "  call();\n"
        long, fits = body * 69, body * 68
        self.assertEqual(self.findings(sizes.function_lines, {
            "src/base/free.cc": f"namespace a {{\nint f(int x) {{\n{long}}}\n}}\n",
            "src/base/fits.cc": f"int f(int x) {{\n{fits}}}\n",
            "src/base/member.h": f"class A : B<int()> {{\n  A() : x_{{1}} {{\n{long}  }}\n}};\n",
            "src/base/type.h": "struct A {\n" + "  int x();\n" * 200 + "};\n",
            "src/base/brace.cc": "void f() { use('{', \"{\"); /* { */ }\n" * 80,
            "src/base/macro.h": "#define X(a) \\\n  do { \\\n  } while (0)\n" + "int f();\n" * 90,
            "src/base/table.cc": "const int kTable[] = {\n" + "  f(1),\n" * 90 + "};\n",
            "tools/a.py": "def f():\n" + "    g()\n" * 70,
        }), ["src/base/free.cc:2", "src/base/member.h:2", "tools/a.py:1"])

    def test_text(self):
        """using namespace, checked conversions, TODOs, machine paths and registries are found"""
        self.assertEqual(self.findings(text.using_namespace, {
            "src/base/a.h": "// using namespace x\nusing namespace std;\n",
            "src/base/a.cc": "using namespace std;\n"}), ["src/base/a.h:2"])
        self.assertEqual(self.findings(text.checked_conversions, {
            "src/webapi/a.cc": "// ToLocalChecked()\nx.ToLocalChecked();\ny.ToChecked();\n",
            "src/isolate/b.cc": "x.ToLocalChecked();\n"}),
            ["src/webapi/a.cc:2", "src/webapi/a.cc:3"])
        self.assertEqual(self.findings(text.todo, {
            "a.cc": "// TODO: later\n// TODO(anna): later\n"}), ["a.cc:1"])
        self.assertEqual(self.findings(text.machine_paths, {
            "a.cc": 'x = "/root/x"\ny = "/work/y"\nz = "/home/me/z"\nexample.com/home/a\n'}),
            ["a.cc:1", "a.cc:2", "a.cc:3"])
        self.assertEqual(self.findings(text.registry_hosts, {
            "a.json": '"resolved": "https://registry.npmjs.org/x"\n'}), ["a.json:1"])
        self.assertEqual(self.findings(text.isolate_javascript, {
            "isolates/web/a.js": "a\n// \u00e9\n", "isolates/examples/b.js": "// \u00e9\n"}),
            ["isolates/web/a.js:2"])
        self.assertEqual(self.findings(text.readme_links, {
            "README.md": "[a](src/README.md) [b](https://x.y/z)\n[c](gone.md)\n"}), ["README.md:2"])

    def test_headers(self):
        """a header that needs another first is found"""
        self.assertEqual(self.findings(compiled.headers_alone, {
            "src/base/good.h": "#pragma once\n#include <string>\ninline std::string s;\n",
            "src/base/bad.h": "#pragma once\ninline std::string s;\n"}), ["src/base/bad.h:1"])

    def test_blanking(self):
        """blanked source keeps its line numbers and loses every brace in text"""
        source = 'a = R"x(\n{ " )x"; b = "\\"{"; c = \'{\'; // {\nd = 1\'000; /* {\n */ e'
        blank = without_comments_and_strings(source)
        self.assertEqual(blank.count("\n"), source.count("\n"))
        self.assertNotIn("{", blank)
        self.assertTrue(blank.rstrip().endswith("e"))


if __name__ == "__main__":
    unittest.main()
