"""Static files: which one answers what, and how HTTP asks for it."""

import gzip
import json
import unittest

from support import http1
from support.curl import TRANSPORTS, curl
from support.server import Server

SCRIPT = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/via") {
      const inner = new URL(url.searchParams.get("path"), request.url);
      return env.ASSETS.fetch(inner, { method: url.searchParams.get("method") ?? "GET",
                                       redirect: "manual" });
    }
    if (url.pathname === "/rpc") {
      try { return new Response(await env.ASSETS.list()); }
      catch (error) { return new Response(`${error}`, { status: 418 }); }
    }
    return new Response("script " + url.pathname);
  },
};
"""
LARGE = bytes(range(256)) * 4096 + b"end"


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())


def project(name, files, script=None, **assets):
    """A project's folder with static files in public/."""
    folder = server.scratch / "assets" / name
    for path, content in files.items():
        file = folder / "public" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    config = {"name": name, "compatibility_date": "2026-01-01",
              "assets": {"directory": "public", **assets}}
    if script is not None:
        config["main"] = "index.js"
        (folder / "index.js").write_text(script)
    (folder / "wrangler.json").write_text(json.dumps(config))
    return folder


def get(name, target="/", **options):
    return curl(server, f"{name}.localhost", target, **options)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server.deploy(project("files", {
            "index.html": "<h1>home</h1>", "about.html": "about", "app.js": "let a = 1;",
            "data": "no ending", "empty.txt": "", "large.bin": LARGE, "a b.txt": "blank",
            "app.js.gz": gzip.compress(b"let a = 1;", mtime=0), "404.html": "nothing here",
            ".hidden/x.txt": "dot", "skipped/x": "x", ".assetsignore": "skipped\n",
            "_headers": "/app.js\n  Cache-Control: max-age=60\n  X-Made: yes\n/*\n  ! ETag\n"
                        "/about\n  X-About: yes\n",
            "_redirects": "/old /about 301\n/blog/* /:splat\n/copy /data 200\n"},
            not_found_handling="404-page"))

    def test_transports(self):
        """each transport has them whole: pages, and a file of a megabyte"""
        for transport in TRANSPORTS:
            with self.subTest(transport):
                home = get("files", transport=transport)
                self.assertEqual((home.status, home.text()), (200, "<h1>home</h1>"))
                self.assertEqual(home.headers["content-type"], "text/html; charset=utf-8")
                self.assertEqual(get("files", "/large.bin", transport=transport).body, LARGE)

    def test_paths(self):
        """a page has one place, and what is not there has the site's own page"""
        self.assertEqual(get("files", "/about").text(), "about")
        for target in ("/about.html", "/about/", "/about/index.html"):
            answer = get("files", target + "?q=1")
            self.assertEqual((answer.status, answer.headers["location"]), (307, "/about?q=1"))
        self.assertEqual(get("files", "/a%20b.txt").text(), "blank")
        self.assertEqual(get("files", "/.hidden/x.txt").text(), "dot")
        self.assertEqual(get("files", "/empty.txt").status, 200)
        for target in ("/none", "/skipped/x", "/_headers", "/_redirects", "/.assetsignore",
                       "/%00", "/..%2findex.js", "/../index.js"):
            with self.subTest(target):
                answer = get("files", target)
                self.assertEqual((answer.status, answer.text()), (404, "nothing here"))

    def test_rules(self):
        """_redirects and _headers count"""
        answer = get("files", "/old?x=1")
        self.assertEqual((answer.status, answer.headers["location"]), (301, "/about?x=1"))
        self.assertEqual(get("files", "/blog//evil.example/").headers["location"],
                         "/evil.example/")
        self.assertEqual(get("files", "/copy").text(), "no ending")
        app = get("files", "/app.js").headers
        self.assertEqual((app["cache-control"], app["x-made"]), ("max-age=60", "yes"))
        self.assertNotIn("etag", app)
        self.assertEqual(get("files", "/about").headers["x-about"], "yes")

    def test_methods(self):
        """HEAD has the head of GET, and other methods are refused"""
        head = get("files", "/large.bin", method="HEAD")
        self.assertEqual((head.status, head.headers["content-length"]), (200, str(len(LARGE))))
        answer = get("files", "/about", method="POST", body="x")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD"))

    def test_compressed(self):
        """a copy that lies beside a file is sent to who takes it"""
        zipped = get("files", "/app.js", headers=[("accept-encoding", "br, gzip")])
        self.assertEqual(zipped.headers["content-encoding"], "gzip")
        self.assertEqual(zipped.headers["content-type"], "text/javascript; charset=utf-8")
        self.assertEqual(gzip.decompress(zipped.body), b"let a = 1;")
        plain = get("files", "/app.js")
        self.assertEqual(plain.body, b"let a = 1;")
        self.assertEqual(plain.headers["vary"], "accept-encoding")

    def test_restart(self):
        """they are there after the node was killed"""
        node = Server()
        with node:
            folder = project("kept", {"index.html": "kept"})
            node.deploy(folder)
            node.kill()
            node.start()
            self.assertEqual(curl(node, "kept.localhost").text(), "kept")


