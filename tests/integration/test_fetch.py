"""A script's outbound fetch: HTTP/1.1 and HTTP/2, TLS verified, streamed both ways."""

import json
import socket
import unittest
from urllib.parse import quote

from support import http1
from support.origin import Authority, authority, origin
from support.server import Server

WORKER = """
// The request says what to fetch: {url, init, then}; the answer tells what came of it.
export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === '/proxy') return fetch(url.searchParams.get('to'));
    if (url.pathname === '/upload') {
      return fetch(url.searchParams.get('to'), { method: 'POST', body: request.body });
    }
    const { to, init, abort } = await request.json();
    try {
      const controller = new AbortController();
      if (abort) setTimeout(() => controller.abort(), 10);
      const response = await fetch(to, { ...init, signal: controller.signal });
      const text = await response.text();
      return Response.json({ status: response.status, url: response.url, text,
                             redirected: response.redirected,
                             cookies: response.headers.getSetCookie() });
    } catch (error) {
      return Response.json({ error: `${error.name}: ${error.message}` });
    }
  },
};
"""


def setUpModule():
    global server, good, wrong_name, expired, stranger
    ca = unittest.enterModuleContext(authority())
    enter = unittest.enterModuleContext
    here = ["DNS:localhost", "IP:127.0.0.1"]
    good = enter(origin(*ca.certificate("good", here)))
    wrong_name = enter(origin(*ca.certificate("wrong", ["DNS:elsewhere.example"])))
    expired = enter(origin(*ca.certificate("old", here, expired=True)))
    other = Authority(ca.folder / "stranger")
    stranger = enter(origin(*other.certificate("own", here)))
    # OpenSSL's own variable: the operator's way to add an authority.
    server = enter(Server(env={"SSL_CERT_FILE": str(ca.file)}))
    server.deploy_source("out", WORKER)
    server.deploy_source("caller", CALLER)


CALLER = """
import { connect } from 'cloudflare:sockets';
const ways = {
  fetch: async (at) => { await fetch(`http://${at}/`); },
  socket: async (at) => { await connect(at).opened; },
  upgrade: async (at) => { await fetch(`http://${at}/`, { headers: { upgrade: 'websocket' } }); },
  webSocket: (at) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${at}/`);
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('not opened')));
  }),
};
export default {
  async fetch(request) {
    const url = new URL(request.url);
    try {
      await ways[url.searchParams.get('way')](url.searchParams.get('at'));
      return new Response('reached');
    } catch (error) {
      return new Response(error.message);
    }
  },
};
"""


