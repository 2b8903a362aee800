"""The atoll command against a real control API: what it prints, refuses and exits with.

ATOLL names the command, ATOLL_TEST_NODE the node (test_node.cc).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HELLO = "export default { fetch() { return new Response('hello'); } };\n"
SECONDS = 120


class Node:
    def __init__(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="atoll-cli-"))
        self.process = subprocess.Popen([os.environ["ATOLL_TEST_NODE"], str(self.scratch)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.token = ready["control"], ready["token"]

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(SECONDS)
        self.process.stdout.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        assert code == 0, code


def setUpModule():
    global node
    node = Node()
    unittest.addModuleCleanup(node.close)


class Result:
    def __init__(self, made):
        self.code, self.out, self.err = made.returncode, made.stdout, made.stderr

    def __repr__(self):
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="atoll-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_cli(self, *words, cwd=None, text=None, env=None, binary=False):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"),
                       "ATOLL_URL": node.url, "ATOLL_TOKEN": node.token, **(env or {})}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        environment = {key: value for key, value in environment.items() if value is not None}
        return Result(subprocess.run([os.environ["ATOLL"], *map(str, words)], input=text,
                                     cwd=cwd or self.folder, env=environment, timeout=SECONDS,
                                     capture_output=True, text=not binary))

    def ok(self, *words, **more):
        result = self.run_cli(*words, **more)
        self.assertEqual(result.code, 0, result)
        return result

    def json(self, *words, **more):
        return json.loads(self.ok(*words, "--json", **more).out)

    def refused(self, code, *words, says=(), **more):
        result = self.run_cli(*words, **more)
        self.assertEqual(result.code, code, result)
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.err.strip().splitlines()), 1, result)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, result.err)
        return result

    def project(self, name, files=None, **config):
        folder = self.folder / name
        files = {"index.js": HELLO, **(files or {})}
        files["wrangler.json"] = json.dumps({"name": name, "main": "index.js", **config})
        for file, content in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder


class Usage(CliTest):
    def test_wrong_usage(self):
        """wrong usage is exit 2 with one line and the mend"""
        for words, says in {
                (): "no command given",
                ("deplyo",): 'did you mean "deploy"?',
                ("deploy", "--bundel"): 'did you mean "--bundle"?',
                ("kv",): "kv needs a command",
                ("kv", "gte", "x"): 'did you mean "get"?',
                ("kv", "put"): "key is required",
                ("kv", "get", "k"): "--namespace",
                ("whoami", "extra"): 'unexpected word "extra"',
                ("rollback",): "which script",
                ("delete", "x"): "--yes",
                ("routes", "add"): "pattern is required",
                ("deploy", "--var", "novalue", "."): "NAME=value",
                ("whoami", "--url", "localhost"): "is no URL"}.items():
            with self.subTest(words):
                if words[:1] == ("deploy",) and "--var" in words:
                    (self.folder / "index.js").write_text(HELLO)
                self.refused(2, *words, says=says)

    def test_completion(self):
        """bash completes commands, their commands and options, by what `completion` prints"""
        script = self.ok("completion", "bash").out
        for words, wanted in (("atoll se", ["secret"]), ("atoll secret p", ["put"]),
                              ("atoll secret put X --ver", ["--version-only"]),
                              ("atoll kv namespace cr", ["create"])):
            line = words.split(" ")
            made = subprocess.run(
                ["bash", "-c", f"{script}COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}\n"
                 '_atoll\necho "${COMPREPLY[*]}"'], capture_output=True, text=True, check=True)
            self.assertEqual(made.stdout.split(), wanted, words)
        self.assertIn("bashcompinit", self.ok("completion", "zsh").out)
        self.assertIn("complete -c atoll", self.ok("completion", "fish").out)
        self.refused(2, "completion", "tcsh", says="tcsh")

    def test_secrets(self):
        """secrets are put from standard input, listed by name, kept by deploys and deleted"""
        (self.folder / "index.js").write_text(HELLO)
        self.ok("deploy", "--name", "secretive", ".")
        self.ok("secret", "put", "TOKEN", "--script", "secretive", text="hush\n")
        self.assertEqual(self.json("secret", "list", "secretive"), {"secrets": [{"name": "TOKEN"}]})
        (self.folder / "index.js").write_text(HELLO + "// more")
        self.ok("deploy", "--name", "secretive", ".")
        self.assertEqual(self.ok("secret", "list", "secretive").out, "TOKEN\n")
        self.ok("secret", "put", "B", "--script", "secretive", "--version-only", text="x")
        self.refused(1, "secret", "put", "C", "--script", "secretive", text="x",
                     says="not what answers")
        self.ok("activate", "--name", "secretive", str(self.json("versions", "secretive")[
            "versions"][0]["number"]))
        self.ok("secret", "delete", "TOKEN", "--script", "secretive")
        self.assertEqual(self.json("secret", "list", "secretive"), {"secrets": [{"name": "B"}]})
        self.refused(1, "secret", "delete", "TOKEN", "--script", "secretive",
                     says="no secret TOKEN")
        self.refused(1, "secret", "put", "A", "--script", "nobody", text="x", says="nobody")
        self.refused(2, "secret", "put", "A", "--script", "secretive", text="", says="empty")

    def test_help(self):
        """help and version are exit 0"""
        for words in (["--help"], ["deploy", "--help"], ["kv", "put", "-h"], ["--version"]):
            self.assertIn("atoll" if words[-1] == "--version" else "--help", self.ok(*words).out)


class Account(CliTest):
    def test_whoami(self):
        """whoami shows tenant and role"""
        self.assertIn("tenant default, role owner", self.ok("whoami").out)
        self.assertEqual(self.json("whoami")["tenant"], "default")

    def test_bad_token(self):
        """a wrong token is exit 1 and is not repeated"""
        result = self.refused(1, "whoami", "--token", "hunter2", says="unknown")
        self.assertNotIn("hunter2", result.err)
        self.refused(1, "whoami", env={"ATOLL_TOKEN": ""}, says="atoll login")

    def test_unreachable(self):
        """a node that is not there is exit 1 and named"""
        self.refused(1, "whoami", "--url", "http://127.0.0.1:1", says="http://127.0.0.1:1")

    def test_login(self):
        """login keeps URL and token, readable by the owner alone, and for that URL alone"""
        bare = {"ATOLL_URL": None, "ATOLL_TOKEN": None}
        self.ok("login", "--url", node.url + "/", text=node.token + "\n", env=bare)
        kept = self.folder / "home/.config/atoll/config.json"
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.ok("whoami", env=bare)
        self.refused(1, "whoami", "--url", node.url.replace("127.0.0.1", "localhost"), env=bare,
                     says="no token")
        self.ok("logout", env=bare)
        self.assertFalse(kept.exists())

    def test_login_refused(self):
        """login keeps nothing that does not work"""
        self.refused(1, "login", "--token", "wrong")
        self.assertFalse((self.folder / "home/.config/atoll/config.json").exists())

    def test_local_token(self):
        """on the node's own machine the token file of its data directory is enough"""
        data = self.folder / "share/atoll"
        data.mkdir(parents=True)
        (data / "owner.token").write_text(node.token + "\n")
        self.ok("whoami", env={"ATOLL_TOKEN": None, "XDG_DATA_HOME": str(self.folder / "share")})

    def test_tokens(self):
        """a token is made, shown once, works as its role says, and is revoked"""
        made = self.ok("tokens", "create", "ci", "--role", "viewer")
        secret = made.out.strip()
        self.assertTrue(secret.startswith("atoll_"))
        self.assertEqual(self.json("whoami", "--token", secret)["role"], "viewer")
        listed = self.json("tokens", "list")["tokens"]
        self.assertNotIn("atoll_", json.dumps(listed))
        [viewer] = [token for token in listed if token["role"] == "viewer"]
        self.refused(1, "tokens", "create", "x", "--token", secret, says="viewer")
        self.ok("tokens", "revoke", viewer["id"])
        self.refused(1, "whoami", "--token", secret)


    def test_tenants(self):
        """a tenant is made, gets tokens of its own, and is deleted only on a clear word"""
        self.ok("tenants", "create", "acme")
        self.refused(1, "tenants", "create", "acme", says="exists")
        self.refused(1, "tenants", "create", "Bad_Name", says="a-z")
        secret = self.ok("tokens", "create", "first", "--role", "owner", "--tenant",
                         "acme").out.strip()
        self.assertEqual(self.json("whoami", "--token", secret)["tenant"], "acme")
        self.refused(1, "tenants", "list", "--token", secret, says="owner")
        [token] = self.json("tokens", "list", "--tenant", "acme")["tokens"]
        self.assertEqual(token["name"], "first")
        self.ok("tokens", "revoke", token["id"], "--tenant", "acme")
        self.refused(1, "whoami", "--token", secret)
        operator = self.ok("tokens", "create", "ops", "--role", "operator", "--tenant",
                           "default").out.strip()
        listed = self.json("tenants", "list", "--token", operator)["tenants"]
        self.assertIn("acme", [each["name"] for each in listed])
        self.refused(1, "scripts", "--token", operator, says="operator")
        self.refused(2, "tenants", "delete", "acme", says="--yes")
        self.refused(1, "tenants", "delete", "default", "--yes", says="default tenant")
        self.ok("tenants", "delete", "acme", "--yes")
        self.assertNotIn("acme", self.ok("tenants", "list").out)


