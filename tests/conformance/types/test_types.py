"""The declarations of isolates/types: what compilers make of them, and what a live isolate has."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.apps import APPS
from support.curl import curl
from support.npm import installed
from support.server import TOP, Server, build_directory

HERE = Path(__file__).resolve().parent
TYPES = TOP / "isolates" / "types"

# Of the language, but not of an isolate: no memory is shared here.
NOT_HERE = {"SharedArrayBuffer"}


def setUpModule():
    global modules
    modules = installed(HERE)


def compiler(*words):
    made = subprocess.run(["node", "compile.mjs", modules, *words], cwd=HERE, check=True,
                          capture_output=True, text=True)
    return json.loads(made.stdout)


def programs(folder):
    return sorted(str(file.relative_to(HERE)) for file in (HERE / folder).glob("*.ts"))


class Programs(unittest.TestCase):
    maxDiff = None

    def test_right(self):
        """programs that use what is there compile, with every check the compiler has"""
        self.assertEqual(compiler("programs", *programs("right")), [])

    def test_node(self):
        """the declarations go together with @types/node"""
        self.assertEqual(compiler("node", *programs("node")), [])

    def test_wrong(self):
        """programs that use what is not there, or use it wrongly, are refused line by line"""
        refused = {}
        for complaint in compiler("programs", *programs("wrong")):
            refused.setdefault((complaint["file"], complaint["line"]), complaint["message"])
        for file in programs("wrong"):
            for number, line in enumerate((HERE / file).read_text().splitlines(), 1):
                said = refused.pop((file, number), None)
                expected = re.search(r"// refused: (.*)", line)
                with self.subTest(f"{file}:{number}"):
                    if expected:
                        self.assertIn(expected[1], said or "accepted")
                    else:
                        self.assertIsNone(said)
        self.assertEqual(refused, {})

    def test_project(self):
        """a project that names the package in its tsconfig.json is checked by tsc as it is"""
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            (project / "node_modules").mkdir()
            (project / "node_modules" / "atoll-types").symlink_to(TYPES)
            (project / "src").symlink_to(HERE / "right")
            (project / "tsconfig.json").write_text(json.dumps({
                "compilerOptions": {
                    "target": "es2022", "module": "esnext", "moduleResolution": "bundler",
                    "lib": ["es2025"], "types": ["atoll-types"], "strict": True, "noEmit": True,
                    "preserveSymlinks": True},
                "include": ["src"]}))
            tsc = modules / "typescript-native" / "bin" / "tsc"
            made = subprocess.run([tsc, "--project", project], capture_output=True, text=True)
            self.assertEqual((made.returncode, made.stdout), (0, ""))
            (project / "src").unlink()
            (project / "src").symlink_to(HERE / "wrong")
            made = subprocess.run([tsc, "--project", project], capture_output=True, text=True)
            self.assertIn("Cannot find name 'document'", made.stdout)
            self.assertNotEqual(made.returncode, 0)


class Templates(unittest.TestCase):
    def test_made(self):
        """what `atoll types` writes for a project of `atoll init` is what tsc needs, and no more"""
        atoll = build_directory() / "atoll"
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder, "api")

            def run(*words):
                return subprocess.run(words, cwd=folder, capture_output=True, text=True)

            def check():
                made = run(modules / "typescript-native" / "bin" / "tsc", "--project", project)
                return made.returncode, made.stdout

            self.assertEqual(run(atoll, "init", "-t", "hono", project).returncode, 0)
            (project / "node_modules").mkdir()
            (project / "node_modules" / "atoll-types").symlink_to(TYPES)
            (project / "node_modules" / "hono").symlink_to(installed(APPS) / "hono")
            self.assertIn("Cannot find name 'Env'", check()[1])
            (project / ".dev.vars").write_text("TOKEN=x\n")
            config = project / "wrangler.jsonc"
            config.write_text(config.read_text().replace('"vars"', """
                "kv_namespaces": [{ "binding": "STORE" }],
                "services": [{ "binding": "SELF", "service": "api", "entrypoint": "Named" },
                             { "binding": "OTHER", "service": "other" }],
                "rules": [{ "type": "Text", "globs": ["**/*.md"] }],
                "vars" """))
            (project / "src" / "used.ts").write_text("""
                import { WorkerEntrypoint, env } from "cloudflare:workers";
                import text from "./read.md";
                export async function used(given: Env): Promise<string> {
                  const { GREETING }: { GREETING: "Hello" } = given;
                  await given.OTHER.fetch("http://other/");
                  const sum: number = await given.SELF.add(1, 2);
                  return `${await env.STORE.get("k")}${text.trim()}${given.TOKEN.length + sum}`
                    + GREETING;
                }
                export class Named extends WorkerEntrypoint<Env> {
                  add(a: number, b: number) { return a + b; }
                }""")
            index = project / "src" / "index.ts"
            index.write_text(index.read_text() + 'export { Named } from "./used";')
            self.assertEqual(run(atoll, "types", project).returncode, 0)
            self.assertEqual(check(), (0, ""))
            (project / "src" / "wrong.ts").write_text(
                'export const wrong = (env: Env) => [env.GREETING === "Bye", env.NONE];')
            shown = check()[1]
            self.assertIn("no overlap", shown)
            self.assertIn("'NONE' does not exist", shown)


class Drift(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        server = cls.enterClassContext(Server())
        server.deploy_source("exposed", (HERE / "exposed.js").read_text(),
                             config={"kv_namespaces": [{"binding": "KV"}]})
        cls.exposed = curl(server, "exposed.localhost").json()
        cls.declared = compiler("declared")

    def compare(self, where, declared, exposed):
        """What is in one of them only, or is not of one kind in both."""
        for name in sorted({*declared, *exposed}):
            if name not in exposed:
                yield f"{where}{name} is declared, and not there"
            elif name not in declared:
                yield f"{where}{name} is there, and not declared"
            elif isinstance(declared[name], str):
                if declared[name] != exposed[name]:
                    yield f"{where}{name} is declared {declared[name]}, and is {exposed[name]}"
            else:
                yield from self.compare_values(where + name, declared[name], exposed[name])

    def compare_values(self, name, declared, exposed):
        if declared["kind"] != exposed["kind"]:
            yield f"{name} is declared as {declared['kind']}, and is {exposed['kind']}"
            return
        for part, mark in (("members", "#"), ("statics", "."), ("values", ".")):
            if part in declared:
                yield from self.compare(name + mark, declared[part], exposed[part])

    def test_globals(self):
        """every global, member and static that is declared is there, and the other way round"""
        language = set(self.declared["language"])
        ours = {name: value for name, value in self.exposed["globals"].items()
                if name not in language}
        self.assertEqual(list(self.compare("", self.declared["globals"], ours)), [])
        self.assertEqual(language - set(self.exposed["globals"]), NOT_HERE)

    def test_interfaces(self):
        """objects that handlers and bindings give have the members of their interfaces"""
        for name, members in self.exposed["interfaces"].items():
            with self.subTest(name):
                declared = self.declared["interfaces"].get(name, {})
                self.assertEqual(list(self.compare(name + "#", declared, members)), [])

    def test_modules(self):
        """the modules of the platform export what is declared"""
        self.assertEqual(set(self.declared["imports"]), set(self.exposed["imports"]))
        for name, exports in self.exposed["imports"].items():
            with self.subTest(name):
                declared = self.declared["imports"][name]
                self.assertEqual(list(self.compare("", declared, exports)), [])
