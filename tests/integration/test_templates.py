"""What `atoll init` makes: every template deploys as it stands and answers."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import http1
from support.apps import APPS
from support.npm import installed
from support.server import Server, build_directory


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())


class Templates(unittest.TestCase):
    def make(self, template):
        scratch = tempfile.TemporaryDirectory(prefix="atoll-template-")
        self.addCleanup(scratch.cleanup)
        folder = Path(scratch.name, f"a-{template}")
        subprocess.run([build_directory() / "atoll", "init", "--template", template, folder],
                       check=True, capture_output=True)
        return folder

    def ask(self, name, target="/", **more):
        answer = http1.request(server.http, f"a-{name}.localhost", target, **more)
        return answer.status, answer.text()

    def test_hello(self):
        """hello greets"""
        server.deploy(self.make("hello"))
        self.assertEqual(self.ask("hello", "/x"), (200, "Hello from /x!\n"))

    def test_hono(self):
        """hono, with its package from npm, routes, checks and has its variables"""
        folder = self.make("hono")
        (folder / "node_modules").symlink_to(installed(APPS), target_is_directory=True)
        server.deploy(folder)
        self.assertEqual(self.ask("hono"), (200, "Hello from Hono\n"))
        self.assertEqual(self.ask("hono", "/hello/anna"), (200, '{"greeting":"Hello, anna!"}'))
        self.assertEqual(self.ask("hono", "/none")[0], 404)
        for body, wanted in ((json.dumps([1, 2, 3.5]), (200, '{"sum":6.5}')),
                             ("{", (400, '{"error":"send a JSON list of numbers"}'))):
            self.assertEqual(self.ask("hono", "/sum", method="POST", body=body.encode()), wanted)

    def test_kv_counter(self):
        """kv-counter counts, in a namespace made on the first deploy"""
        server.deploy(self.make("kv-counter"))
        self.assertEqual([self.ask("kv-counter")[1] for _ in range(2)],
                         ["/ was visited 1 time.\n", "/ was visited 2 times.\n"])

    def test_site(self):
        """site shows its page, styled, and its own page for what is not there"""
        server.deploy(self.make("site"))
        status, text = self.ask("site")
        self.assertEqual(status, 200)
        self.assertIn("<h1>Hello</h1>", text)
        self.assertIn("place-items", self.ask("site", "/style.css")[1])
        status, text = self.ask("site", "/none")
        self.assertEqual(status, 404)
        self.assertIn("<h1>Not found</h1>", text)

    def test_wasm(self):
        """wasm calls its module, and refuses what the module could not take"""
        server.deploy(self.make("wasm"))
        self.assertEqual(self.ask("wasm", "/?a=48&b=18"), (200, "gcd(48, 18) = 6\n"))
        self.assertEqual(self.ask("wasm", "/?a=7&b=0"), (200, "gcd(7, 0) = 7\n"))
        for query in ("/", "/?a=1", "/?a=x&b=1", "/?a=-1&b=1", "/?a=1.5&b=1"):
            self.assertEqual(self.ask("wasm", query)[0], 400, query)
