"""Cloudflare's wrangler, unmodified, against a node: what it says it did is then fetched."""

import base64
import json
import re
import unittest

from support.curl import curl
from support.server import Server
from support.wrangler import Wrangler

# (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
ADD_WASM = base64.b64decode(
    "AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=")
HELLO = 'export default { fetch() { return new Response("%s"); } };'
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def setUpModule():
    global server, wrangler
    server = unittest.enterModuleContext(Server())
    wrangler = Wrangler(server)


def get(name, target="/", **options):
    return curl(server, f"{name}.localhost", target, **options)


def json_of(result):
    """The JSON in what a command printed."""
    return json.loads(result.out[re.search(r"[\[{]", result.out).start():])


class Account(unittest.TestCase):
    def test_whoami(self):
        """whoami names the account, by the id that CLOUDFLARE_ACCOUNT_ID takes as well"""
        shown = wrangler.run("whoami").out
        self.assertIn("default@localhost", shown)
        account = re.search(r"\b[0-9a-f]{32}\b", shown).group()
        by_id = Wrangler(server, account)
        by_id.run("kv", "namespace", "list")

    def test_refusals(self):
        """a wrong token and another's account are refused, in words that wrangler shows"""
        wrong = wrangler.run("kv", "namespace", "list", check=False,
                             env={"CLOUDFLARE_API_TOKEN": "nope"})
        self.assertEqual(wrong.code, 1)
        self.assertIn("code: 10000", wrong.out + wrong.err)
        other = wrangler.run("kv", "namespace", "list", check=False,
                             env={"CLOUDFLARE_ACCOUNT_ID": "somebody"})
        self.assertEqual(other.code, 1)
        self.assertIn("this token is not of that account", other.out + other.err)


