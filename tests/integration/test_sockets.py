"""cloudflare:sockets: a script's own TCP and TLS connections."""

import json
import socket
import ssl
import threading
import unittest

from support import http1
from support.origin import authority
from support.server import Server

WORKER = """
import { connect } from 'cloudflare:sockets';

async function text(readable) {
  return new Response(readable).text();
}

const scenarios = {
  // Says a line, ends its direction, and reads to the end.
  async say({ to, line, ...options }) {
    const socket = connect(to, options);
    const { remoteAddress } = await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode(line));
    await writer.close();
    const answer = await text(socket.readable);
    await socket.closed;
    return { remoteAddress, answer };
  },
  // Megabytes there and back.
  async large({ to, megabytes }) {
    const socket = connect(to);
    const writer = socket.writable.getWriter();
    const writing = (async () => {
      for (let i = 0; i < megabytes * 16; i++) await writer.write(new Uint8Array(65536).fill(i));
      await writer.close();
    })();
    let bytes = 0;
    for await (const chunk of socket.readable) bytes += chunk.byteLength;
    await writing;
    return bytes;
  },
  // Closes while the other side would go on for ever.
  async close({ to }) {
    const socket = connect(to);
    const reader = socket.readable.getReader();
    const { value } = await reader.read();
    await socket.close();
    return value.byteLength > 0;
  },
};

export default {
  async fetch(request) {
    const { scenario, ...options } = await request.json();
    try {
      return Response.json(await scenarios[scenario](options));
    } catch (error) {
      return Response.json({ error: `${error.name}: ${error.message}` });
    }
  },
};
"""


class Peer:
    """A TCP server whose connections `serve(connection)` handles, each in a thread."""

    def __init__(self, serve, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve, self.context = serve, context
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.serve(connection)
            if self.context:
                connection = connection.unwrap()  # Says that this was all.
        except (OSError, ssl.SSLError):
            pass
        finally:
            connection.close()


def echo(connection):
    """Back what came, once all of it has come."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    connection.sendall(b"heard " + data)


def mirror(connection):
    while piece := connection.recv(65536):
        connection.sendall(piece)


def endless(connection):
    while True:
        connection.sendall(b"x" * 65536)


def setUpModule():
    global server, certificates
    certificates = unittest.enterModuleContext(authority())
    server = unittest.enterModuleContext(
        Server(env={"SSL_CERT_FILE": str(certificates.file)}))
    server.deploy_source("tcp", WORKER)


def run(scenario, **options):
    answer = http1.request(server.http, "tcp.localhost", method="POST",
                           body=json.dumps({"scenario": scenario, **options}).encode())
    return json.loads(answer.body)


class Sockets(unittest.TestCase):
    def test_half_close(self):
        """a script writes, ends its direction, and still reads the answer"""
        with Peer(echo) as peer:
            for to in (f"127.0.0.1:{peer.port}", f"localhost:{peer.port}",
                       {"hostname": "127.0.0.1", "port": peer.port}):
                with self.subTest(to=to):
                    got = run("say", to=to, line="hello")
                    self.assertEqual(got.get("answer"), "heard hello", got)

    def test_large(self):
        """megabytes go both ways at once"""
        with Peer(mirror) as peer:
            self.assertEqual(run("large", to=f"127.0.0.1:{peer.port}", megabytes=8), 8 << 20)

    def test_close(self):
        """close() ends a connection whose other side goes on"""
        with Peer(endless) as peer:
            self.assertIs(run("close", to=f"127.0.0.1:{peer.port}"), True)

    def test_tls(self):
        """TLS verifies the server's name"""
        good = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        good.load_cert_chain(*certificates.certificate("good", ["DNS:localhost"]))
        bad = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        bad.load_cert_chain(*certificates.certificate("bad", ["DNS:example.org"]))

        with Peer(echo, good) as peer:
            got = run("say", to=f"localhost:{peer.port}", line="secret", secureTransport="on")
            self.assertEqual(got.get("answer"), "heard secret", got)
        with Peer(echo, bad) as peer:
            got = run("say", to=f"localhost:{peer.port}", line="secret", secureTransport="on")
            self.assertIn("TypeError", got.get("error", "no error"))

    def test_refused(self):
        """nobody there, port 25, and what is no address are errors"""
        for to in ("127.0.0.1:1", "127.0.0.1:25", "no-such-host.invalid:80", "localhost", "a:b",
                   "http://localhost:80", "localhost:99999", ":80"):
            with self.subTest(to=to):
                self.assertIn("TypeError", run("say", to=to, line="x").get("error", "no error"))
        got = run("say", to="127.0.0.1:80", line="x", secureTransport="starttls")
        self.assertIn("starttls", got["error"])


if __name__ == "__main__":
    unittest.main()