class Deploy(CliTest):
    def versions(self, script):
        return self.json("versions", script)["versions"]

    def test_project(self):
        """a project is deployed under its name and says where it answers"""
        folder = self.project("plain")
        out = self.ok("deploy", folder).out
        self.assertIn("Deployed plain version 1", out)
        self.assertIn("http://plain.localhost:8080/", out)
        self.assertEqual(self.json("deploy", folder)["version"]["number"], 1)
        self.assertEqual(self.json("deploy", cwd=folder)["script"], "plain")

    def test_init(self):
        """init makes a project that deploys, and overwrites nothing"""
        self.ok("init", "My App")
        self.assertIn("Deployed my-app", self.ok("deploy", "My App").out)
        self.refused(1, "init", "My App", says="is there already")

    def test_templates(self):
        """every template is made under the directory's name; what it needs no npm for deploys"""
        for template in ("hello", "hono", "kv-counter", "wasm"):
            with self.subTest(template):
                made = self.json("init", "--template", template, f"my-{template}")
                self.assertEqual((made["name"], made["template"]), (f"my-{template}", template))
                folder = self.folder / f"my-{template}"
                self.assertEqual(sorted(made["files"]), sorted(
                    str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()))
                if template == "hono":
                    package = json.loads((folder / "package.json").read_text())
                    self.assertEqual(package["name"], "my-hono")
                    self.assertIn("hono", package["dependencies"])
                else:
                    self.assertIn(f"Deployed my-{template} ", self.ok("deploy", folder).out)
        self.assertIn("my-kv-counter-COUNTS", self.ok("kv", "namespace", "list").out)
        self.refused(2, "init", "-t", "kv-conter", "x", says='did you mean "kv-counter"?')
        self.refused(2, "init", "-t", "static", "x", says="hello, hono, kv-counter, site, wasm")
        self.assertFalse((self.folder / "x").exists())

    def test_init_overwrites_nothing(self):
        """a file that is there, even a dangling link, stops init before it makes any"""
        folder = self.folder / "taken"
        (folder / "src").mkdir(parents=True)
        (folder / "src/index.ts").symlink_to("nowhere")
        self.refused(1, "init", "-t", "hono", folder, says="src/index.ts is there already")
        self.assertEqual([file.name for file in folder.iterdir()], ["src"])
        other = self.folder / "blocked"
        other.mkdir()
        (other / "src").write_text("a file where a folder goes")
        self.refused(1, "init", "-t", "wasm", other)
        self.assertEqual([file.name for file in other.iterdir()], ["src"])

    def test_wasm_template(self):
        """the Wasm of the template is what the script beside it makes"""
        tools = Path(__file__).resolve().parent / "templates"
        subprocess.run([sys.executable, tools / "make_gcd.py", self.folder / "gcd.wasm"],
                       check=True)
        self.assertEqual((self.folder / "gcd.wasm").read_bytes(),
                         (tools / "wasm/src/gcd.wasm").read_bytes())
        self.ok("init", "-t", "wasm", "w")
        self.assertEqual((self.folder / "w/src/gcd.wasm").read_bytes(),
                         (tools / "wasm/src/gcd.wasm").read_bytes())

    def test_one_module(self):
        """a single module is deployed as it is, under its own name or a given one"""
        (self.folder / "single.mjs").write_text(HELLO)
        self.assertEqual(self.json("deploy", "single.mjs")["script"], "single")
        self.assertEqual(self.json("deploy", "single.mjs", "--name", "other")["script"], "other")
        self.refused(1, "deploy", "nowhere.js", says="nowhere.js")

    def test_bundle(self):
        """TypeScript and packages are bundled; Wasm goes beside the bundle, text into it"""
        folder = self.project(
            "bundled", {"src/index.ts": """import { word } from 'pkg';
                import text from './t.txt'; import wasm from './m.wasm'; import d from './d.json';
                const n: number = 1; export default { fetch: () => new Response(word + text + n
                  + wasm + d.x) };""",
                        "src/t.txt": "some text", "src/m.wasm": b"\0asm\1\0\0\0",
                        "src/d.json": '{"x":1}',
                        "node_modules/pkg/package.json": json.dumps(
                            {"name": "pkg",
                             "exports": {"workerd": "./edge.js", "default": "./no.js"}}),
                        "node_modules/pkg/edge.js": "export const word = 'from the edge build';",
                        "node_modules/pkg/no.js": "throw 1;"},
            main="src/index.ts")
        plan = self.json("deploy", folder, "--dry-run")
        names = [module["name"] for module in plan["modules"]]
        self.assertEqual(names[:2], ["index.js", "index.js.map"])
        self.assertRegex(names[2], r"^m-\w+\.wasm$")
        self.assertEqual([module["content_type"] for module in plan["modules"]],
                         ["application/javascript+module", "application/source-map",
                          "application/wasm"])
        self.ok("deploy", folder)

    def test_bundle_error(self):
        """a syntax error is exit 1 with file, line and column"""
        folder = self.project("broken", {"index.js": "export default {\n  fetch( };\n"})
        self.refused(1, "deploy", folder, says="index.js:2:")
        folder = self.project("gone", {"index.js": "import x from './gone.js'; export default x;"})
        self.refused(1, "deploy", folder, says=("index.js:1:", "./gone.js"))

    def test_refused_by_node(self):
        """what the node refuses is exit 1 with its reason, and nothing is deployed"""
        folder = self.project("refused", {"index.js": HELLO + "// SYNTAX ERROR"}, no_bundle=True)
        self.refused(1, "deploy", folder, says="index.js:1: SyntaxError")
        self.refused(1, "versions", "refused", says="no script")

    def test_no_bundle(self):
        """without bundling the files that rules take go along, and only those"""
        folder = self.project(
            "modules", {"src/index.js": HELLO, "src/lib/a.mjs": "", "src/t.md": "x",
                        "src/b.bin": "x",
                        "src/.hidden.js": "", "src/node_modules/p/i.js": "", "README.txt": "x"},
            main="src/index.js", no_bundle=True,
            rules=[{"type": "Text", "globs": ["**/*.md"]}])
        plan = self.json("deploy", folder, "--dry-run")
        self.assertEqual({m["name"]: m["content_type"] for m in plan["modules"]}, {
            "index.js": "application/javascript+module",
            "lib/a.mjs": "application/javascript+module",
            "t.md": "text/plain", "b.bin": "application/octet-stream"})
        self.ok("deploy", folder)

    def test_environment(self):
        """--env has its own name, vars and bindings, and inherits the rest"""
        folder = self.project(
            "envs", vars={"A": "top", "N": {"deep": 1}}, compatibility_date="2025-05-05",
            env={"staging": {"vars": {"A": "staged"}}, "named": {"name": "other-name"}})
        top = self.json("deploy", folder, "--dry-run")
        self.assertEqual(top["metadata"]["bindings"], [
            {"type": "plain_text", "name": "A", "text": "top"},
            {"type": "json", "name": "N", "json": {"deep": 1}}])
        staging = self.json("deploy", folder, "--dry-run", "--env", "staging", "--var", "B=b=c")
        self.assertEqual(staging["script"], "envs-staging")
        self.assertEqual(staging["metadata"]["compatibility_date"], "2025-05-05")
        self.assertEqual(staging["metadata"]["bindings"], [
            {"type": "plain_text", "name": "A", "text": "staged"},
            {"type": "plain_text", "name": "B", "text": "b=c"}])
        self.assertEqual(self.json("deploy", folder, "--dry-run", "--env", "named")["script"],
                         "other-name")
        self.refused(2, "deploy", folder, "--env", "stagign", says='did you mean "staging"?')

    def test_kv_binding(self):
        """a KV binding without an id gets one namespace, however often it is deployed"""
        folder = self.project("counter", kv_namespaces=[{"binding": "VISITS"}])
        self.ok("deploy", folder)
        (folder / "index.js").write_text(HELLO + "\n// changed")
        self.ok("deploy", folder)
        titles = [kv["title"] for kv in self.json("kv", "namespace", "list")["namespaces"]]
        self.assertEqual(titles.count("counter-VISITS"), 1)
        self.ok("kv", "put", "k", "v", "--binding", "VISITS", cwd=folder)
        self.assertEqual(self.ok("kv", "get", "k", "-n", "counter-VISITS").out, "v")

    def test_routes(self):
        """a project's routes are added on deploy; others by command; both can go"""
        domain = {"pattern": "r2.example.com", "custom_domain": True}
        folder = self.project("routed", routes=["routed.example.com/*", domain])
        self.ok("deploy", folder)
        self.ok("deploy", folder)
        self.ok("routes", "add", "*.Routed.example.com", "routed")
        patterns = [route["pattern"] for route in self.json("routes", "list")["routes"]]
        self.assertEqual(sorted(patterns), ["*.routed.example.com", "r2.example.com",
                                            "routed.example.com"])
        self.ok("routes", "remove", "r2.example.com")
        self.refused(1, "routes", "remove", "r2.example.com")
        self.refused(1, "routes", "add", "a..b", "routed")
        self.refused(1, "routes", "add", "x.example.com", "nothing")

    def test_rollback(self):
        """versions are listed, uploaded, activated by share and rolled back"""
        folder = self.project("rolled", no_bundle=True)
        for number in (1, 2, 3):
            (folder / "index.js").write_text(HELLO + f"// {number}")
            self.ok("deploy", folder, "-m", f"change {number}")
        listed = self.versions("rolled")
        self.assertEqual([v["number"] for v in listed], [3, 2, 1])
        self.assertEqual([v["percentage"] for v in listed], [100, 0, 0])
        self.assertEqual(listed[0]["message"], "change 3")
        self.ok("rollback", "rolled")
        self.assertEqual(self.versions("rolled")[1]["percentage"], 100)
        self.ok("rollback", "1", cwd=folder)
        self.assertEqual(self.versions("rolled")[2]["percentage"], 100)
        self.ok("rollback", "rolled", listed[0]["id"][:10])
        self.assertEqual(self.versions("rolled")[0]["percentage"], 100)
        self.refused(1, "rollback", "rolled", "99", says="no version 99")
        self.refused(1, "rollback", "nothing")
        (folder / "index.js").write_text(HELLO + "// 4")
        self.ok("deploy", folder, "--upload-only")
        self.ok("activate", "4@10", "3@90", "--name", "rolled")
        self.assertEqual([v["percentage"] for v in self.versions("rolled")], [10, 90, 0, 0])
        self.refused(1, "activate", "4@10", "--name", "rolled")
        self.assertGreaterEqual(len(self.json("deployments", "rolled")["deployments"]), 7)
        self.ok("delete", "rolled", "--yes")
        self.refused(1, "versions", "rolled")

    def test_build_command(self):
        """build.command runs first, and its failure is the deploy's"""
        folder = self.project("built", main="out.js",
                              build={"command": "cp index.js out.js && echo made >&2"})
        self.assertEqual(self.json("deploy", folder)["script"], "built")
        folder = self.project("failing", build={"command": "exit 3"})
        result = self.run_cli("deploy", folder)
        self.assertEqual(result.code, 1)
        self.assertIn("exit code 3", result.err)