class Deploy(unittest.TestCase):
    def test_modules(self):
        """deploy sends modules, Wasm, text, data and vars; the second time is a new version"""
        source = """
          import { name } from "./lib/name.js";
          import text from "./a.txt";
          import data from "./b.bin";
          import add from "./add.wasm";
          export default { fetch(request, env) {
            const { exports } = new WebAssembly.Instance(add);
            return Response.json([name, text, data.byteLength, exports.add(2, 3), env.GREETING,
                                  env.SETTINGS]);
          } };"""
        folder = wrangler.project("modules", source, {
            "lib/name.js": "export const name = 'lib';", "a.txt": "text", "b.bin": b"\0\1\2",
            "add.wasm": ADD_WASM}, vars={"GREETING": "hello", "SETTINGS": {"deep": [1]}},
            observability={"enabled": True})
        shown = wrangler.run("deploy", cwd=folder).out
        self.assertIn("modules.localhost", shown)
        self.assertRegex(shown, f"Current Version ID: {UUID}")
        self.assertEqual(get("modules").json(), ["lib", "text", 3, 5, "hello", {"deep": [1]}])
        (folder / "a.txt").write_text("changed")
        again = wrangler.run("deploy", "--message", "second", cwd=folder).out
        self.assertEqual(get("modules").json()[1], "changed")
        self.assertNotEqual(re.search(UUID, shown).group(), re.search(UUID, again).group())

    def test_environment(self):
        """--env deploys <name>-<env> with its own vars"""
        folder = wrangler.project(
            "envs", "export default { fetch(r, env) { return new Response(env.WHERE); } };",
            vars={"WHERE": "top"}, env={"staging": {"vars": {"WHERE": "staging"}}})
        wrangler.run("deploy", "--env", "staging", cwd=folder)
        self.assertEqual(get("envs-staging").text(), "staging")

    def test_routes(self):
        """routes and custom domains answer, and go when the project names them no more"""
        folder = wrangler.project("routed", HELLO % "routed", routes=[
            "routes.test/api/*", {"pattern": "domain.test", "custom_domain": True}])
        shown = wrangler.run("deploy", cwd=folder).out
        self.assertIn("routes.test/api/*", shown)
        self.assertEqual(curl(server, "routes.test", "/api/x").text(), "routed")
        self.assertEqual(curl(server, "routes.test", "/other").status, 404)
        self.assertEqual(curl(server, "domain.test").text(), "routed")
        wrangler.project("routed", HELLO % "routed", routes=["routes.test/new/*"])
        wrangler.run("deploy", cwd=folder)
        self.assertEqual(curl(server, "routes.test", "/api/x").status, 404)
        self.assertEqual(curl(server, "routes.test", "/new/x").text(), "routed")

    def test_assets(self):
        """deploy sends static files, the second time what is new; with a script, and alone"""
        script = "export default { fetch: (r, env) => env.ASSETS.fetch(new URL('/a.txt', r.url)) };"
        assets = {"directory": "public", "binding": "ASSETS",
                  "not_found_handling": "404-page", "run_worker_first": ["/api/*"]}
        folder = wrangler.project("static", script, {
            "public/index.html": "home", "public/a.txt": "a", "public/img/x y.svg": "<svg/>",
            "public/large.bin": b"\0\1\2" * 400_000, "public/404.html": "none",
            "public/_headers": "/*\n  x-made: yes\n", "public/_redirects": "/old /a.txt 301\n"},
            assets=assets)
        shown = wrangler.run("deploy", cwd=folder).out
        self.assertIn("Uploaded 5 files", shown)
        self.assertEqual(get("static").text(), "home")
        self.assertEqual(get("static").headers["content-type"], "text/html; charset=utf-8")
        self.assertEqual(get("static").headers["x-made"], "yes")
        self.assertEqual(get("static", "/img/x%20y.svg").headers["content-type"], "image/svg+xml")
        self.assertEqual(get("static", "/large.bin").body, b"\0\1\2" * 400_000)
        self.assertEqual(get("static", "/old").headers["location"], "/a.txt")
        self.assertEqual(get("static", "/api/x").text(), "a")
        self.assertEqual(get("static", "/none").text(), "none")
        (folder / "public/new.txt").write_text("new")
        shown = wrangler.run("deploy", cwd=folder).out
        self.assertIn("Uploaded 1 file (5 already uploaded)", shown)
        self.assertEqual(get("static", "/new.txt").text(), "new")
        self.assertIn("No updated asset files", wrangler.run("deploy", cwd=folder).out)
        wrangler.run("secret", "put", "KEY", cwd=folder, text="value")
        self.assertEqual(get("static", "/new.txt").text(), "new")
        alone = wrangler.project("alone", None, {"public/index.html": "alone"},
                                 assets={"directory": "public"})
        wrangler.run("deploy", cwd=alone)
        self.assertEqual(get("alone").text(), "alone")
        self.assertEqual(get("alone", "/none").status, 404)
        (folder / "public/_redirects").write_text("/a /b 99\n")
        refused = wrangler.run("deploy", cwd=folder, check=False)
        self.assertEqual(refused.code, 1)
        self.assertIn("_redirects, line 1", refused.out + refused.err)

    def test_refusals(self):
        """what does not start, or needs what is not offered, is refused with the reason, and the
        version before goes on"""
        folder = wrangler.project("refused", HELLO % "good")
        wrangler.run("deploy", cwd=folder)
        (folder / "index.js").write_text("throw new Error('at the top');\n" + HELLO % "bad")
        broken = wrangler.run("deploy", cwd=folder, check=False)
        self.assertEqual(broken.code, 1)
        self.assertIn("at the top", broken.out + broken.err)
        for config, missing in ((
                {"r2_buckets": [{"binding": "B", "bucket_name": "bucket"}]}, "r2_bucket"), (
                {"analytics_engine_datasets": [{"binding": "A"}]}, "analytics_engine"), (
                {"ai": {"binding": "AI"}}, "ai")):
            with self.subTest(missing):
                wrangler.project("refused", HELLO % "never", **config)
                made = wrangler.run("deploy", cwd=folder, check=False)
                self.assertEqual(made.code, 1, made.out)
                self.assertIn("does not offer", made.out + made.err)
        self.assertEqual(get("refused").text(), "good")

    def test_delete(self):
        """delete removes the script, its routes and names"""
        folder = wrangler.project("deleted", HELLO % "here")
        wrangler.run("deploy", cwd=folder)
        self.assertEqual(get("deleted").text(), "here")
        self.assertIn("Successfully deleted", wrangler.run("delete", "--force", cwd=folder).out)
        self.assertEqual(get("deleted").status, 404)
        wrangler.run("delete", "--force", cwd=folder, check=False)

    def test_delete_bound(self):
        """delete tells which scripts call the one to go"""
        wrangler.run("deploy", cwd=wrangler.project("callee", HELLO % "callee"))
        wrangler.run("deploy", cwd=wrangler.project(
            "caller", "export default { fetch(r, env) { return env.CALLEE.fetch(r); } };",
            services=[{"binding": "CALLEE", "service": "callee"}]))
        self.assertEqual(get("caller").text(), "callee")
        shown = wrangler.run("delete", "--name", "callee").out
        self.assertIn("Worker caller", shown)


