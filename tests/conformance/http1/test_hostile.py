"""Hostile HTTP/1 over a real socket, after RFC 9110 and 9112: each request has one expected answer.

What is refused is refused once and the connection closed, so that no byte after it can be taken for
a request. What is taken is echoed by the script: method, target, fields and body are compared.
"""

import json
import unittest

from support import http1
from support.server import Server

HOST = "echo.localhost"
WORKER = """
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const body = await request.text();
    return Response.json({ method: request.method, target: url.pathname + url.search,
                           host: url.hostname, probe: request.headers.get('x-probe'), body });
  },
};
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    server.deploy_source("echo", WORKER)


def get(line="GET / HTTP/1.1", *fields, host=f"Host: {HOST}"):
    return "\r\n".join([line, *([host] if host else []), *fields]) + "\r\n\r\n"


def post(*fields, body=""):
    return get("POST / HTTP/1.1", *fields) + body


def chunked(body, *fields):
    return post("Transfer-Encoding: chunked", *fields, body=body)


SMUGGLED = get("GET /smuggled HTTP/1.1")

# (what it is, the bytes, the statuses allowed). A string is sent as latin-1.
REFUSED = [
    # The request line.
    ("no Host", get(host=None), 400),
    ("two Hosts", get("GET / HTTP/1.1", f"Host: {HOST}"), 400),
    ("two Hosts that differ", get("GET / HTTP/1.1", "Host: other.localhost"), 400),
    ("a Host list", get(host=f"Host: {HOST}, other.localhost"), 400),
    ("a space in Host", get(host="Host: echo .localhost"), 400),
    ("a path in Host", get(host=f"Host: {HOST}/x"), 400),
    ("userinfo in Host", get(host=f"Host: a@{HOST}"), 400),
    ("a port that is no number in Host", get(host=f"Host: {HOST}:x"), 400),
    ("two spaces before the target", get("GET  / HTTP/1.1"), 400),
    ("two spaces after the target", get("GET /  HTTP/1.1"), 400),
    ("a space inside the target", get("GET /a b HTTP/1.1"), 400),
    ("a tab for the space", get("GET\t/ HTTP/1.1"), 400),
    ("a space before the method", get(" GET / HTTP/1.1"), 400),
    ("a space after the version", get("GET / HTTP/1.1 "), 400),
    ("a method that is no token", get("GE(T / HTTP/1.1"), 400),
    ("no version", f"GET /\r\nHost: {HOST}\r\n\r\n", (400, 505)),
    ("a version in lower case", get("GET / http/1.1"), (400, 505)),
    ("a version without a dot", get("GET / HTTP/11"), (400, 505)),
    ("a version of two digits", get("GET / HTTP/1.10"), (400, 505)),
    ("version 2.0 in a request line", get("GET / HTTP/2.0"), (400, 505)),
    ("version 0.9", get("GET / HTTP/0.9"), (400, 505)),
    ("another protocol", get("GET / ICE/1.0"), (400, 505)),
    ("a target that is no path", get("GET path HTTP/1.1"), 400),
    ("a NUL in the target", get("GET /\0 HTTP/1.1"), 400),
    ("a control character in the target", get("GET /\x01 HTTP/1.1"), 400),
    ("a DEL in the target", get("GET /\x7f HTTP/1.1"), 400),
    ("a bare CR in the target", get("GET /\rx HTTP/1.1"), 400),
    # RFC 9112 lets the target win; a proxy before us may have let Host win.
    ("absolute form that contradicts Host",
     get(f"GET http://{HOST}/a HTTP/1.1", host="Host: other.localhost"), 400),
    ("authority form outside CONNECT", get(f"GET {HOST}:80 HTTP/1.1"), 400),
    ("asterisk form outside OPTIONS", get("GET * HTTP/1.1"), 400),
    ("CONNECT", get(f"CONNECT {HOST}:443 HTTP/1.1"), (400, 405, 501)),
    ("a target of 100 KB", get("GET /" + "x" * 100_000 + " HTTP/1.1"), 414),
    ("random bytes", bytes(range(128, 256)) * 4 + b"\r\n\r\n", 400),
    ("a TLS hello",
     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n", 400),
    ("half an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", (400, 505)),
    # Fields.
    ("a space before the colon", get("GET / HTTP/1.1", "X-Probe : a"), 400),
    ("a tab before the colon", get("GET / HTTP/1.1", "X-Probe\t: a"), 400),
    ("a folded field", get("GET / HTTP/1.1", "X-Probe: a", " b"), 400),
    ("a field folded by a tab", get("GET / HTTP/1.1", "X-Probe: a", "\tb"), 400),
    ("a first field that begins with a space", get(host=f" Host: {HOST}"), 400),
    ("a field without a colon", get("GET / HTTP/1.1", "X-Probe"), 400),
    ("a field without a name", get("GET / HTTP/1.1", ": a"), 400),
    ("a space inside a field name", get("GET / HTTP/1.1", "X Probe: a"), 400),
    ("a bracket in a field name", get("GET / HTTP/1.1", "X(Probe: a"), 400),
    ("a NUL in a field name", get("GET / HTTP/1.1", "X\0Probe: a"), 400),
    ("a NUL in a field value", get("GET / HTTP/1.1", "X-Probe: a\0b"), 400),
    ("a control character in a field value", get("GET / HTTP/1.1", "X-Probe: a\x01b"), 400),
    ("a bare CR in a field value", get("GET / HTTP/1.1", "X-Probe: a\rb"), 400),
    ("a bare LF ends a field", f"GET / HTTP/1.1\r\nHost: {HOST}\nX-Probe: a\r\n\r\n", 400),
    ("a bare LF ends the request line", f"GET / HTTP/1.1\nHost: {HOST}\r\n\r\n", 400),
    ("bare LFs throughout", f"GET / HTTP/1.1\nHost: {HOST}\n\n", 400),
    ("a bare LF for the empty line", f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\n", 400),
    ("a bare CR for the empty line", f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\rX: y\r\n\r\n", 400),
    ("fields of 200 KB", get("GET / HTTP/1.1", *["X-Probe: " + "x" * 5000] * 40), 431),
    ("one field of 200 KB", get("GET / HTTP/1.1", "X-Probe: " + "x" * 200_000), 431),
    ("a field name of 200 KB", get("GET / HTTP/1.1", "X" * 200_000 + ": a"), (400, 431)),
    ("two thousand fields", get("GET / HTTP/1.1", *["X: y"] * 2000), 431),
    # Framing: what makes two servers see two different bodies.
    ("Content-Length and chunked", post("Content-Length: 5", "Transfer-Encoding: chunked",
                                        body="0\r\n\r\n" + SMUGGLED), 400),
    ("chunked and Content-Length", post("Transfer-Encoding: chunked", "Content-Length: 5",
                                        body="0\r\n\r\n" + SMUGGLED), 400),
    ("two Content-Lengths", post("Content-Length: 5", "Content-Length: 5", body="hello"), 400),
    ("two Content-Lengths that differ",
     post("Content-Length: 5", "Content-Length: 0", body="hello" + SMUGGLED), 400),
    ("a Content-Length list", post("Content-Length: 5, 5", body="hello"), 400),
    *((f"Content-Length {value!r}", post(f"Content-Length: {value}", body="hello" + SMUGGLED), 400)
      for value in ("+5", "-5", "0x5", "5 5", "5a", "1e1", "5_0", "", "5;", "'5'", "5.0", "\x0b5",
                    "18446744073709551616", "99999999999999999999")),
    ("a space before Content-Length's colon", post("Content-Length : 5", body="hello"), 400),
    ("a body above the limit", post("Content-Length: 999999999999"), 413),
    *((f"Transfer-Encoding {value!r}",
       post(f"Transfer-Encoding: {value}", body="0\r\n\r\n" + SMUGGLED), (400, 501))
      for value in ("xchunked", "chunked, identity", "identity, chunked", "chunked, chunked",
                    "chunked;q=1", "identity", "", '"chunked"', "chunked\x0b", "\x0bchunked",
                    "gzip", "chunked x", ",chunked x", "chunked, gzip")),
    ("Transfer-Encoding twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
                                     body="0\r\n\r\n" + SMUGGLED), (400, 501)),
    ("Transfer-Encoding twice, the second odd",
     post("Transfer-Encoding: chunked", "Transfer-Encoding: cow", body="0\r\n\r\n" + SMUGGLED),
     (400, 501)),
    ("a space before Transfer-Encoding's colon",
     post("Transfer-Encoding : chunked", body="0\r\n\r\n" + SMUGGLED), 400),
    ("a folded Transfer-Encoding",
     post("Transfer-Encoding:", " chunked", body="0\r\n\r\n" + SMUGGLED), 400),
    ("chunked in HTTP/1.0",
     get("POST / HTTP/1.0", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400),
    # Chunks.
    *((f"chunk size {size!r}", chunked(f"{size}\r\nhello\r\n0\r\n\r\n" + SMUGGLED), 400)
      for size in ("x", "-5", "+5", "0x5", "5 5", " 5", "5 ", "", "10000000000000005", "5_")),
    ("a bare LF after a chunk size", chunked("5\nhello\r\n0\r\n\r\n"), 400),
    ("a bare CR after a chunk size", chunked("5\rhello\r\n0\r\n\r\n"), 400),
    ("a bare LF after a chunk", chunked("5\r\nhello\n0\r\n\r\n"), 400),
    ("no line end after a chunk", chunked("5\r\nhello0\r\n\r\n"), 400),
    ("a chunk longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), 400),
    ("a bare LF in a chunk extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), 400),
    ("a NUL in a chunk extension", chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"), 400),
    ("a chunk extension of a megabyte", chunked("5;" + "x" * 1_000_000 + "\r\nhello\r\n0\r\n\r\n"),
     (400, 413, 431)),
    ("a space before a trailer's colon", chunked("0\r\nX-Trailer : a\r\n\r\n"), 400),
    ("a folded trailer", chunked("0\r\nX-Trailer: a\r\n b\r\n\r\n"), 400),
    ("a bare LF after the last chunk", chunked("0\n\n" + SMUGGLED), 400),
    ("a trailer without a colon", chunked("0\r\nGET / HTTP/1.1\r\n\r\n"), 400),
    ("trailers of 200 KB", chunked("0\r\n" + "X-Trailer: " + "x" * 200_000 + "\r\n\r\n"),
     (400, 431)),
    ("an expectation that is not 100-continue", get("GET / HTTP/1.1", "Expect: 200-maybe"), 417),
]

# (what it is, the bytes, what the script must have seen).
TAKEN = [
    ("a plain request", get(), {"method": "GET", "target": "/", "host": HOST}),
    ("an empty line before the request", "\r\n" + get(), {"method": "GET"}),
    ("a Host in capitals, with a port", get(host="Host: ECHO.LocalHost:8080"), {"host": HOST}),
    ("absolute form", get(f"GET http://{HOST}/a?b HTTP/1.1"), {"target": "/a?b", "host": HOST}),
    ("a query with everything legal", get("GET /a?b=c/d?e:@!$&'()*+,;=%20~ HTTP/1.1"),
     {"method": "GET"}),
    ("blanks around a value", get("GET / HTTP/1.1", "X-Probe: \t a b \t "), {"probe": "a b"}),
    ("an empty value", get("GET / HTTP/1.1", "X-Probe:"), {"probe": ""}),
    ("a field twice", get("GET / HTTP/1.1", "X-Probe: a", "x-probe: b"), {"probe": "a, b"}),
    ("octets above ASCII in a value", get("GET / HTTP/1.1", "X-Probe: \xe9"), {"probe": "\xe9"}),
    ("a Content-Length", post("Content-Length: 5", body="hello"), {"body": "hello"}),
    ("a Content-Length with leading zeros", post("Content-Length: 005", body="hello"),
     {"body": "hello"}),
    ("a body of nothing", post("Content-Length: 0"), {"body": ""}),
    ("chunks", chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), {"body": "hello world"}),
    ("a chunk size in capitals with zeros", chunked("0000A\r\n0123456789\r\n000\r\n\r\n"),
     {"body": "0123456789"}),
    ("chunked in capitals", post("transfer-encoding: CHUNKED", body="1\r\nx\r\n0\r\n\r\n"),
     {"body": "x"}),
    ("a tab before chunked", post("Transfer-Encoding:\tchunked", body="1\r\nx\r\n0\r\n\r\n"),
     {"body": "x"}),
    ("a chunk extension", chunked('5;name=value;flag;quoted="x"\r\nhello\r\n0\r\n\r\n'),
     {"body": "hello"}),
    ("trailers, which are not fields", chunked("1\r\nx\r\n0\r\nX-Probe: late\r\n\r\n"),
     {"body": "x", "probe": None}),
    ("an upgrade nobody takes", get("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c"),
     {"method": "GET"}),
    ("a method of its own", get("PROPFIND / HTTP/1.1"), {"method": "PROPFIND"}),
    ("a fragment-like escape", get("GET /%23%00 HTTP/1.1"), {"target": "/%23%00"}),
]


class Refused(unittest.TestCase):
    pass


class Taken(unittest.TestCase):
    pass


def _refused(raw, statuses):
    statuses = statuses if isinstance(statuses, tuple) else (statuses,)

    def test(self):
        with http1.Connection(server.http) as connection:
            connection.send(raw)
            answer = connection.read_response()
            self.assertIsNotNone(answer, "closed without an answer")
            self.assertIn(answer.status, statuses)
            self.assertTrue(connection.closed(), f"more came after it: {connection.buffer[:200]!r}")
    return test


def _taken(raw, seen):
    def test(self):
        with http1.Connection(server.http) as connection:
            # A second request shows that both ends agree where the first one ended.
            connection.send(raw.encode("latin-1") + get("GET /second HTTP/1.1").encode())
            first, second = connection.read_response(), connection.read_response()
        self.assertEqual(first.status, 200, first.body)
        got = json.loads(first.body)
        self.assertEqual({name: got[name] for name in seen}, seen)
        self.assertEqual(json.loads(second.body)["target"], "/second")
    return test


for _number, (_what, _raw, _statuses) in enumerate(REFUSED):
    _test = _refused(_raw, _statuses)
    _test.__doc__ = f"refused: {_what}"
    setattr(Refused, f"test_{_number:03}", _test)
for _number, (_what, _raw, _seen) in enumerate(TAKEN):
    _test = _taken(_raw, _seen)
    _test.__doc__ = f"taken one way: {_what}"
    setattr(Taken, f"test_{_number:03}", _test)


class Connections(unittest.TestCase):
    def ask(self, raw, count=1, method="GET"):
        with http1.Connection(server.http) as connection:
            connection.send(raw)
            return [connection.read_response(method) for _ in range(count)]

    def test_pipelined(self):
        """pipelined requests are answered in their order"""
        raw = "".join(get(f"GET /{n} HTTP/1.1") for n in range(20))
        targets = [json.loads(a.body)["target"] for a in self.ask(raw, 20)]
        self.assertEqual(targets, [f"/{n}" for n in range(20)])

    def test_pipelined_then_hostile(self):
        """a hostile request behind good ones is refused after they are answered"""
        answers = self.ask(get() + get() + get("GET  / HTTP/1.1") + get(), 4)
        self.assertEqual([a.status if a else None for a in answers], [200, 200, 400, None])

    def test_byte_by_byte(self):
        """a request that comes one byte at a time is one request"""
        with http1.Connection(server.http) as connection:
            for byte in chunked("5\r\nhello\r\n0\r\n\r\n"):
                connection.send(byte)
            self.assertEqual(json.loads(connection.read_response().body)["body"], "hello")

    def test_close(self):
        """Connection: close is obeyed and said"""
        first, second = self.ask(get("GET / HTTP/1.1", "Connection: close") + get(), 2)
        self.assertEqual(first.get("connection"), "close")
        self.assertIsNone(second)

    def test_http10(self):
        """HTTP/1.0 closes unless it asks to be kept, and never gets chunks"""
        first, second = self.ask(get("GET / HTTP/1.0") + get(), 2)
        self.assertEqual((first.status, second), (200, None))
        kept = self.ask(get("GET / HTTP/1.0", "Connection: keep-alive") * 2, 2)
        self.assertEqual([a.status for a in kept], [200, 200])
        self.assertIsNone(kept[0].get("transfer-encoding"))

    def test_head(self):
        """HEAD is answered by a head alone"""
        with http1.Connection(server.http) as connection:
            connection.send(get("HEAD / HTTP/1.1") + get("GET /after HTTP/1.1"))
            self.assertEqual(connection.read_response("HEAD").status, 200)
            self.assertEqual(json.loads(connection.read_response().body)["target"], "/after")

    def test_continue(self):
        """Expect: 100-continue is answered before the body comes"""
        with http1.Connection(server.http) as connection:
            connection.send(post("Expect: 100-continue", "Content-Length: 5"))
            self.assertEqual(connection.read_response().status, 100)
            connection.send("hello")
            self.assertEqual(json.loads(connection.read_response().body)["body"], "hello")

    def test_cut_short(self):
        """a body that ends before its length reaches no script as complete"""
        for raw in (post("Content-Length: 50", body="hello"), chunked("5\r\nhel"),
                    chunked("5\r\nhello\r\n")):
            with http1.Connection(server.http) as connection:
                connection.send(raw)
                connection.finish_sending()
                answer = connection.read_response()
                self.assertTrue(answer is None or answer.status >= 400, answer)

    def test_options_asterisk(self):
        """OPTIONS * is answered, and is no path of a script"""
        answer = self.ask(get("OPTIONS * HTTP/1.1"))[0]
        self.assertIn(answer.status, (200, 204, 400, 404))

    def test_still_serves(self):
        """after all of it the server answers as before"""
        self.assertTrue(server.alive())
        self.assertEqual(self.ask(get())[0].status, 200)
