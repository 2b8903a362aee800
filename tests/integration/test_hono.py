"""An unmodified Hono application from npm, over every transport."""

import json
import unittest

from support.apps import project
from support.curl import TRANSPORTS, curl
from support.server import Server

VERSION = {"h1": "1.1", "h2c": "2", "h2+tls": "2"}


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    server.deploy(unittest.enterModuleContext(project("hono")))


class Hono(unittest.TestCase):
    transport = None

    @classmethod
    def setUpClass(cls):
        if cls.transport is None:
            raise unittest.SkipTest("the base of the three below")

    def ask(self, target, **options):
        answer = curl(server, "hono.localhost", target, self.transport, **options)
        self.assertEqual(answer.code, 0, answer.error)
        self.assertEqual(answer.version, VERSION[self.transport])
        return answer

    def test_routes(self):
        """routes by path, parameter, pattern, query and mount point"""
        self.assertEqual(self.ask("/").text(), "Hello Hono!")
        self.assertEqual(self.ask("/users/7/posts/42").json(), {"id": "7", "post": "42"})
        self.assertEqual(self.ask("/users/7/posts/x").status, 404)
        self.assertEqual(self.ask("/search?q=a%20b&tag=x&tag=y").json(),
                         {"q": "a b", "tags": ["x", "y"]})
        self.assertEqual(self.ask("/files/a/b.txt").text(), "/files/a/b.txt")
        self.assertEqual(self.ask("/api/nested").text(), "nested")
        missing = self.ask("/missing")
        self.assertEqual((missing.status, missing.text()), (404, "nothing at /missing"))

    def test_middleware(self):
        """middleware runs around handlers: request ids, CORS, ETag and 304"""
        answer = self.ask("/")
        self.assertEqual(answer.headers["x-seen-by"], "middleware")
        self.assertGreater(len(answer.headers["x-request-id"]), 10)
        preflight = self.ask("/shared/data", method="OPTIONS", headers=[
            ("Origin", "https://example.com"), ("Access-Control-Request-Method", "POST")])
        self.assertEqual(preflight.status, 204)
        self.assertIn("POST", preflight.headers["access-control-allow-methods"])
        tagged = self.ask("/tagged/page")
        again = self.ask("/tagged/page", headers=[("If-None-Match", tagged.headers["etag"])])
        self.assertEqual((again.status, again.body), (304, b""))

    def test_json(self):
        """JSON bodies go in and out, and validation answers for itself"""
        body = {"text": "grüße", "list": [1, 2.5, None, {"deep": True}]}
        answer = self.ask("/echo", method="POST", body=json.dumps(body),
                          headers=[("content-type", "application/json")])
        self.assertEqual((answer.status, answer.json()), (201, body))
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))
        refused = self.ask("/validated", method="POST", body="{}",
                           headers=[("content-type", "application/json")])
        self.assertEqual((refused.status, refused.text()), (422, "name is missing"))

    def test_forms(self):
        """forms are parsed, url-encoded and multipart with a file"""
        self.assertEqual(self.ask("/form", method="POST", body="a=1&b=x+y", headers=[
            ("content-type", "application/x-www-form-urlencoded")]).json(), {"a": "1", "b": "x y"})
        multipart = self.ask("/form",
                             words=["--form-string", "name=anna", "--form-string", "x=y z"])
        self.assertEqual(multipart.json(), {"name": "anna", "x": "y z"})

    def test_streaming(self):
        """streams: text, server-sent events, and a transform of the request's own body"""
        lines = self.ask("/stream")
        self.assertEqual(lines.text(), "".join(f"line {i}\n" for i in range(5)))
        events = self.ask("/sse")
        self.assertEqual(events.text(),
                         "".join(f"data: event {i}\nid: {i}\n\n" for i in range(3)))
        body = "streams all the way down " * 4000
        upper = self.ask("/upper", method="POST", body=body)
        self.assertEqual(upper.text(), body.upper())

    def test_jwt(self):
        """a signed token opens the private part, and a forged one does not"""
        token = self.ask("/login", method="POST", body="").json()["token"]
        mine = self.ask("/private/me", headers=[("Authorization", f"Bearer {token}")])
        self.assertEqual(mine.json(), {"sub": "anna"})
        self.assertEqual(self.ask("/private/me").status, 401)
        head, claims, mac = token.split(".")
        forged = f"{head}.{claims}.{'A' if mac[0] != 'A' else 'B'}{mac[1:]}"
        answer = self.ask("/private/me", headers=[("Authorization", f"Bearer {forged}")])
        self.assertEqual(answer.status, 401)

    def test_errors(self):
        """what a handler throws reaches the application's own error handler"""
        thrown = self.ask("/throws")
        self.assertEqual((thrown.status, thrown.text()), (500, "caught: on purpose"))
        self.assertNotIn("atoll-error", thrown.headers)
        teapot = self.ask("/teapot")
        self.assertEqual((teapot.status, teapot.text()), (418, "a teapot"))

    def test_heads(self):
        """HEAD has no body, redirects redirect, and two cookies stay two"""
        self.assertEqual(self.ask("/", method="HEAD").status, 200)
        moved = self.ask("/redirect")
        self.assertEqual((moved.status, moved.headers["location"]), (307, "/"))
        cookies = self.ask("/cookie", words=["--include"])
        self.assertEqual(cookies.status, 204)
        self.assertEqual(cookies.body.lower().count(b"set-cookie:"), 2)


for _transport in TRANSPORTS:
    _name = "HonoOver" + _transport.replace("+", "_")
    globals()[_name] = type(_name, (Hono,), {"transport": _transport})
# The table above is for the three only.
del Hono