class Versions(unittest.TestCase):
    def test_versions(self):
        """versions are uploaded, listed and viewed; deployed by share; rolled back"""
        folder = wrangler.project("versioned", HELLO % "one", vars={"A": "1"})
        wrangler.run("deploy", cwd=folder)
        wrangler.project("versioned", HELLO % "two", vars={"A": "2"})
        shown = wrangler.run("versions", "upload", "--tag", "v2", "--message", "the second",
                             cwd=folder).out
        second = re.search(f"Worker Version ID: ({UUID})", shown).group(1)
        self.assertEqual(get("versioned").text(), "one")

        listed = json_of(wrangler.run("versions", "list", "--json", cwd=folder))
        self.assertEqual(len(listed), 2)
        first = next(v["id"] for v in listed if v["id"] != second)
        newest = next(v for v in listed if v["id"] == second)
        self.assertEqual(newest["annotations"],
                         {"workers/message": "the second", "workers/tag": "v2"})
        viewed = wrangler.run("versions", "view", second, cwd=folder).out
        self.assertIn("2026-01-01", viewed)
        self.assertIn("the second", viewed)
        self.assertIn("env.A", viewed)

        wrangler.run("versions", "deploy", f"{first}@90%", f"{second}@10%", "--yes", cwd=folder)
        status = json_of(wrangler.run("deployments", "status", "--json", cwd=folder))
        self.assertEqual({v["version_id"]: v["percentage"] for v in status["versions"]},
                         {first: 90, second: 10})
        answers = [get("versioned").text() for _ in range(40)]
        self.assertEqual(set(answers), {"one", "two"})
        self.assertGreater(answers.count("one"), answers.count("two"))

        wrangler.run("versions", "deploy", f"{second}@100%", "--yes", "--message", "all",
                     cwd=folder)
        self.assertEqual(get("versioned").text(), "two")
        self.assertIn("100%", wrangler.run("deployments", "list", cwd=folder).out)
        shown = wrangler.run("rollback", first, "--message", "back", cwd=folder).out
        self.assertIn("has been deployed to 100% of traffic", shown)
        self.assertEqual(get("versioned").text(), "one")
        wrangler.run("rollback", cwd=folder)
        self.assertEqual(get("versioned").text(), "two")
        missing = wrangler.run("versions", "view", first[:-1] + "x", cwd=folder, check=False)
        self.assertEqual(missing.code, 1)


