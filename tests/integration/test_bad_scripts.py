"""Scripts that are wrong: each gets a definite answer that says what to change."""

import struct
import unittest

from support import http1
from support.curl import H1, H2C, curl
from support.server import Server

GOOD = "export default { fetch: () => new Response('good') };"
# A module whose section says it is longer than it is.
CORRUPT_WASM = b"\0asm\1\0\0\0" + b"\x01\x7f\x01"

# name: (main module, other files, config, what the error must speak of)
REFUSED = {
    "syntax error": ("export default { fetch() { return new Response('x' } };", {}, {},
                     ("index.js",)),
    "missing main": (None, {}, {}, ("index.js",)),
    "missing import": ("import x from './gone.js';\n" + GOOD, {}, {}, ("gone.js",)),
    "missing package": ("import x from 'no-such-package-here';\n" + GOOD, {}, {},
                        ("no-such-package-here",)),
    "missing export": ("import { gone } from './other.js';\n" + GOOD.replace("'good'", "gone"),
                       {"other.js": "export const here = 1;"}, {}, ("gone",)),
    "no default export": ("export const fetch = () => new Response('x');", {}, {}, ("default",)),
    "corrupt wasm": ("import m from './broken.wasm';\n" + GOOD.replace("'good'", "`${m}`"),
                     {"broken.wasm": CORRUPT_WASM}, {}, ("broken",)),
    "corrupt JSON module": ("import d from './d.json';\n" + GOOD.replace("'good'", "d.x"),
                            {"d.json": "{"}, {}, ("d.json",)),
    # The top level is run once before anything is committed.
    "throws at the top": ("let a;\nthrow new TypeError('top level trouble');\n" + GOOD, {}, {},
                          ("TypeError: top level trouble", "index.js:")),
    "throws in an import": ("import './other.js';\n" + GOOD, {"other.js": "\n\nnull.x;"}, {},
                            ("of null",)),
    "loops at the top": ("for (;;) {}\n" + GOOD, {}, {}, ("200 ms of CPU time", "handlers")),
    "grows at the top": ("const a = []; for (;;) a.push(new Array(1e5).fill(1.5));\n" + GOOD, {},
                         {}, ("64 MB of memory",)),
    "default export is no object": ("export default 42;", {}, {}, ("default export",)),
    "no handler": ("export default {};", {}, {}, ("fetch",)),
    "never finishes at the top": ("await new Promise(() => {});\n" + GOOD, {}, {},
                                  ("top-level await",)),
    "input and output at the top": ("await fetch('http://example.com/');\n" + GOOD, {}, {},
                                    ("global scope",)),
}

# name: (source, status, atoll-error)
FAILING = {
    "throws": ("export default { fetch() { throw new Error('secret-detail'); } };",
               500, "script_exception"),
    "rejects": ("export default { async fetch() { await 1; throw new Error('secret-detail'); } };",
                500, "script_exception"),
    "throws-null": ("export default { fetch() { throw null; } };", 500, "script_exception"),
    "never-settles": ("export default { fetch: () => new Promise(() => {}) };", 500, "script_hung"),
    "returns-nothing": ("export default { fetch() {} };", 500, "script_no_response"),
    "returns-a-string": ("export default { fetch: () => 'text' };", 500, "script_no_response"),
    "bad-toString": ("export default { fetch() { throw { toString() { throw 1; } }; } };",
                     500, "script_exception"),
    "deep-recursion": ("const f = () => f() + 1; export default { fetch: () => f() };",
                       500, "script_exception"),
    "used-body": ("const r = new Response('x'); export default { async fetch() {"
                  " await r.text(); return r; } };", 500, None),
    "allocates": ("export default { fetch() { const a = [];"
                  " for (;;) a.push(new Array(1e5).fill(Math.random())); } };",
                  503, "memory_limit"),
    # Done off the thread that runs scripts, and still the request's CPU time.
    "computes": ("export default { async fetch() { const { subtle } = crypto;"
                 " const name = 'PBKDF2', salt = new Uint8Array(1);"
                 " const key = await subtle.importKey('raw', salt, name, false, ['deriveBits']);"
                 " await subtle.deriveBits({ name, hash: 'SHA-512', salt, iterations: 2e6 }, key,"
                 " 256); return new Response('too much'); } };", 503, "cpu_limit"),
    "loops": ("export default { fetch() { for (;;) {} } };", 503, "cpu_limit"),
}


