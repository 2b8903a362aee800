"""Starting, draining, stopping: what an operator and a process supervisor rely on."""

import http.client
import json
import os
import stat
import subprocess
import threading
import unittest
from pathlib import Path

from support import http1, http2
from support.server import PATIENCE_SECONDS, Server, build_directory

# Streams forever until its client sends more, in steps that the test decides.
WORKER = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/echo') return new Response(request.body);
    if (pathname === '/wait') return new Response(await request.text());
    return new Response('ok');
  },
};
"""


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server())
        self.server.deploy_source("app", WORKER)

    def open_request(self, path="/wait"):
        """A request whose handler is waiting for the second half of its body."""
        connection = http1.Connection(self.server.http)
        self.addCleanup(connection.close)
        connection.send(f"POST {path} HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 10\r\n"
                        "Expect: 100-continue\r\n\r\n")
        self.assertEqual(connection.read_response().status, 100)
        connection.send("hello")
        return connection

    def drain(self):
        """SIGTERM; returns a function that waits for the exit code."""
        result = {}
        waiter = threading.Thread(target=lambda: result.update(code=self.server.stop()))
        waiter.start()

        def code():
            waiter.join(PATIENCE_SECONDS)
            return result.get("code")
        return code

    def test_drain_http1(self):
        """SIGTERM lets a request in flight finish, then exits 0"""
        open_request = self.open_request()
        idle = http1.Connection(self.server.http)
        idle.send("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
        self.assertEqual(idle.read_response().status, 200)
        code = self.drain()
        self.assertTrue(idle.closed())  # The drain has begun, and idle connections go first.
        open_request.send("world")
        answer = open_request.read_response()
        self.assertEqual((answer.status, answer.text()), (200, "helloworld"))
        self.assertTrue(open_request.closed())
        self.assertEqual(code(), 0)

    def test_drain_http2(self):
        """SIGTERM says GOAWAY and lets the streams in flight finish"""
        connection = http2.Connection(self.server.http).established()
        connection.request(1, http2.request_fields("app.localhost", "/wait", "POST"), end=False)
        connection.send(http2.frame(http2.DATA, 0, 1, b"hello"))
        connection.request(3, http2.request_fields("app.localhost"))
        self.assertEqual(connection.response(3)[0], 200)  # Stream 1 has been seen by now.
        code = self.drain()
        goaway = connection.wait_for(http2.GOAWAY)
        self.assertEqual(goaway.error(), "NO_ERROR")
        connection.send(http2.frame(http2.DATA, http2.END_STREAM, 1, b"world"))
        self.assertEqual(connection.response(1)[::2], (200, b"helloworld"))
        connection.socket.close()
        self.assertEqual(code(), 0)

    def test_drain_at_once(self):
        """SIGTERM as soon as the ready line is there drains too"""
        for _ in range(3):
            with Server(shards=1) as server:
                self.assertEqual(server.stop(), 0)

    def test_restart(self):
        """everything deployed answers after a drain, and after a kill -9"""
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertEqual(http1.request(self.server.http, "app.localhost").text(), "ok")
        self.server.kill()
        self.server.start()
        self.assertEqual(http1.request(self.server.http, "app.localhost").text(), "ok")

    def test_ready_line(self):
        """the ready line names what the contract says, and the token is its owner's alone"""
        ready = self.server.ready
        for key in ("ready", "http", "https", "control", "admin", "token_file", "pid"):
            self.assertIn(key, ready)
        self.assertIs(ready["ready"], True)
        self.assertEqual(ready["pid"], self.server.process.pid)
        mode = stat.S_IMODE(Path(ready["token_file"]).stat().st_mode)
        self.assertEqual(mode, 0o600)
        self.assertIn(str(self.server.data), ready["token_file"])

    def test_metrics(self):
        """the admin address says healthy and counts requests"""
        http1.request(self.server.http, "app.localhost")
        metrics = http1.request(self.server.admin, "127.0.0.1", "/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertIn("atoll_", metrics.text())
        self.assertEqual(http1.request(self.server.admin, "127.0.0.1", "/healthz").status, 200)

    def test_one_per_directory(self):
        """a second node on the same data directory is refused in words"""
        made = run_node("standalone", "--data", self.server.data, "--http", "127.0.0.1:0",
                        "--https", "127.0.0.1:0", "--control", "127.0.0.1:0", "--admin",
                        "127.0.0.1:0")
        self.assertNotEqual(made.returncode, 0)
        self.assertIn(str(self.server.data), made.stderr)

    def test_address_in_use(self):
        """an address that is taken is named"""
        made = run_node("standalone", "--data", self.server.scratch / "other", "--http",
                        f"127.0.0.1:{self.server.admin}", "--https", "", "--control",
                        "127.0.0.1:0", "--admin", "127.0.0.1:0")
        self.assertNotEqual(made.returncode, 0)
        self.assertIn(str(self.server.admin), made.stderr)

    def test_many_connections(self):
        """hundreds of idle connections come and go without one of them being served badly"""
        connections = [http1.Connection(self.server.http) for _ in range(300)]
        for connection in connections:
            connection.send("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
        for connection in connections:
            self.assertEqual(connection.read_response().text(), "ok")
            connection.close()

    def test_keep_alive(self):
        """a client library that keeps its connection gets a thousand answers over it"""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http)
        self.addCleanup(connection.close)
        for _ in range(1000):
            connection.request("GET", "/", headers={"Host": "app.localhost"})
            self.assertEqual(connection.getresponse().read(), b"ok")


def run_node(*words):
    return subprocess.run([str(build_directory() / "atolld"), *map(str, words)],
                          capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                          stdin=subprocess.DEVNULL)


class Options(unittest.TestCase):
    def test_bad_options(self):
        """a bad option or configuration exits 2 with one line that names it"""
        scratch = self.enterContext(Server())  # For its directory only.
        config = scratch.scratch / "bad.toml"
        for words, text, named in (
                (["standalone", "--bogus"], None, "--bogus"),
                (["standalone", "--http", "nonsense"], None, "--http"),
                (["standalone", "--http", "127.0.0.1:99999"], None, "--http"),
                (["standalone", "--shards", "-1"], None, "--shards"),
                (["flying"], None, "flying"),
                ([], None, "standalone"),
                (["standalone", "--config", str(config)], "[listen]\nhtpp = \"x\"\n", "htpp"),
                (["standalone", "--config", str(config)], "shards = \"many\"\n", "shards"),
                (["standalone", "--config", str(config)], "shards = = 1\n", "bad.toml"),
                (["standalone", "--config", "/nonexistent.toml"], None, "/nonexistent.toml")):
            if text is not None:
                config.write_text(text)
            with self.subTest(words=words, text=text):
                made = run_node(*words)
                self.assertEqual(made.returncode, 2, made)
                self.assertEqual(len(made.stderr.strip().splitlines()), 1, made.stderr)
                self.assertIn(named, made.stderr)

    def test_version(self):
        """--version and --help answer and exit 0"""
        for word in ("--version", "--help"):
            made = run_node(word)
            self.assertEqual(made.returncode, 0)
            self.assertIn("atolld", made.stdout)

    def test_unwritable_data(self):
        """a data directory that cannot be made is named"""
        if os.geteuid() == 0:
            path = "/proc/no-data-here"  # Not even root can make one there.
        else:
            path = "/no-data-here"
        made = run_node("standalone", "--data", path, "--http", "127.0.0.1:0", "--https", "",
                        "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        self.assertNotEqual(made.returncode, 0)
        self.assertIn(path, made.stderr)

    def test_ready_is_one_line(self):
        """the ready line is one line of JSON, and nothing else ever comes on stdout"""
        with Server() as server:
            server.deploy_source("loud", "console.log('loud');"
                                 "export default { fetch() { console.log('x');"
                                 " return new Response('y'); } };")
            http1.request(server.http, "loud.localhost")
            server.process.send_signal(15)
            rest = server.process.stdout.read()
            self.assertEqual(rest, b"")
            self.assertEqual(json.loads(json.dumps(server.ready))["ready"], True)
            server.process.wait(PATIENCE_SECONDS)
