"""Bodies that stream, both ways, with backpressure from end to end."""

import hashlib
import threading
import unittest

from support import http1, http2
from support.curl import TRANSPORTS, curl
from support.server import Server, sanitized, wait_until

MEGABYTE = 1 << 20
LARGE = 100 * MEGABYTE
READERS = 64
GROWTH_MAX = 64 * MEGABYTE

WORKER = """
const encoder = new TextEncoder();
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case '/large': {
        // 100 MB in chunks of 64 KiB, each made when it is asked for.
        let left = 1600;
        return new Response(new ReadableStream({
          pull(controller) {
            if (left-- === 0) return controller.close();
            controller.enqueue(new Uint8Array(65536).fill(left & 0xff));
          },
        }));
      }
      case '/echo': return new Response(request.body);
      case '/count': {
        let bytes = 0;
        for await (const chunk of request.body) bytes += chunk.byteLength;
        return new Response(String(bytes));
      }
      case '/ignore': return new Response('not read');
      case '/steps': {
        // Each chunk of the request comes back at once: needs both directions at the same time.
        const steps = new TransformStream({
          transform: (chunk, c) => c.enqueue(encoder.encode(`<${chunk.byteLength}>`)) });
        return new Response(request.body.pipeThrough(steps));
      }
      case '/tee': {
        const [a, b] = request.body.tee();
        const [left, right] = await Promise.all([new Response(a).text(), new Response(b).text()]);
        return new Response(String(left === right && left.length));
      }
      case '/cancelled': return new Response((await env.KV.get('cancelled')) ?? 'no');
      case '/endless':
        return new Response(new ReadableStream({
          pull: (c) => c.enqueue(new Uint8Array(65536)),
          cancel: () => env.KV.put('cancelled', 'yes'),
        }));
    }
    return new Response('?', { status: 404 });
  },
};
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    server.deploy_source("stream", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})


def ask(target, body=b"", method=None):
    return http1.request(server.http, "stream.localhost", target,
                         method or ("POST" if body else "GET"), (), body)


class Streaming(unittest.TestCase):
    def test_slow_readers(self):
        """64 slow readers of 100 MB responses cost less than 64 MB together"""
        ask("/large")  # Warm: the first one pays for the isolate.
        before = server.resident_bytes()
        readers = []
        for _ in range(READERS):
            reader = http1.Connection(server.http, receive_buffer=16384)
            self.addCleanup(reader.close)
            reader.send("GET /large HTTP/1.1\r\nHost: stream.localhost\r\n\r\n")
            readers.append(reader)
        # Every one reads a little, in turn, until each has had a megabyte.
        for _ in range(16):
            for reader in readers:
                reader.buffer = b""
                reader.read_exactly(65536)
        grown = server.resident_bytes() - before
        if sanitized():
            self.skipTest("a sanitizer keeps freed memory, so its figure means nothing")
        self.assertLess(grown, GROWTH_MAX, f"grew by {grown / MEGABYTE:.0f} MB")

    def test_slow_readers_http2(self):
        """64 streams of one HTTP/2 connection that are not read cost less than 64 MB together"""
        ask("/large")
        before = server.resident_bytes()
        with http2.Connection(server.http) as connection:
            connection.established()
            for stream in range(1, READERS * 2, 2):
                connection.request(stream, http2.request_fields("stream.localhost", "/large"))
            received = 0
            while received < 65535:  # The connection's window, which is never reopened.
                got = connection.wait_for(http2.DATA)
                received += len(got.payload)
            connection.send(http2.frame(http2.PING, payload=b"settled?"))
            connection.wait_for(http2.PING)
            grown = server.resident_bytes() - before
        if sanitized():
            self.skipTest("a sanitizer keeps freed memory, so its figure means nothing")
        self.assertLess(grown, GROWTH_MAX, f"grew by {grown / MEGABYTE:.0f} MB")

    def test_fast_reader(self):
        """a fast reader gets exactly the 100 MB, over every transport"""
        expected = hashlib.sha256()
        for left in range(1599, -1, -1):
            expected.update(bytes([left & 0xFF]) * 65536)
        for transport in TRANSPORTS:
            with self.subTest(transport):
                answer = curl(server, "stream.localhost", "/large", transport)
                self.assertEqual(len(answer.body), 1600 * 65536)
                self.assertEqual(hashlib.sha256(answer.body).digest(), expected.digest())

    def test_echo(self):
        """a body of 20 MB streams through and comes back whole, over every transport"""
        body = bytes(range(256)) * (20 * 4096)
        for transport in TRANSPORTS:
            with self.subTest(transport):
                answer = curl(server, "stream.localhost", "/echo", transport, "POST", body=body)
                self.assertEqual(answer.body, body)

    def test_upload_backpressure(self):
        """an upload that the script reads is counted whole; one it ignores is not waited for"""
        body = bytes(20 * MEGABYTE)
        self.assertEqual(ask("/count", body).text(), str(len(body)))
        for transport in TRANSPORTS:
            with self.subTest(transport):
                answer = curl(server, "stream.localhost", "/ignore", transport, "POST",
                              body=bytes(MEGABYTE))
                self.assertEqual((answer.status, answer.text()), (200, "not read"))

    def test_both_ways(self):
        """a response streams while its request still does"""
        with http2.Connection(server.http) as connection:
            connection.established()
            connection.request(1, http2.request_fields("stream.localhost", "/steps", "POST"),
                               end=False)
            for size in (1, 22, 333):
                connection.send(http2.frame(http2.DATA, 0, 1, bytes(size)))
                got = connection.wait_for(http2.DATA, http2.RST_STREAM)
                self.assertEqual(got.payload, f"<{size}>".encode())
            connection.send(http2.frame(http2.DATA, http2.END_STREAM, 1, b""))

    def test_tee(self):
        """a body that is teed arrives twice"""
        self.assertEqual(ask("/tee", b"x" * 300_000).text(), "300000")

    def test_client_goes_away(self):
        """a client that goes away cancels the stream it was reading"""
        with http1.Connection(server.http) as reader:
            reader.send("GET /endless HTTP/1.1\r\nHost: stream.localhost\r\n\r\n")
            reader.read_exactly(100_000)
        wait_until(lambda: ask("/cancelled").text() == "yes", "the stream is cancelled")

    def test_many_at_once(self):
        """many bodies stream at once without mixing"""
        failed = []

        def one(number):
            body = bytes([number]) * (MEGABYTE + number)
            if ask("/echo", body).body != body:
                failed.append(number)

        threads = [threading.Thread(target=one, args=(n,)) for n in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