class Config(CliTest):
    def deploy_config(self, text, name="wrangler.jsonc"):
        (self.folder / "index.js").write_text(HELLO)
        (self.folder / name).write_text(text)
        return self.run_cli("deploy", "--dry-run", "--json")

    def test_jsonc(self):
        """comments, trailing commas and wrangler.toml are read"""
        result = self.deploy_config(
            '// top\n{ /* a */ "name": "c1", "main": "index.js",\n'
            ' "vars": {"U": "http://x/*y*/",},\n}')
        self.assertEqual(json.loads(result.out)["metadata"]["bindings"][0]["text"], "http://x/*y*/")
        (self.folder / "wrangler.jsonc").unlink()
        result = self.deploy_config(
            'name = "c2"\nmain = "index.js"\ncompatibility_date = 2025-01-02\n[vars]\nA = "x"\n'
            '[[kv_namespaces]]\nbinding = "K"\nid = "0123"\n', "wrangler.toml")
        plan = json.loads(result.out)
        self.assertEqual(plan["script"], "c2")
        self.assertEqual(plan["metadata"]["compatibility_date"], "2025-01-02")
        self.assertEqual(plan["metadata"]["bindings"][1]["namespace_id"], "0123")

    def test_wrong_config(self):
        """a wrong project file is exit 1 with file, place and key"""
        for text, says in {
                '{"name": "a",\n "main": }': "wrangler.jsonc:2:10",
                "[]": "is no object",
                '{"main": 1}': "main is no string",
                '{"main": "gone.js"}': "gone.js is not there",
                '{"vars": []}': "vars is no object",
                '{"kv_namespaces": [{}]}': 'kv_namespaces needs a "binding"',
                '{"rules": [{"type": "Txt", "globs": []}]}': 'type "Txt"',
                '{"d1_databases": [{"binding": "DB"}]}': "d1_databases is not available",
                '{"durable_objects": {"bindings": [1]}}': "durable_objects is not available",
                '{"routes": [1]}': "routes are strings",
                '/* open': "never closed"}.items():
            with self.subTest(text):
                result = self.deploy_config(text)
                self.assertEqual(result.code, 1, result)
                self.assertIn(says, result.err)

    def test_unknown_key(self):
        """an unknown key is a warning with the mend, and keys of other platforms pass"""
        result = self.deploy_config('{"mian": "x", "observability": {"enabled": true}}')
        self.assertEqual(result.code, 0, result)
        self.assertIn('unknown key "mian": did you mean "main"?', result.err)
        self.assertNotIn("observability", result.err)


