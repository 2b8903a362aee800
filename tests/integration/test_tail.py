"""Live traces: what a watcher of a script is shown, and what it costs the script."""

import json
import os
import queue
import socket
import subprocess
import threading
import time
import unittest

from support import http1
from support.server import PATIENCE_SECONDS, Server, build_directory
from support.wrangler import Wrangler

SCRIPT = """
export default {
  async fetch(request) {
    const url = new URL(request.url);
    console.log("asked for", url.pathname, { deep: [1] });
    if (url.pathname === "/throw") throw new TypeError("thrown on purpose");
    if (url.pathname === "/spin") for (;;) {}
    if (url.pathname === "/much") for (let i = 0; i < 3000; i++) console.warn("line " + i);
    if (url.pathname === "/large") console.log("x".repeat(60000));
    return new Response("ok", { status: url.pathname === "/made" ? 201 : 200 });
  },
};
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(
        Server(config="[script]\ncpu_ms_max = 200\n"))
    server.deploy_source("watched", SCRIPT)
    server.deploy_source("other", SCRIPT)


def ask(target, name="watched", **options):
    return http1.request(server.http, f"{name}.localhost", target, **options)


class Watcher:
    """A running command that prints a JSON object for each invocation."""

    def __init__(self, test, command, cwd=None, env=None):
        self.process = subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "ATOLL_URL": server.control, "ATOLL_TOKEN": server.token,
                 **(env or {})})
        self.items = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        test.addCleanup(self.close)

    def _read(self):
        # An object is one line, or several that end in a closing brace of their own.
        text = ""
        for line in self.process.stdout:
            text += line
            try:
                self.items.put(json.loads(text))
                text = ""
            except json.JSONDecodeError:
                pass

    def begin(self):
        """Asks until the watcher is shown something: then it watches."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            ask("/begin")
            try:
                self.items.get(timeout=0.2)
            except queue.Empty:
                continue
            return self
        raise AssertionError("nothing was shown:\n" + self.process.stderr.read1(4000))

    def next(self, path):
        """The invocation that had this path."""
        while True:
            item = self.items.get(timeout=PATIENCE_SECONDS)
            if item["event"].get("request", {}).get("url", "").endswith(path):
                return item

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()
        self.process.stderr.close()


def atoll(test, *words):
    return Watcher(test, [str(build_directory() / "atoll"), "tail", "--json", *words])


