"""Deploying: what is accepted, when it takes effect, and what happens to requests in flight."""

import json
import threading
import unittest

from support import http1
from support.server import Server

VERSIONED = """
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/slow') {
      // Answers when its client has sent all of its body.
      const text = await request.text();
      return new Response(`${env.VERSION} ${text}`);
    }
    return new Response(env.VERSION);
  },
};
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())


def deploy(name, version, source=VERSIONED):
    return server.deploy_source(name, source, config={"vars": {"VERSION": version}})


def ask(name, target="/"):
    return http1.request(server.http, f"{name}.localhost", target).text()


class Deploy(unittest.TestCase):
    def test_takes_effect_at_once(self):
        """the first request after a deploy gets the new version, on every shard"""
        for version in ("one", "two", "three"):
            deploy("atonce", version)
            self.assertEqual({ask("atonce") for _ in range(16)}, {version})

    def test_in_flight(self):
        """a request in flight finishes on the version that it began with"""
        deploy("inflight", "old")
        head = ("POST /slow HTTP/1.1\r\nHost: inflight.localhost\r\nContent-Length: 10\r\n"
                "Expect: 100-continue\r\n\r\n")
        with http1.Connection(server.http) as slow:
            slow.send(head)
            self.assertEqual(slow.read_response().status, 100)  # The script is reading now.
            slow.send("hello")
            deploy("inflight", "new")
            self.assertEqual(ask("inflight"), "new")
            slow.send("world")
            self.assertEqual(slow.read_response().text(), "old helloworld")

    def test_under_load(self):
        """no request fails or sees anything but the old or the new while versions change"""
        deploy("load", "v0")
        seen, failed, stop = set(), [], threading.Event()

        def requests():
            with http1.Connection(server.http) as connection:
                while not stop.is_set():
                    connection.send("GET / HTTP/1.1\r\nHost: load.localhost\r\n\r\n")
                    answer = connection.read_response()
                    if answer is None or answer.status != 200:
                        return failed.append(answer)
                    seen.add(answer.text())

        clients = [threading.Thread(target=requests) for _ in range(8)]
        for client in clients:
            client.start()
        for number in range(1, 11):
            deploy("load", f"v{number}")
        stop.set()
        for client in clients:
            client.join()
        self.assertEqual(failed, [])
        self.assertLessEqual(seen, {f"v{n}" for n in range(11)})
        self.assertEqual(ask("load"), "v10")

    def test_rollback(self):
        """rollback makes the version before serve again, and versions lists them all"""
        deploy("rolled", "first")
        deploy("rolled", "second")
        self.assertEqual(ask("rolled"), "second")
        server.cli("rollback", "--name", "rolled", check=True)
        self.assertEqual(ask("rolled"), "first")
        listed = server.cli("versions", "rolled", "--json", check=True).json()
        versions = listed["versions"] if isinstance(listed, dict) else listed
        self.assertEqual(len(versions), 2)

    def test_modules(self):
        """modules of every kind arrive as what they are: JS, text, bytes, JSON, Wasm"""
        answer_42 = bytes.fromhex("0061736d010000000105016000017f030201000707010361 6e73 0000"
                                  "0a06010400412a0b".replace(" ", ""))
        source = """
            import { name } from './lib/name.js';
            import text from './hello.txt';
            import bytes from './data.bin';
            import data from './data.json';
            import wasm from './answer.wasm';
            export default { async fetch() {
              const { exports } = await WebAssembly.instantiate(wasm);
              return Response.json({ name, text, size: bytes.byteLength, data, wasm: exports.ans(),
                                     isModule: wasm instanceof WebAssembly.Module });
            } };"""
        server.deploy_source("modules", source, {
            "lib/name.js": "export const name = 'a module';", "hello.txt": "grüße",
            "data.bin": bytes(range(256)), "data.json": '{"deep": [1, 2]}',
            "answer.wasm": answer_42})
        self.assertEqual(json.loads(ask("modules")), {
            "name": "a module", "text": "grüße", "size": 256, "data": {"deep": [1, 2]},
            "wasm": 42, "isModule": True})

    def test_one_file(self):
        """a single module deploys without a project around it"""
        file = server.scratch / "single.js"
        file.write_text("export default { fetch: () => new Response('single') };")
        server.cli("deploy", file, "--name", "single", check=True)
        self.assertEqual(ask("single"), "single")

    def test_same_upload(self):
        """the same content twice is the same version"""
        deploy("twice", "same")
        deploy("twice", "same")
        status, listed = server.api("GET", "/scripts/twice/versions")
        self.assertEqual((status, len(listed["versions"])), (200, 1))

    def test_removed(self):
        """a script that is removed no longer answers"""
        deploy("removed", "x")
        status, _ = server.api("DELETE", "/scripts/removed")
        self.assertLess(status, 300)
        answer = http1.request(server.http, "removed.localhost")
        self.assertEqual((answer.status, answer.get("atoll-error")), (404, "no_route"))


class Command(unittest.TestCase):
    def test_usage(self):
        """wrong usage is exit 2 with a line that says how it is right"""
        for words in (["fly"], ["deploy", "--no-such-option"], ["rollback", "--json", "--x"]):
            with self.subTest(words):
                result = server.cli(*words)
                self.assertEqual(result.code, 2, result)
                self.assertTrue(result.err.strip())

    def test_no_such_folder(self):
        """a project that is not there is named"""
        result = server.cli("deploy", server.scratch / "nowhere")
        self.assertNotEqual(result.code, 0)
        self.assertIn("nowhere", result.err)

    def test_bad_token(self):
        """a wrong token is refused, by the API and by the command"""
        self.assertEqual(server.api("GET", "/whoami", token="wrong")[0], 401)
        result = server.cli("whoami", "--token", "wrong")
        self.assertEqual(result.code, 1)
        self.assertEqual(len(result.err.strip().splitlines()), 1)

    def test_whoami(self):
        """whoami knows the owner"""
        self.assertEqual(server.cli("whoami", "--json", check=True).json()["role"], "owner")

    def test_no_browser(self):
        """a website in a browser cannot use the API: foreign Host and Origin are refused"""
        port = int(server.control.rsplit(":", 1)[1])
        fields = [("Authorization", f"Bearer {server.token}")]
        self.assertEqual(http1.request(port, "127.0.0.1", "/api/v1/whoami", headers=fields).status,
                         200)
        foreign = [("Origin", "https://evil.example")]
        for host, more in (("evil.example", []), ("127.0.0.1", foreign)):
            answer = http1.request(port, host, "/api/v1/whoami", headers=fields + more)
            self.assertIn(answer.status, (400, 403, 421))