class Types(CliTest):
    def types(self, folder, *words):
        made = self.json("types", folder, *words)
        return made["env"], (folder / "worker-configuration.d.ts").read_text()

    def test_bindings(self):
        """types writes what env has: literals, namespaces, services, and secrets by name alone"""
        folder = self.project(
            "typed", {".dev.vars": "# mine\nTOKEN='hush'\nMODE=local\n"},
            vars={"A": 'say "hi"', "MODE": "live", "odd-name": 1, "J": {"deep": [1, True, None]}},
            kv_namespaces=[{"binding": "STORE"}],
            services=[{"binding": "OTHER", "service": "other"}])
        env, text = self.types(folder)
        self.assertEqual(env, {
            "A": '"say \\"hi\\""', '"odd-name"': "1", "J": "{ deep: [1, true, null] }",
            "STORE": "KVNamespace", "OTHER": "Fetcher", "TOKEN": "string", "MODE": "string"})
        self.assertIn("    STORE: KVNamespace;\n", text)
        self.assertIn('/// <reference types="atoll-types" />\n', text)
        self.assertNotIn("hush", text)
        env, _ = self.types(folder, "--no-strict-vars")
        self.assertEqual((env["A"], env["J"]),
                         ("string", "{ deep: (number | boolean | null)[] }"))

    def test_environments(self):
        """a binding has the types of every environment, and may be missing where one lacks it"""
        folder = self.project("envs", vars={"WHERE": "top", "ONLY": "x"}, env={
            "staging": {"vars": {"WHERE": "staged"}}})
        self.assertEqual(self.types(folder)[0], {"WHERE": '"top" | "staged"', "ONLY?": '"x"'})
        self.assertEqual(self.types(folder, "--env", "staging")[0], {"WHERE": '"staged"'})
        self.refused(2, "types", folder, "--env", "stagign", says='did you mean "staging"?')

    def test_modules(self):
        """files that rules make modules of are declared, but for those the platform declares"""
        folder = self.project("ruled", rules=[
            {"type": "Text", "globs": ["**/*.md", "**/*.html"]},
            {"type": "Data", "globs": ["data/one.csv"]},
            {"type": "CompiledWasm", "globs": ["**/*.mod"]}])
        text = self.types(folder)[1]
        for module, type in (("*.md", "string"), ("*/one.csv", "ArrayBuffer"),
                             ("*.mod", "WebAssembly.Module")):
            self.assertIn(f'declare module "{module}" {{\n  const value: {type};\n', text)
        self.assertNotIn("*.html", text)

    def test_own_file(self):
        """a file that somebody wrote is not replaced; one that types wrote is"""
        folder = self.project("own", {"worker-configuration.d.ts": "interface Mine {}\n"})
        self.refused(1, "types", folder, says="move it away")
        self.assertEqual((folder / "worker-configuration.d.ts").read_text(), "interface Mine {}\n")
        (folder / "worker-configuration.d.ts").unlink()
        self.assertEqual(self.types(folder), self.types(folder))

    def test_no_injection(self):
        """names and values of a project's file stay names and values"""
        folder = self.project("hostile", vars={'x"; }\n}\nevil': '"\n*/ evil', "N\u2028": "\u2028"})
        for line in self.types(folder)[1].splitlines():
            self.assertFalse(line.startswith(("evil", "}evil")), line)


