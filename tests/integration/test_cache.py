"""The Cache API and content codings, where they cross the network or a restart."""

import gzip
import http.server
import threading
import unittest

from support import http1
from support.server import Server

WORKER = """
export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const key = new Request("http://cache.example" + url.pathname, { headers: request.headers });
    const cache = url.searchParams.has("named") ? await caches.open("other") : caches.default;
    switch (request.headers.get("x-do")) {
      case "put": {
        const headers = JSON.parse(request.headers.get("x-headers") ?? "{}");
        await cache.put(key, new Response(request.body, { headers }));
        return new Response("stored");
      }
      case "delete":
        return new Response(String(await cache.delete(key)));
      case "fetch-and-put": {
        const response = await fetch(url.searchParams.get("to"));
        ctx.waitUntil(cache.put(key, response.clone()));
        return response;
      }
      case "fetch":
        return fetch(url.searchParams.get("to"));
      case "fetch-text":
        return new Response(await (await fetch(url.searchParams.get("to"))).text());
      default:
        return await cache.match(key) ?? new Response("nothing", { status: 404 });
    }
  },
};
"""
TEXT = b"a line of text that repeats itself\n" * 20000


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = gzip.compress(TEXT) if "gzip" in self.headers.get("Accept-Encoding", "") else TEXT
        self.send_response(200)
        if body is not TEXT:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=60")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def setUpModule():
    global server, origin
    server = unittest.enterModuleContext(Server())
    server.deploy_source("cached", WORKER)
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    thread = threading.Thread(target=origin.serve_forever)
    thread.start()
    unittest.addModuleCleanup(thread.join)
    unittest.addModuleCleanup(origin.shutdown)


def ask(target, headers=(), body=b"", method="GET", host="cached.localhost"):
    if body:
        method = "POST"
    return http1.request(server.http, host, target, method, tuple(headers), body)


def put(target, body, headers="{}", more=()):
    answer = ask(target, (("x-do", "put"), ("x-headers", headers), *more), body)
    assert (answer.status, answer.body) == (200, b"stored"), (answer.status, answer.body)


def to(path="/"):
    return f"?to=http://127.0.0.1:{origin.server_address[1]}{path}"


class Cache(unittest.TestCase):
    def test_put_and_match(self):
        """what was put is matched, by URL and cache, until it is deleted"""
        put("/a", b"body")
        hit = ask("/a")
        self.assertEqual((hit.status, hit.body), (200, b"body"))
        self.assertEqual(hit.get("cf-cache-status"), "HIT")
        self.assertEqual(ask("/b").status, 404)
        self.assertEqual(ask("/a?named").status, 404)
        self.assertEqual(ask("/a", [("x-do", "delete")]).body, b"true")
        self.assertEqual(ask("/a", [("x-do", "delete")]).body, b"false")
        self.assertEqual(ask("/a").status, 404)

    def test_large(self):
        """a body of many pieces comes back whole, and in part"""
        body = bytes(range(256)) * 12345
        put("/large", body)
        self.assertEqual(ask("/large").body, body)
        part = ask("/large", [("range", "bytes=262100-800000")])
        self.assertEqual(part.status, 206)
        self.assertEqual(part.get("content-range"), f"bytes 262100-800000/{len(body)}")
        self.assertEqual(part.body, body[262100:800001])
        self.assertEqual(ask("/large", [("range", f"bytes={len(body)}-")]).status, 416)

    def test_conditions(self):
        """If-None-Match is answered 304 from the cache"""
        put("/tag", b"body", '{"etag": "\\"v1\\""}')
        self.assertEqual(ask("/tag", [("if-none-match", '"v1"')]).status, 304)
        self.assertEqual(ask("/tag", [("if-none-match", '"v2"')]).status, 200)

    def test_vary(self):
        """variants are told apart by what Vary names"""
        for language in ("de", "en"):
            put("/vary", language.encode(), '{"vary": "accept-language"}',
                [("accept-language", language)])
        self.assertEqual(ask("/vary", [("accept-language", "de")]).body, b"de")
        self.assertEqual(ask("/vary", [("accept-language", "en")]).body, b"en")
        self.assertEqual(ask("/vary", [("accept-language", "fr")]).status, 404)

    def test_not_stored(self):
        """what must not be kept is not, and put() says nothing"""
        for headers in ('{"cache-control": "no-store"}', '{"set-cookie": "a=b"}'):
            put("/no", b"body", headers)
            self.assertEqual(ask("/no").status, 404)

    def test_restart(self):
        """it is still there after a drain and after a kill -9"""
        put("/kept", b"body" * 100000, '{"cache-control": "max-age=600"}')
        server.stop()
        server.start()
        self.assertEqual(ask("/kept").body, b"body" * 100000)
        server.kill()
        server.start()
        self.assertEqual(ask("/kept").body, b"body" * 100000)


class Codings(unittest.TestCase):
    def test_decoded(self):
        """a script reads gzip decoded; a client gets what it takes"""
        self.assertEqual(ask("/" + to(), [("x-do", "fetch-text")]).body, TEXT)
        plain = ask("/" + to(), [("x-do", "fetch")])
        self.assertEqual(plain.body, TEXT)
        self.assertIsNone(plain.get("content-encoding"))

    def test_passed_on(self):
        """a client that takes gzip gets the origin's own bytes"""
        answer = ask("/" + to(), [("x-do", "fetch"), ("accept-encoding", "gzip")])
        self.assertEqual(answer.get("content-encoding"), "gzip")
        self.assertEqual(answer.body, gzip.compress(TEXT, mtime=0)[:4] + answer.body[4:])
        self.assertEqual(gzip.decompress(answer.body), TEXT)

    def test_cached(self):
        """an encoded body is kept encoded, and decoded for who does not take it"""
        first = ask("/coded" + to(), [("x-do", "fetch-and-put")])
        self.assertEqual(first.body, TEXT)
        hit = ask("/coded", [("accept-encoding", "gzip")])
        self.assertEqual((hit.status, hit.get("content-encoding")), (200, "gzip"))
        self.assertEqual(gzip.decompress(hit.body), TEXT)
        self.assertEqual(ask("/coded").body, TEXT)