class Reach(unittest.TestCase):
    """Which addresses a script's connections reach."""

    def test_this_machine(self):
        """no way leads a script to the node's machine by any name unless the operator allows it"""
        with Server(allow_networks="") as node:
            node.deploy_source("caller", CALLER)
            ports = {"script": node.http, "admin": node.admin,
                     "control": int(node.control.rsplit(":", 1)[1]), "origin": good.http}
            hosts = ["127.0.0.1", "localhost", "caller.localhost", "[::1]", "[::ffff:127.0.0.1]",
                     "0.0.0.0", "2130706433"]
            for host in hosts:
                for name, port in ports.items():
                    for way in ("fetch", "socket", "upgrade", "webSocket"):
                        with self.subTest(f"{way} {name} at {host}"):
                            said = self.ask(node, way, f"{host}:{port}")
                            self.assertNotIn("reached", said)
                            if way == "fetch" and host == "localhost":
                                self.assertIn("outbound.allow_networks", said)

    def test_metadata(self):
        """what clouds tell their machines is not for scripts, private networks neither"""
        for host in ("169.254.169.254", "10.0.0.1", "192.168.1.1", "[fd00:ec2::254]"):
            with self.subTest(host):
                said = self.ask(server, "fetch", host)
                self.assertIn("is not allowed", said)

    def ask(self, node, way, at):
        answer = http1.request(node.http, "caller.localhost", f"/?way={way}&at={quote(at)}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.body.decode()


class Fetch(unittest.TestCase):
    def fetch(self, to, init=None, abort=False):
        body = json.dumps({"to": to, "init": init or {}, "abort": abort}).encode()
        answer = http1.request(server.http, "out.localhost", "/", "POST", (), body)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def seen(self, *args, **options):
        """What the origin saw."""
        got = self.fetch(*args, **options)
        self.assertEqual(got.get("status"), 200, got)
        return json.loads(got["text"])

    def test_versions(self):
        """fetch speaks HTTP/1.1, in the clear and over TLS, and HTTP/2 where ALPN offers it"""
        for url, version in ((f"http://127.0.0.1:{good.http}/info", "1.1"),
                             (f"https://127.0.0.1:{good.https}/info", "1.1"),
                             (f"https://localhost:{good.h2}/info", "2.0")):
            with self.subTest(url):
                self.assertEqual(self.seen(url)["version"], version)

    def test_requests(self):
        """method, path, query, fields and body arrive as they were given"""
        for base in (f"http://127.0.0.1:{good.http}", f"https://localhost:{good.h2}"):
            with self.subTest(base):
                seen = self.seen(f"{base}/a%20b?c=d#e", {
                    "method": "PUT", "headers": {"x-probe": "value"}, "body": "grüße"})
                self.assertEqual((seen["method"], seen["path"]), ("PUT", "/a%20b?c=d"))
                self.assertEqual(seen["headers"]["x-probe"], "value")
                self.assertEqual(seen["body"], "grüße")

    def test_bad_certificates(self):
        """a certificate of the wrong name, out of date or of a stranger is refused"""
        for what, one in (("name", wrong_name), ("date", expired), ("authority", stranger)):
            for port in (one.https, one.h2):
                with self.subTest(what):
                    got = self.fetch(f"https://localhost:{port}/info")
                    self.assertIn("error", got, got)
                    self.assertIn("TypeError", got["error"])

    def test_redirects(self):
        """redirects are followed, refused or shown, as asked; loops end"""
        base = f"http://127.0.0.1:{good.http}"
        got = self.fetch(base + "/redirect")
        self.assertEqual((got["status"], got["url"], got["redirected"]),
                         (200, base + "/info", True))
        self.assertEqual(self.fetch(base + "/redirect", {"redirect": "manual"})["status"], 302)
        self.assertIn("error", self.fetch(base + "/redirect", {"redirect": "error"}))
        self.assertIn("error", self.fetch(base + "/loop"))

    def test_streams(self):
        """a large response streams through, and so does an upload"""
        for base in (f"http://127.0.0.1:{good.http}", f"https://localhost:{good.h2}"):
            with self.subTest(base):
                expected = b"".join(bytes([n & 0xFF]) * 65536 for n in range(319, -1, -1))
                answer = http1.request(server.http, "out.localhost", f"/proxy?to={base}/large")
                self.assertEqual(answer.body, expected)
                body = b"x" * 3_000_000
                echoed = http1.request(server.http, "out.localhost", f"/upload?to={base}/info",
                                       "POST", (), body)
                self.assertEqual(json.loads(echoed.body)["body"], body.decode())

    def test_cut(self):
        """a response that is cut off never looks complete to the script"""
        for base in (f"http://127.0.0.1:{good.http}", f"https://localhost:{good.h2}"):
            with self.subTest(base):
                self.assertIn("error", self.fetch(base + "/cut"))

    def test_failures(self):
        """nobody there, no such host, no such scheme: a TypeError each"""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            closed = probe.getsockname()[1]
        for url in (f"http://127.0.0.1:{closed}/", "http://no-such-host.invalid/", "ftp://x/",
                    "http://", "http://127.0.0.1:99999/"):
            with self.subTest(url):
                self.assertIn("TypeError", self.fetch(url).get("error", "no error"))

    def test_abort(self):
        """an aborted fetch rejects with AbortError"""
        got = self.fetch(f"http://127.0.0.1:{good.http}/never", abort=True)
        self.assertIn("AbortError", got.get("error", "no error"))

    def test_cookies(self):
        """two cookies stay two"""
        got = self.fetch(f"http://127.0.0.1:{good.http}/cookies")
        self.assertEqual(got["cookies"], ["a=1", "b=2"])

    def test_forbidden_fields(self):
        """a script cannot write the fields that frame a message, nor split one"""
        seen = self.seen(f"http://127.0.0.1:{good.http}/info", {
            "method": "POST", "body": "hello",
            "headers": {"content-length": "1", "transfer-encoding": "chunked",
                        "connection": "x-probe"}})
        self.assertEqual(seen["body"], "hello")
        self.assertIn("error", self.fetch(f"http://127.0.0.1:{good.http}/info",
                                          {"headers": {"x": "a\r\nb: c"}}))

    def test_keeps_connections(self):
        """many fetches at once are all answered"""
        server.deploy_source("many", """
            export default { async fetch(request) {
              const to = new URL(request.url).searchParams.get('to');
              const all = await Promise.all(Array.from({ length: 40 }, (_, i) =>
                fetch(`${to}?n=${i}`).then((r) => r.json())));
              return Response.json(all.map((one) => one.path));
            } };""")
        for base in (f"http://127.0.0.1:{good.http}/info", f"https://localhost:{good.h2}/info"):
            with self.subTest(base):
                answer = http1.request(server.http, "many.localhost", f"/?to={base}")
                self.assertEqual(json.loads(answer.body), [f"/info?n={n}" for n in range(40)])