class Kv(CliTest):
    def test_values(self):
        """values go in and out byte by byte, from argument, file and standard input"""
        self.ok("kv", "namespace", "create", "values")
        every = bytes(range(256))
        (self.folder / "in.bin").write_bytes(every)
        self.ok("kv", "put", "a/b c", "--path", "in.bin", "-n", "values")
        got = self.run_cli("kv", "get", "a/b c", "-n", "values", binary=True)
        self.assertEqual(got.out, every)
        self.ok("kv", "get", "a/b c", "-n", "values", "--path", "out.bin")
        self.assertEqual((self.folder / "out.bin").read_bytes(), every)
        self.ok("kv", "put", "piped", "-n", "values", text="from stdin")
        self.assertEqual(self.ok("kv", "get", "piped", "-n", "values").out, "from stdin")
        self.ok("kv", "put", "m", "v", "--ttl", "600", "--metadata", '{"a": 1}', "-n", "values")
        shown = self.json("kv", "get", "m", "-n", "values")
        self.assertEqual((shown["value"], shown["metadata"]), ("v", {"a": 1}))
        self.assertGreater(shown["expiration"], 0)
        self.assertEqual(self.ok("kv", "list", "-n", "values", "--prefix", "a/").out, "a/b c\n")
        self.ok("kv", "delete", "m", "-n", "values")
        self.refused(1, "kv", "get", "m", "-n", "values", says='no key "m"')
        self.ok("kv", "namespace", "delete", "values", "--yes")
        self.refused(1, "kv", "list", "-n", "values", says="no KV namespace")

    def test_pages(self):
        """listing goes through every page, up to the limit"""
        self.ok("kv", "namespace", "create", "pages")
        for number in range(5):
            self.ok("kv", "put", f"k{number}", "v", "-n", "pages")
        self.assertEqual(len(self.json("kv", "list", "-n", "pages")["keys"]), 5)
        some = self.json("kv", "list", "-n", "pages", "--limit", "2")
        self.assertEqual((len(some["keys"]), some["list_complete"]), (2, False))

    def test_limits(self):
        """keys and expiries beyond the limits are refused with the figure"""
        self.ok("kv", "namespace", "create", "limits")
        self.refused(1, "kv", "put", "k" * 513, "v", "-n", "limits", says="512")
        self.refused(1, "kv", "put", "k", "v", "--ttl", "59", "-n", "limits", says="60")
        self.refused(1, "kv", "put", "k", "v", "--metadata", "{", "-n", "limits", says="metadata")
        self.refused(2, "kv", "put", "k", "v", "--path", "x", "-n", "limits", says="not both")
        self.refused(1, "kv", "put", "k", "--path", "nowhere", "-n", "limits", says="nowhere")


if __name__ == "__main__":
    unittest.main(verbosity=1)