# Limits that a test can wait for.
CONFIG = """
[script]
cpu_ms_max = 300
startup_cpu_ms_max = 200
heap_bytes_max = 67108864
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server(config=CONFIG))
    server.deploy_source("good", GOOD)


class BadScripts(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.good_goes_on)

    def good_goes_on(self):
        self.assertEqual(http1.request(server.http, "good.localhost").text(), "good")

    def test_write_after_end(self):
        """a script that writes after the end is told so, and its client has a whole response"""
        server.deploy_source("late", """
            export default { async fetch(request, env, ctx) {
              const { readable, writable } = new TransformStream();
              const writer = writable.getWriter();
              ctx.waitUntil((async () => {
                await writer.write(new TextEncoder().encode('all of it'));
                await writer.close();
                await writer.write(new TextEncoder().encode('too late'))
                  .catch((error) => env.SEEN.put('error', error.name));
              })());
              return new Response(readable);
            } };""", config={"kv_namespaces": [{"binding": "SEEN"}]})
        self.assertEqual(http1.request(server.http, "late.localhost").text(), "all of it")

    def test_breaks_half_way(self):
        """a body that fails half way never looks complete"""
        server.deploy_source("half", """
            export default { fetch: () => new Response(new ReadableStream({
              start(c) { c.enqueue(new TextEncoder().encode('half')); },
              async pull(c) { c.error(new Error('half way')); } })) };""")
        with self.assertRaises(EOFError):
            http1.request(server.http, "half.localhost")
        self.assertNotEqual(curl(server, "half.localhost", "/", H2C).code, 0)

    def test_errors_tell_nothing(self):
        """what a script threw is for its tenant's log, not for the client"""
        server.deploy_source("private", FAILING["throws"][0])
        answer = http1.request(server.http, "private.localhost")
        self.assertNotIn("secret-detail", answer.text())
        self.assertTrue(answer.get("atoll-ray"))

    def test_failed_deploy_changes_nothing(self):
        """a deploy that is refused leaves the version before it serving"""
        server.deploy_source("stable", GOOD)
        refused = server.deploy_source("stable", "export default { fetch( };", check=False)
        self.assertEqual(refused.code, 1)
        self.assertEqual(http1.request(server.http, "stable.localhost").text(), "good")

    def test_fails_on_the_node_only(self):
        """a version that loads when deployed and not on its node costs the node a few tries"""
        with Server(config=CONFIG) as node:
            node.deploy_source("heavy", "const kept = new Uint8Array(8 << 20);\n" +
                               GOOD.replace("'good'", "`${kept.length}`"))
            node.deploy_source("light", GOOD)
            self.assertEqual(http1.request(node.http, "heavy.localhost").text(), "8388608")
            node.stop()
            (node.scratch / "node.toml").write_text(CONFIG + "buffer_bytes_max = 1048576\n")
            node.start()
            for _ in range(40):
                answer = http1.request(node.http, "heavy.localhost")
                self.assertIn(answer.get("atoll-error"), ("script_load_failed", "memory_limit"))
            self.assertEqual(http1.request(node.http, "light.localhost").text(), "good")
            # A try on each shard, and another where a second has passed.
            self.assertLess(node.log_text(limit=10**6).count("isolate_lost"), 20)
            node.deploy_source("heavy", GOOD)
            self.assertEqual(http1.request(node.http, "heavy.localhost").text(), "good")

    def test_deep_wasm(self):
        """a Wasm module that the engine refuses is refused at deploy, not at the first request"""
        nonsense = b"\0asm" + struct.pack("<I", 99) + bytes(64)
        result = server.deploy_source("wasm99", "import m from './m.wasm';\n" + GOOD,
                                      {"m.wasm": nonsense}, check=False)
        self.assertEqual(result.code, 1, result)


def _refused(name, source, files, config, words):
    def test(self):
        script = name.replace(" ", "-").lower()
        result = server.deploy_source(script, source, files, config, check=False)
        self.assertEqual(result.code, 1, result)
        self.assertTrue(result.err.strip(), "no reason on stderr")
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual(http1.request(server.http, f"{script}.localhost").status, 404)
    return test


def _failing(name, source, status, code):
    def test(self):
        server.deploy_source(name.lower(), source)
        for transport in (H1, H2C):
            answer = curl(server, f"{name.lower()}.localhost", "/", transport)
            self.assertEqual(answer.status, status, answer)
            if code:
                self.assertEqual(answer.headers.get("atoll-error"), code)
            self.assertTrue(answer.headers.get("atoll-ray"))
    return test


for _name, _row in REFUSED.items():
    _test = _refused(_name, *_row)
    _test.__doc__ = f"deploy is refused with its reason: {_name}"
    setattr(BadScripts, "test_refused_" + _name.replace(" ", "_"), _test)
for _name, _row in FAILING.items():
    _test = _failing(_name, *_row)
    _test.__doc__ = f"a handler that {_name.replace('-', ' ')} answers {_row[1]} {_row[2] or ''}"
    setattr(BadScripts, "test_failing_" + _name.replace("-", "_"), _test)
