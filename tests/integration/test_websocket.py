"""WebSockets end to end: a real client on each transport, and hostile bytes over bare sockets."""

import json
import os
import struct
import subprocess
import unittest
from pathlib import Path

from support import http1, http2
from support.apps import project
from support.npm import installed
from support.server import PATIENCE_SECONDS, Server

WORKER = """
function accept(request, handle, init = {}) {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept(init);
  handle(server, request);
  const protocol = request.headers.get('sec-websocket-protocol');
  const headers = protocol ? { 'sec-websocket-protocol': protocol.split(',')[0].trim() } : {};
  return new Response(null, { status: 101, webSocket: client, headers });
}

const closes = [];

const handlers = {
  '/echo': (ws) => {
    ws.binaryType = 'arraybuffer';
    ws.addEventListener('message', (event) => ws.send(event.data));
    ws.addEventListener('close', (event) => closes.push([event.code, event.reason,
                                                        event.wasClean]));
  },
  '/greet': (ws) => ws.send('hello before you said anything'),
  '/close': (ws) => ws.addEventListener('message', () => ws.close(4001, 'go away')),
  '/throw': (ws) => ws.addEventListener('message', (event) => {
    if (event.data === 'throw') throw new Error('expected in the log');
    ws.send('still here');
  }),
  '/later': (ws) => ws.addEventListener('message', async () => {
    await scheduler.wait(20);
    const response = await fetch('http://sockets.localhost:1/').catch((error) => error);
    ws.send(`later ${response instanceof Error}`);
  }),
  '/pump': (ws) => ws.addEventListener('message', () => {
    // As fast as it goes: what the client does not read is bounded.
    const chunk = 'p'.repeat(1 << 20);
    let sent = 0;
    while (ws.readyState === WebSocket.OPEN && sent < 1000) {
      ws.send(chunk);
      ++sent;
    }
    closes.push(['pumped', sent, ws.readyState]);
  }),
};

export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === '/closes') return Response.json(closes);
    if (url.pathname === '/client') {
      // This script is the client, of itself or whoever.
      const ws = new WebSocket(url.searchParams.get('to'), url.searchParams.getAll('protocol'));
      const heard = [];
      return new Promise((resolve) => {
        ws.onopen = () => {
          heard.push('open', ws.protocol, ws.extensions);
          ws.send('from a script ' + 'x'.repeat(100));
        };
        ws.onmessage = (event) => {
          heard.push(event.data.length);
          ws.close(3000, 'thanks');
        };
        ws.onerror = (event) => heard.push('error');
        ws.onclose = (event) => {
          heard.push('close', event.code, event.reason, event.wasClean);
          resolve(Response.json(heard));
        };
      });
    }
    if (url.pathname === '/fetch') {
      const response = await fetch(url.searchParams.get('to'),
        { headers: { Upgrade: 'websocket' } });
      const ws = response.webSocket;
      if (!ws) return new Response(`no socket: ${response.status} ${await response.text()}`);
      ws.accept();
      ws.send('through fetch');
      const data = await new Promise((r) => ws.addEventListener('message', (e) => r(e.data)));
      ws.close();
      return new Response(`${response.status} ${data}`);
    }
    if (url.pathname === '/proxy') return fetch(new Request(url.searchParams.get('to'), request));
    if (request.headers.get('upgrade') !== 'websocket') {
      return new Response('Expected Upgrade: websocket', { status: 426 });
    }
    if (url.pathname === '/refuse') return new Response('not here', { status: 403 });
    return accept(request, handlers[url.pathname]);
  },
};
"""

HANDSHAKE = ("GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n{more}\r\n")
HOST = "sockets.localhost"
CLIENT = Path(__file__).resolve().parents[1] / "support" / "ws"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def setUpModule():
    global server, modules
    modules = installed(CLIENT)
    # One isolate: /closes tells of all sockets.
    server = unittest.enterModuleContext(Server(shards=1))
    # A name that resolves everywhere, for the script as its own client.
    server.deploy_source("sockets", WORKER, config={"routes": ["localhost/*", f"{HOST}/*"]})
    server.deploy(unittest.enterModuleContext(project("websocket")))