class Secrets(unittest.TestCase):
    SOURCE = """export default { fetch(request, env) {
      return Response.json([env.TOKEN, env.OTHER, process.env.TOKEN]); } };"""

    def setUp(self):
        self.name = "secrets-" + self._testMethodName.replace("_", "-")
        self.folder = wrangler.project(self.name, self.SOURCE,
                                       compatibility_flags=["nodejs_compat"])
        wrangler.run("deploy", cwd=self.folder)

    def names(self):
        return [s["name"] for s in json_of(wrangler.run("secret", "list", cwd=self.folder))]

    def test_put(self):
        """secrets are put, listed by name, kept by deploys and deleted; no log shows one"""
        wrangler.run("secret", "put", "TOKEN", text="correct-horse-1\n", cwd=self.folder)
        self.assertEqual(get(self.name).json(), ["correct-horse-1", None, "correct-horse-1"])
        self.assertEqual(self.names(), ["TOKEN"])
        (self.folder / "index.js").write_text(self.SOURCE + "console.log('changed');")
        wrangler.run("deploy", cwd=self.folder)
        self.assertEqual(get(self.name).json()[0], "correct-horse-1")
        wrangler.run("secret", "put", "TOKEN", text="correct-horse-2", cwd=self.folder)
        self.assertEqual(get(self.name).json()[0], "correct-horse-2")
        self.assertIn("TOKEN", wrangler.run(
            "versions", "view", json_of(wrangler.run(
                "versions", "list", "--json", cwd=self.folder))[-1]["id"], cwd=self.folder).out)
        wrangler.run("secret", "delete", "TOKEN", cwd=self.folder)
        self.assertEqual(get(self.name).json()[0], None)
        self.assertEqual(self.names(), [])
        self.assertNotIn("correct-horse", server.log_text(10**9))
        for file in server.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"correct-horse", file.read_bytes(), file)

    def test_bulk(self):
        """secret bulk puts several at once and deletes those that are null"""
        wrangler.run("secret", "bulk", cwd=self.folder,
                     text=json.dumps({"TOKEN": "a", "OTHER": "b"}))
        self.assertEqual(get(self.name).json()[:2], ["a", "b"])
        wrangler.run("secret", "bulk", cwd=self.folder,
                     text=json.dumps({"TOKEN": None, "OTHER": "c"}))
        self.assertEqual(get(self.name).json()[:2], [None, "c"])

    def test_not_deployed(self):
        """a secret for what is not deployed is refused, or makes a version more"""
        (self.folder / "index.js").write_text(self.SOURCE + "console.log('newer');")
        wrangler.run("versions", "upload", cwd=self.folder)
        made = wrangler.run("secret", "put", "TOKEN", text="x", cwd=self.folder, check=False)
        self.assertEqual(made.code, 1)
        self.assertIn("isn't currently deployed", made.out + made.err)
        wrangler.run("versions", "secret", "put", "TOKEN", text="y", cwd=self.folder)
        self.assertEqual(get(self.name).json()[0], None)
        newest = json_of(wrangler.run("versions", "list", "--json", cwd=self.folder))[-1]["id"]
        wrangler.run("versions", "deploy", f"{newest}@100%", "--yes", cwd=self.folder)
        self.assertEqual(get(self.name).json()[0], "y")

    def test_before_deploy(self):
        """a secret put before the first deploy is there at the first deploy"""
        folder = wrangler.project("early", self.SOURCE, compatibility_flags=["nodejs_compat"])
        wrangler.run("secret", "put", "TOKEN", text="early", cwd=folder)
        wrangler.run("deploy", cwd=folder)
        self.assertEqual(get("early").json()[0], "early")


