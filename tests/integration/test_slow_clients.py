"""Clients that are too slow, on purpose or not: each is let go at its deadline."""

import socket
import unittest

from support import http1, http2
from support.server import Server, wait_until

# The deadlines, short: what is tested is that each exists, not when it ends.
CONFIG = """
[listen]
handshake_timeout_ms = 500
head_timeout_ms = 500
body_timeout_ms = 500
write_timeout_ms = 1000
idle_timeout_ms = 1500
"""
WORKER = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/large') {
      const chunk = new Uint8Array(65536);
      return new Response(new ReadableStream({ pull: (c) => c.enqueue(chunk) }));
    }
    return new Response(await request.text());
  },
};
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server(config=CONFIG))
    server.deploy_source("slow", WORKER)


def established(local, remote):
    """Whether the kernel has an open IPv4 connection from port `local` to port `remote`."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    ports = {(int(r[1].split(":")[1], 16), int(r[2].split(":")[1], 16)): r[3] for r in rows}
    return ports.get((local, remote)) == "01"


class SlowClients(unittest.TestCase):
    def connect(self, **options):
        connection = http1.Connection(server.http, **options)
        self.addCleanup(connection.close)
        return connection

    def ended(self, connection, statuses=(408,)):
        """The server let go: in words of one of `statuses`, or without any."""
        answer = connection.read_response()
        if answer is not None:
            self.assertIn(answer.status, statuses)
            self.assertTrue(connection.closed())

    def test_silent(self):
        """a client that says nothing is let go"""
        self.ended(self.connect())

    def test_half_a_head(self):
        """a client that stops inside a head is let go"""
        connection = self.connect()
        connection.send("GET / HTTP/1.1\r\nHost: slow.loc")
        self.ended(connection)

    def test_dripping_head(self):
        """a client that drips a head byte by byte is let go all the same"""
        connection = self.connect()
        connection.send("GET / HTTP/1.1\r\nHost: slow.localhost\r\nX-Drip: ")
        connection.socket.settimeout(0.05)
        for _ in range(2000):
            try:
                if not connection._more():
                    break
            except TimeoutError:
                connection.send("x")
        else:
            self.fail("still served after 2,000 drips")

    def test_half_a_body(self):
        """a client that stops inside a body is let go"""
        connection = self.connect()
        connection.send("POST / HTTP/1.1\r\nHost: slow.localhost\r\nContent-Length: 10\r\n\r\n"
                        "hello")
        self.ended(connection)

    def test_idle(self):
        """a kept connection that asks no more is closed without a word"""
        connection = self.connect()
        connection.send("POST / HTTP/1.1\r\nHost: slow.localhost\r\nContent-Length: 2\r\n\r\nhi")
        self.assertEqual(connection.read_response().text(), "hi")
        self.assertTrue(connection.closed())

    def test_never_reads(self):
        """a client that never reads a large response is let go"""
        connection = self.connect(receive_buffer=4096)
        connection.send("GET /large HTTP/1.1\r\nHost: slow.localhost\r\n\r\n")
        # Reading would be progress, so ask the kernel whether the server's end is still open.
        ours = connection.socket.getsockname()[1]
        wait_until(lambda: not established(server.http, ours), "the server hangs up")

    def test_half_a_handshake(self):
        """a client that stops inside a TLS handshake is let go"""
        with socket.create_connection(("127.0.0.1", server.https), 60) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            while raw.recv(4096):
                pass

    def test_half_a_preface(self):
        """a client that stops inside the HTTP/2 preface is let go"""
        connection = self.connect()
        connection.send(http2.PREFACE[:10])
        self.ended(connection, (400, 408))

    def test_silent_http2(self):
        """an HTTP/2 connection without requests is closed with GOAWAY"""
        with http2.Connection(server.http) as connection:
            connection.established()
            goaway = connection.wait_for(http2.GOAWAY)
            self.assertTrue(goaway is None or goaway.error() == "NO_ERROR")

    def test_stopped_http2(self):
        """an HTTP/2 stream whose body stops coming is ended, or its connection is"""
        with http2.Connection(server.http) as connection:
            connection.established()
            connection.request(1, http2.request_fields("slow.localhost", "/", "POST"), end=False)
            connection.send(http2.frame(http2.DATA, 0, 1, b"half"))
            got = connection.wait_for(http2.RST_STREAM, http2.GOAWAY, http2.HEADERS)
            if got is not None and got.kind == http2.HEADERS:
                fields = dict(connection.inflater.decode(got.payload))
                self.assertEqual(fields[":status"], "408")

    def test_others_are_served(self):
        """meanwhile everybody else is served"""
        for _ in range(50):
            self.connect().send("GET / HTT")
        answer = http1.request(server.http, "slow.localhost", "/", "POST", (), b"quick")
        self.assertEqual(answer.text(), "quick")