def frame(opcode, payload=b"", fin=True, mask=b"\x01\x02\x03\x04", flags=0):
    size, bit = len(payload), 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | flags | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if not mask:
        return head + payload
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class Raw:
    """A WebSocket by hand, over HTTP/1.1."""

    def __init__(self, target="/echo", host=HOST, more="", ahead=b"", receive_buffer=None):
        self.connection = http1.Connection(server.http, receive_buffer=receive_buffer)
        head = HANDSHAKE.format(target=target, host=host, more=more)
        self.connection.send(head.encode() + ahead)
        self.answer = self.connection.read_response()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, *words, **more):
        self.connection.send(frame(*words, **more))

    def read(self):
        """(opcode, payload) of the next frame; None at the end."""
        try:
            first, second = self.connection.read_exactly(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.connection.read_exactly(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.connection.read_exactly(8))[0]
            return first & 0x0F, self.connection.read_exactly(size)
        except (EOFError, ConnectionResetError):
            return None

    def read_close(self):
        """The code of the Close that comes next, and that the connection ends behind it."""
        got = self.read()
        if got is None or got[0] != CLOSE:
            return got
        code = struct.unpack(">H", got[1][:2])[0] if got[1] else None
        return code if self.read() is None else "open after Close"


def client(scenario, url, **options):
    command = ["node", str(CLIENT / "client.mjs"), str(modules), scenario, url,
               json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                          env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0"})
    if done.returncode != 0 or not done.stdout:
        raise AssertionError(f"{scenario}: {done.stderr}")
    return json.loads(done.stdout)


def plain(path="/echo"):
    return f"ws://{HOST}:{server.http}{path}"


def looped(path="/echo", scheme="ws"):
    """The same for the script as a client: its resolver knows this name."""
    return f"{scheme}://localhost:{server.http}{path}"


def ask(target):
    return http1.request(server.http, HOST, target)


class RealClient(unittest.TestCase):
    """npm's ws."""

    def test_echo(self):
        """every size and kind of message comes back, compressed or not, in the clear or by TLS"""
        urls = [plain(), f"wss://{HOST}:{server.https}/echo"]
        for url in urls:
            for deflate in (False, True, {"serverNoContextTakeover": True,
                                          "clientNoContextTakeover": True},
                            {"serverMaxWindowBits": 10, "clientMaxWindowBits": 10}):
                with self.subTest(url=url, deflate=deflate):
                    got = client("echo", url, perMessageDeflate=deflate)
                    self.assertEqual((got["same"], got["code"], got["reason"]),
                                     (got["of"], 3005, ""))
                    self.assertEqual(got["extensions"],
                                     "permessage-deflate" if deflate else "")

    def test_fragments(self):
        """a message in a hundred fragments arrives whole, and pings in between are answered"""
        whole = sum(len(f"part {i} ") for i in range(100)) * 200
        self.assertEqual(client("fragments", plain()), {"pongs": 10, "bytes": whole})

    def test_flood(self):
        """thousands of messages on their way stay in order"""
        self.assertEqual(client("flood", plain()), {"count": 5000})

    def test_subprotocol(self):
        """the script chooses the subprotocol"""
        got = client("say", plain("/greet"), protocols=["chat.v2", "chat.v1"])
        self.assertEqual(got, {"heard": ["hello before you said anything"],
                               "protocol": "chat.v2"})

    def test_close_by_script(self):
        """the script's close reaches the client with its code and reason"""
        self.assertEqual(client("say", plain("/close"), text="x")["heard"],
                         [{"code": 4001, "reason": "go away"}])

    def test_throwing_listener(self):
        """a listener that throws costs only itself"""
        with Raw("/throw") as raw:
            raw.send(TEXT, b"throw")
            raw.send(TEXT, b"again")
            self.assertEqual(raw.read(), (TEXT, b"still here"))

    def test_async(self):
        """a listener may wait and fetch before it answers"""
        self.assertEqual(client("say", plain("/later"), text="x")["heard"], ["later true"])

    def test_refused(self):
        """any other response is an ordinary one"""
        self.assertEqual(client("say", plain("/refuse")), {"status": 403})
        self.assertEqual(ask("/echo").status, 426)

    def test_hono(self):
        """Hono's upgradeWebSocket, unmodified"""
        base = f"ws://websocket.localhost:{server.http}"
        self.assertEqual(client("say", base + "/echo", text="hi")["heard"], ["hi"])
        self.assertEqual(client("say", base + "/shout?name=anna", text="hi", count=2)["heard"],
                         ["anna: HI!", {"code": 4000, "reason": "said"}])


class ScriptAsClient(unittest.TestCase):
    def test_new_web_socket(self):
        """new WebSocket() connects, sends, receives and closes"""
        got = ask(f"/client?to={looped()}&protocol=a&protocol=b").text()
        self.assertEqual(json.loads(got), ["open", "a", "permessage-deflate; "
                                           "client_max_window_bits=13", 114, "close", 3000, "",
                                           True])

    def test_new_web_socket_fails(self):
        """a server that answers otherwise is an error and a close"""
        for to in (looped("/refuse"), "ws://localhost:1/", looped("/nowhere")):
            with self.subTest(to=to):
                got = json.loads(ask(f"/client?to={to}").text())
                self.assertEqual(got, ["error", "close", 1006, "", False])

    def test_fetch(self):
        """fetch() with Upgrade gives a webSocket"""
        http = looped(scheme="http")
        self.assertEqual(ask(f"/fetch?to={http}").text(), "101 through fetch")
        self.assertEqual(ask(f"/fetch?to={http.replace('/echo', '/refuse')}").text(),
                         "no socket: 403 not here")

    def test_proxy(self):
        """a webSocket that a fetch opened can be handed to the client"""
        http = looped(scheme="http")
        got = client("echo", plain(f"/proxy?to={http}"))
        self.assertEqual((got["same"], got["code"]), (got["of"], 3005))
        closing = looped("/close", "http")
        self.assertEqual(client("say", plain(f"/proxy?to={closing}"), text="x")["heard"],
                         [{"code": 4001, "reason": "go away"}])


class HostileBytes(unittest.TestCase):
    def test_handshakes(self):
        """a handshake that is not one is refused, and Upgrade to anything else is ignored"""
        good = HANDSHAKE.format(target="/echo", host=HOST, more="")
        for change, status in (
                (("", ""), 101),
                (("Version: 13", "Version: 8"), 426),
                (("Sec-WebSocket-Version: 13\r\n", ""), 426),
                (("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400),
                (("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
                (("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ="), 400),
                (("Upgrade: websocket\r\n",
                  "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400),
                (("Upgrade: websocket", "Upgrade: h2c"), 426),
                (("Connection: Upgrade", "Connection: keep-alive"), 426),
                (("Upgrade: websocket", "upgrade: foo, WebSocket"), 101),
                (("Connection: Upgrade", "connection: keep-alive, UPGRADE"), 101),
        ):
            with self.subTest(change=change), http1.Connection(server.http) as connection:
                connection.send(good.replace(*change))
                self.assertEqual(connection.read_response().status, status)

    def test_answer(self):
        """the answer has the key's answer, once, whatever the script said"""
        with Raw() as raw:
            names = [name for name, _ in raw.answer.headers]
            self.assertEqual(raw.answer.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.assertEqual(raw.answer.get("upgrade"), "websocket")
            self.assertEqual(len(names), len(set(names)))
            self.assertNotIn("content-length", names)
            self.assertNotIn("transfer-encoding", names)

    def test_frames(self):
        """whatever a peer sends, it is answered by the Close that the protocol names"""
        for name, data, code in (
                ("unmasked", frame(TEXT, b"x", mask=b""), 1002),
                ("reserved bits", frame(TEXT, b"x", flags=0x40), 1002),
                ("reserved opcode", frame(3, b"x"), 1002),
                ("continuation of nothing", frame(0, b"x"), 1002),
                ("fragmented ping", frame(PING, b"x", fin=False), 1002),
                ("long ping", frame(PING, b"x" * 126), 1002),
                ("not UTF-8", frame(TEXT, b"\xff"), 1007),
                ("half a character", frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b""), 1007),
                ("an exabyte", b"\x82\xff\x0f" + b"\xff" * 7 + b"mask", 1009),
                ("33 MiB", b"\x82\xff" + struct.pack(">Q", 33 << 20) + b"mask", 1009),
                ("HTTP", b"GET / HTTP/1.1\r\n\r\n", 1002),
                ("close code 1006", frame(CLOSE, b"\x03\xee"), 1002),
                ("a proper close", frame(CLOSE, b"\x03\xe8bye"), 1000),
                ("an empty close", frame(CLOSE), None),
        ):
            with self.subTest(name), Raw() as raw:
                raw.connection.send(data)
                self.assertEqual(raw.read_close(), code)

    def test_pieces(self):
        """frames that come byte by byte, and ahead of the answer, are read"""
        with Raw(ahead=frame(TEXT, b"ahead")) as raw:
            self.assertEqual(raw.read(), (TEXT, b"ahead"))
            for byte in frame(TEXT, b"slow") + frame(PING, b"there?"):
                raw.connection.send(bytes([byte]))
            # The node answers the ping, the script the message: in any order.
            self.assertEqual({raw.read(), raw.read()}, {(TEXT, b"slow"), (PONG, b"there?")})

    def test_vanished(self):
        """a client that vanishes is a close event with 1006"""
        before = len(json.loads(ask("/closes").text()))
        with Raw() as raw:
            raw.send(TEXT, b"x")
            raw.read()
        for _ in range(1000):
            closes = json.loads(ask("/closes").text())
            if len(closes) > before and [1006, "WebSocket disconnected without sending Close "
                                         "frame.", False] in closes:
                return
        self.fail(f"no close event: {closes}")

    def test_client_that_does_not_read(self):
        """a script cannot make the node keep more than it may for a client that does not read"""
        with Raw("/pump", receive_buffer=4096) as raw:
            raw.send(TEXT, b"go")
            for _ in range(1000):
                pumped = [c for c in json.loads(ask("/closes").text()) if c[0] == "pumped"]
                if pumped:
                    break
            self.assertEqual(len(pumped), 1)
            self.assertLess(pumped[0][1], 40)
            self.assertNotEqual(pumped[0][2], 1)

    def test_drain(self):
        """a drain closes sockets with 1001, and the node exits"""
        with Server() as other:
            other.deploy_source("sockets", WORKER)
            connection = http1.Connection(other.http)
            connection.send(HANDSHAKE.format(target="/echo", host=HOST, more=""))
            self.assertEqual(connection.read_response().status, 101)
            os.kill(other.pid, 15)
            got = connection.read_exactly(4)
            self.assertEqual((got[0] & 0x0F, got[2:4]), (CLOSE, b"\x03\xe9"))
            connection.send(frame(CLOSE, b"\x03\xe9"))
            self.assertEqual(other.process.wait(PATIENCE_SECONDS), 0)
            connection.close()


class OverHttp2(unittest.TestCase):
    """RFC 8441."""

    def open(self, connection, path="/echo", fields=None, extra=()):
        fields = fields or [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
            (":path", path), (":authority", HOST), ("sec-websocket-version", "13"), *extra]
        connection.send(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.block(fields)))
        got = connection.wait_for(http2.HEADERS, http2.RST_STREAM, http2.GOAWAY)
        if got is None or got.kind != http2.HEADERS:
            return got
        return dict(connection.inflater.decode(got.payload))

    def read(self, connection, size):
        data = b""
        while len(data) < size:
            got = connection.wait_for(http2.DATA, http2.RST_STREAM)
            self.assertEqual(got.kind, http2.DATA)
            data += got.payload
            if got.flags & http2.END_STREAM:
                break
        return data

    def test_settings(self):
        """the server says that extended CONNECT is spoken"""
        with http2.Connection(server.http) as connection:
            got = connection.wait_for(http2.SETTINGS)
            pairs = [struct.unpack(">HI", got.payload[i:i + 6])
                     for i in range(0, len(got.payload), 6)]
            self.assertIn((8, 1), pairs)

    def test_echo(self):
        """messages go both ways on a stream, and the close ends it"""
        with http2.Connection(server.http) as connection:
            head = self.open(connection, extra=[("sec-websocket-protocol", "chat")])
            self.assertEqual((head[":status"], head["sec-websocket-protocol"]), ("200", "chat"))
            self.assertNotIn("sec-websocket-accept", head)
            self.assertNotIn("upgrade", head)
            connection.send(http2.frame(http2.DATA, 0, 1, frame(TEXT, b"over two")))
            self.assertEqual(self.read(connection, 10), b"\x81\x08over two")
            large = b"L" * 10000
            data = frame(BINARY, large)
            connection.send(http2.frame(http2.DATA, 0, 1, data[:5000]) +
                            http2.frame(http2.DATA, 0, 1, data[5000:]))
            self.assertEqual(self.read(connection, 10004)[4:], large)
            connection.send(http2.frame(http2.DATA, 0, 1, frame(CLOSE, b"\x03\xe8")))
            self.assertEqual(self.read(connection, 1 << 20), b"\x88\x02\x03\xe8")

    def test_hostile(self):
        """a malformed extended CONNECT is refused on its stream, and others go on"""
        good = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                (":path", "/echo"), (":authority", HOST), ("sec-websocket-version", "13")]
        for name, fields, status in (
                ("another protocol", [*good[:1], (":protocol", "connect-udp"), *good[2:]], "501"),
                ("plain CONNECT", [good[0], good[4]], "501"),
                ("no version", good[:5], "400"),
                ("no path", [*good[:3], *good[4:]], None),
                ("protocol with GET", [(":method", "GET"), *good[1:]], None),
        ):
            with self.subTest(name), http2.Connection(server.http) as connection:
                got = self.open(connection, fields=fields)
                if status is None:
                    self.assertNotIsInstance(got, dict)
                else:
                    self.assertEqual(got[":status"], status)
                connection.send(http2.frame(
                    http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 3,
                    http2.block(http2.request_fields(HOST, "/closes"))))
                self.assertIsNotNone(connection.wait_for(http2.DATA, stream=3))

    def test_reset(self):
        """a stream that is reset is a client that vanished, and the connection lives on"""
        with http2.Connection(server.http) as connection:
            self.assertEqual(self.open(connection)[":status"], "200")
            connection.send(http2.frame(http2.RST_STREAM, 0, 1, struct.pack(">I", 8)))
            connection.send(http2.frame(
                http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 3,
                http2.block(http2.request_fields(HOST, "/closes"))))
            self.assertIsNotNone(connection.wait_for(http2.DATA, stream=3))


if __name__ == "__main__":
    unittest.main()