class Tail(unittest.TestCase):
    def test_items(self):
        """an invocation is shown with its request, logs, exceptions, outcome and times"""
        watcher = atoll(self, "watched").begin()
        ask("/made?q=1", headers=[("x-kind", "a"), ("authorization", "Bearer s3cret")])
        item = watcher.next("/made?q=1")
        self.assertEqual(item["outcome"], "ok")
        self.assertEqual(item["scriptName"], "watched")
        self.assertEqual(item["event"]["response"], {"status": 201})
        request = item["event"]["request"]
        self.assertEqual((request["method"], request["headers"]["x-kind"]), ("GET", "a"))
        self.assertNotIn("s3cret", json.dumps(item))
        self.assertEqual(item["logs"][0]["level"], "log")
        self.assertIn("asked for /made", item["logs"][0]["message"][0])
        self.assertGreaterEqual(item["wallTime"], 0)
        self.assertGreater(item["cpuTimeMicros"], 0)

    def test_failures(self):
        """what is thrown comes with its stack; a broken limit has its outcome"""
        watcher = atoll(self, "watched").begin()
        self.assertEqual(ask("/throw").status, 500)
        item = watcher.next("/throw")
        self.assertEqual(item["outcome"], "exception")
        self.assertEqual(item["exceptions"][0]["name"], "TypeError")
        self.assertEqual(item["exceptions"][0]["message"], "thrown on purpose")
        # As it was written: the bundle has it elsewhere.
        self.assertIn("index.js:6:42", item["exceptions"][0]["stack"])
        self.assertEqual(ask("/spin").status, 503)
        self.assertEqual(watcher.next("/spin")["outcome"], "exceededCpu")

    def test_filters(self):
        """filters and other scripts' traces are kept away at the node"""
        watcher = atoll(self, "watched", "--method", "POST", "--search", "asked for /wanted")
        errors = atoll(self, "watched", "--status", "error")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (watcher.items.empty() or errors.items.empty()) and time.monotonic() < deadline:
            ask("/wanted", method="POST")
            ask("/wanted", name="other", method="POST")
            ask("/throw", method="POST")
            ask("/wanted")
        seen = [watcher.items.get_nowait() for _ in range(watcher.items.qsize())]
        self.assertTrue(seen)
        for item in seen:
            self.assertEqual((item["scriptName"], item["event"]["request"]["method"],
                              item["event"]["request"]["url"].endswith("/wanted")),
                             ("watched", "POST", True))
        self.assertEqual(errors.items.get_nowait()["outcome"], "exception")

    def test_much(self):
        """an invocation that logs without end is cut, and says so"""
        watcher = atoll(self, "watched").begin()
        ask("/much")
        item = watcher.next("/much")
        self.assertTrue(item["truncated"])
        self.assertLessEqual(len(item["logs"]), 1000)

    def test_pretty(self):
        """without --json there is a line for each, with status and times, and its logs below"""
        process = subprocess.Popen(
            [str(build_directory() / "atoll"), "tail", "watched"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "ATOLL_URL": server.control, "ATOLL_TOKEN": server.token})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        done = threading.Event()

        def keep_asking():
            while not done.wait(0.1):
                ask("/pretty")
        thread = threading.Thread(target=keep_asking)
        thread.start()
        lines = [process.stdout.readline() for _ in range(2)]
        done.set()
        thread.join()
        self.assertRegex(lines[0], r"GET http://watched\.localhost/pretty ok 200 \(cpu [\d.]+ ms")
        self.assertIn("(log) asked for /pretty", lines[1])

    def test_refusals(self):
        """a script that is not there, a wrong token and a wrong ticket are refused"""
        made = server.cli("tail", "nobody")
        self.assertEqual(made.code, 1)
        self.assertIn("nobody", made.err)
        status, viewer = server.api("POST", "/tokens", {"name": "v", "role": "viewer"})
        self.assertEqual(status, 201)
        status, _ = server.api("POST", "/scripts/watched/tails", {}, token=viewer["token"])
        self.assertEqual(status, 403)
        port = int(server.control.rsplit(":", 1)[1])
        answer = http1.request(port, "127.0.0.1", "/client/v4/tails/" + "0" * 48, headers=[
            ("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")])
        self.assertEqual(answer.status, 404)


class SlowWatcher(unittest.TestCase):
    def test_slow(self):
        """a watcher that does not read loses traces and is told how many; requests go on"""
        status, leave = server.api("POST", "/scripts/watched/tails", {})
        self.assertEqual(status, 201)
        port = int(server.control.rsplit(":", 1)[1])
        with socket.socket() as watcher:
            watcher.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            watcher.settimeout(PATIENCE_SECONDS)
            watcher.connect(("127.0.0.1", port))
            path = leave["url"].split("/", 3)[3]
            watcher.sendall((f"GET /{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\n"
                             "connection: upgrade\r\nsec-websocket-version: 13\r\n"
                             "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
            self.assertIn(b"101", watcher.recv(12))
            # Above what the queue, the connection and the system keep.
            for _ in range(400):
                self.assertEqual(ask("/large").status, 200)
            received = b""
            while b'"type":"overload"' not in received:
                received = received[-4096:] + watcher.recv(65536)
                ask("/after")
            self.assertIn(b"invocations were lost here", received)


class WranglerTail(unittest.TestCase):
    def test_wrangler(self):
        """wrangler tail shows them too, its unmasked first frame notwithstanding"""
        wrangler = Wrangler(server)
        watcher = Watcher(self, [*wrangler.command, "tail", "watched", "--format", "json"],
                          cwd=server.scratch, env=wrangler.env)
        watcher.begin()
        ask("/throw")
        item = watcher.next("/throw")
        self.assertEqual((item["outcome"], item["exceptions"][0]["name"]),
                         ("exception", "TypeError"))