class Conditions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server.deploy(project("conditions", {"large.bin": LARGE, "small.txt": "0123456789"}))

    def test_etag(self):
        """who has it is not sent it again, until it changes"""
        first = get("conditions", "/small.txt")
        tag = first.headers["etag"]
        self.assertEqual(first.headers["cache-control"], "public, max-age=0, must-revalidate")
        for value in (tag, f'"x", W/{tag}', "*"):
            answer = get("conditions", "/small.txt", headers=[("if-none-match", value)])
            self.assertEqual((answer.status, answer.body, answer.headers["etag"]),
                             (304, b"", tag))
        self.assertEqual(
            get("conditions", "/small.txt", headers=[("if-none-match", '"x"')]).status, 200)

    def test_ranges(self):
        """parts of a file, also across the pieces it is stored in"""
        piece = 256 * 1024
        for first, last in ((0, 0), (5, 8), (piece - 1, piece), (3, 3 * piece + 7),
                            (len(LARGE) - 3, len(LARGE) - 1)):
            with self.subTest((first, last)):
                answer = get("conditions", "/large.bin", headers=[("range",
                                                                   f"bytes={first}-{last}")])
                self.assertEqual(answer.status, 206)
                self.assertEqual(answer.headers["content-range"],
                                 f"bytes {first}-{last}/{len(LARGE)}")
                self.assertEqual(answer.body, LARGE[first:last + 1])
        tail = get("conditions", "/small.txt", headers=[("range", "bytes=-3")])
        self.assertEqual((tail.status, tail.body), (206, b"789"))
        beyond = get("conditions", "/small.txt", headers=[("range", "bytes=10-")])
        self.assertEqual((beyond.status, beyond.headers["content-range"]), (416, "bytes */10"))

    def test_gone_client(self):
        """a client that goes away in the middle of a file costs nothing"""
        for _ in range(20):
            with http1.Connection(server.http) as connection:
                connection.send(b"GET /large.bin HTTP/1.1\r\nhost: conditions.localhost\r\n\r\n")
                connection.read_line()
        self.assertEqual(get("conditions", "/large.bin").body, LARGE)