class Kv(unittest.TestCase):
    def test_namespaces(self):
        """namespaces are made, listed, renamed and deleted"""
        shown = wrangler.run("kv", "namespace", "create", "first").out
        made = re.search(r"[0-9a-f]{32}", shown).group()
        titles = {n["id"]: n["title"] for n in json_of(wrangler.run("kv", "namespace", "list"))}
        self.assertEqual(titles[made], "first")
        wrangler.run("kv", "namespace", "rename", "first", "--new-name", "second")
        titles = {n["id"]: n["title"] for n in json_of(wrangler.run("kv", "namespace", "list"))}
        self.assertEqual(titles[made], "second")
        wrangler.run("kv", "namespace", "delete", "--namespace-id", made, "-y")
        self.assertNotIn(made, wrangler.run("kv", "namespace", "list").out)

    def test_keys(self):
        """keys are put with metadata and expiry, read, listed and deleted; bulk does many"""
        shown = wrangler.run("kv", "namespace", "create", "keys").out
        where = ["--namespace-id", re.search(r"[0-9a-f]{32}", shown).group(), "--remote"]
        wrangler.run("kv", "key", "put", "a/b c", "value", "--metadata", '{"m":1}', "--ttl", "600",
                     *where)
        self.assertEqual(wrangler.run("kv", "key", "get", "a/b c", *where).out.strip(), "value")
        listed = json_of(wrangler.run("kv", "key", "list", *where))
        self.assertEqual((listed[0]["name"], listed[0]["metadata"]), ("a/b c", {"m": 1}))
        self.assertGreater(listed[0]["expiration"], 1_700_000_000)
        wrangler.run("kv", "key", "delete", "a/b c", *where)
        gone = wrangler.run("kv", "key", "get", "a/b c", *where, check=False)
        self.assertEqual(gone.code, 1)
        self.assertIn("404", gone.out + gone.err)

        pairs = [{"key": f"k{i}", "value": f"v{i}"} for i in range(1200)]
        pairs[0] = {"key": "k0", "value": "AAE=", "base64": True, "metadata": {"x": 2}}
        file = server.scratch / "bulk.json"
        file.write_text(json.dumps(pairs))
        wrangler.run("kv", "bulk", "put", file, *where)
        self.assertEqual(len(json_of(wrangler.run("kv", "key", "list", *where))), 1200)
        file.write_text(json.dumps(["k1", "k2", "none"]))
        found = json_of(wrangler.run("kv", "bulk", "get", file, *where))
        self.assertEqual({k: v and v["value"] if isinstance(v, dict) else v
                          for k, v in found.items()}["k1"], "v1")
        wrangler.run("kv", "bulk", "delete", file, *where, "--force")
        self.assertEqual(len(json_of(wrangler.run("kv", "key", "list", *where))), 1198)

    def test_bound(self):
        """a binding without an id gets a namespace; what the tool writes the script reads"""
        folder = wrangler.project(
            "bound", "export default { async fetch(r, env) { return new Response("
            "await env.STORE.get('key')); } };", kv_namespaces=[{"binding": "STORE"}])
        wrangler.run("deploy", cwd=folder)
        titles = {n["title"]: n["id"] for n in json_of(wrangler.run("kv", "namespace", "list"))}
        made = next(i for title, i in titles.items() if title.startswith("bound-"))
        wrangler.run("kv", "key", "put", "key", "from outside", "--namespace-id", made, "--remote")
        self.assertEqual(get("bound").text(), "from outside")


class Types(unittest.TestCase):
    def test_types(self):
        """types are made for a project that deploys here, its bindings among them"""
        made = wrangler.run("kv", "namespace", "create", "TYPED")
        space = re.search(r'"id": "(\w{32})"', made.out)[1]
        folder = wrangler.project("typed", "export default { fetch: () => new Response() };",
                                  vars={"GREETING": "hello"},
                                  kv_namespaces=[{"binding": "TYPED", "id": space}])
        wrangler.run("types", cwd=folder)
        text = (folder / "worker-configuration.d.ts").read_text()
        self.assertRegex(text, r'GREETING: "hello"')
        self.assertRegex(text, r"TYPED: KVNamespace")
        wrangler.run("deploy", cwd=folder)


class NotYet(unittest.TestCase):
    def test_products(self):
        """commands of what is not there say so, and fail"""
        for words in (("queues", "list"), ("queues", "create", "q"), ("d1", "list"),
                      ("r2", "bucket", "list")):
            with self.subTest(words):
                made = wrangler.run(*words, check=False)
                self.assertEqual(made.code, 1)
                self.assertIn("this node does not offer", made.out + made.err)