class WithScript(unittest.TestCase):
    def test_before_script(self):
        """files come before the script, which has all else and the binding"""
        server.deploy(project("mixed", {"index.html": "home", "app.js": "app"}, SCRIPT,
                              binding="ASSETS", not_found_handling="single-page-application"))
        self.assertEqual(get("mixed").text(), "home")
        self.assertEqual(get("mixed", "/app.js").text(), "app")
        self.assertEqual(get("mixed", "/api").text(), "script /api")
        self.assertEqual(
            get("mixed", "/page", headers=[("sec-fetch-mode", "navigate")]).text(), "home")
        self.assertEqual(get("mixed", "/via?path=/app.js").text(), "app")
        self.assertEqual(get("mixed", "/via?path=/nothing").text(), "home")
        moved = get("mixed", "/via?path=/index.html")
        self.assertEqual((moved.status, moved.headers["location"]), (307, "/"))
        self.assertEqual(get("mixed", "/via?path=/app.js&method=DELETE").status, 405)
        self.assertIn("static files are fetched", get("mixed", "/rpc").text())

    def test_script_first(self):
        """run_worker_first: every request, or those that its rules name"""
        files = {"index.html": "home", "api/docs.html": "docs"}
        server.deploy(project("first", files, SCRIPT, binding="ASSETS", run_worker_first=True))
        self.assertEqual(get("first").text(), "script /")
        self.assertEqual(get("first", "/via?path=/").text(), "home")
        server.deploy(project("first", files, SCRIPT, binding="ASSETS",
                              run_worker_first=["/api/*", "!/api/docs"]))
        self.assertEqual(get("first").text(), "home")
        self.assertEqual(get("first", "/api/x").text(), "script /api/x")
        self.assertEqual(get("first", "/api/docs").text(), "docs")

    def test_service(self):
        """another script's files answer calls of it, and a large one comes whole"""
        server.deploy(project("pages", {"large.bin": LARGE}))
        folder = server.scratch / "assets" / "caller"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.js").write_text(
            "export default { fetch: (r, env) => env.PAGES.fetch(r) };")
        (folder / "wrangler.json").write_text(json.dumps({
            "name": "caller", "main": "index.js",
            "services": [{"binding": "PAGES", "service": "pages"}]}))
        server.deploy(folder)
        self.assertEqual(get("caller", "/large.bin").body, LARGE)
        self.assertEqual(get("caller", "/none").status, 404)

    def test_rollback(self):
        """a roll-back brings back the files of its time"""
        server.deploy(project("rolled", {"index.html": "one"}))
        server.deploy(project("rolled", {"index.html": "two"}))
        self.assertEqual(get("rolled").text(), "two")
        self.assertEqual(server.api("POST", "/scripts/rolled/rollback", {})[0], 201)
        self.assertEqual(get("rolled").text(), "one")


class Uploads(unittest.TestCase):
    def test_only_new(self):
        """a second deploy sends what is new, and takes away what is no more"""
        folder = project("again", {"a.txt": "one", "b.txt": "two"})
        self.assertIn("Static files: 2, 2 of them new", server.cli("deploy", folder).out)
        (folder / "public" / "c.txt").write_text("three")
        (folder / "public" / "b.txt").unlink()
        self.assertIn("Static files: 2, 1 of them new", server.cli("deploy", folder).out)
        self.assertEqual(get("again", "/c.txt").text(), "three")
        self.assertEqual(get("again", "/b.txt").status, 404)

    def test_refusals(self):
        """what is wrong with files or rules is said before anything is deployed"""
        for name, files, assets, wanted in (
                ("rules", {"_redirects": "/a /b 99"}, {}, "_redirects, line 1"),
                ("heads", {"_headers": "x: y"}, {}, "_headers, line 1"),
                ("huge", {"big.bin": b"x" * (25 * 1024 * 1024 + 1)}, {}, "25 MiB"),
                ("mode", {"a": "a"}, {"html_handling": "nonsense"}, "html_handling"),
                ("unbound", {"a": "a"}, {"binding": "ASSETS"}, "needs a script")):
            with self.subTest(name):
                made = server.cli("deploy", project(name, files, **assets), check=False)
                self.assertEqual(made.code, 1, made.out)
                self.assertIn(wanted, made.err)
                self.assertEqual(get(name).status, 404)
        self.assertEqual(get("rules").headers["atoll-error"], "no_route")

    def test_token(self):
        """an upload's token sends files and does nothing else; another token sends none"""
        def ask(path, token, body=b"{}", kind="application/json"):
            port = int(server.control.rsplit(":", 1)[1])
            return http1.request(port, "127.0.0.1", path, method="POST", body=body,
                                 headers=[("authorization", f"Bearer {token}"),
                                          ("content-type", kind)])
        begun = ask("/api/v1/scripts/token/assets", server.token, json.dumps(
            {"manifest": {"/a": {"hash": "0" * 32, "size": 1}}}).encode())
        token = json.loads(begun.text())["jwt"]
        self.assertEqual(ask("/api/v1/scripts/token/assets", token).status, 401)
        form = (b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\nx\r\n--b--\r\n'
                % (b"0" * 32))
        multipart = "multipart/form-data; boundary=b"
        self.assertEqual(ask("/api/v1/assets", server.token, form, multipart).status, 401)
        sent = ask("/api/v1/assets", token, form, multipart)
        self.assertEqual(json.loads(sent.text()), {"complete": True})
