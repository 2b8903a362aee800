"""WebSockets for server.py: RFC 6455 without extensions, and as much of pywebsocket's interface as
the suite's handlers use."""

import base64
import hashlib
import struct
import types
from pathlib import Path

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NO_STATUS = 1005
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class AbortedByUserException(Exception):
    pass


class Closed(Exception):
    pass


class Stream:
    """request.ws_stream"""

    def __init__(self, request, reader, connection):
        self.request, self.reader, self.connection = request, reader, connection
        self.close_sent = self.close_seen = False

    def send_frame(self, opcode, payload, end=True):
        size = len(payload)
        head = bytes([(0x80 if end else 0) | opcode])
        if size < 126:
            head += bytes([size])
        elif size < 65536:
            head += b"\x7e" + struct.pack(">H", size)
        else:
            head += b"\x7f" + struct.pack(">Q", size)
        self.connection.write(head + payload)

    def send_message(self, message, end=True, binary=False):
        payload = message.encode() if isinstance(message, str) else message
        self.send_frame(BINARY if binary else TEXT, payload, end)

    def read(self, count):
        data = self.reader.read(count)
        if len(data) < count:
            raise Closed
        return data

    def read_frame(self):
        first, second = self.read(2)
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.read(8))
        mask = self.read(4) if second & 0x80 else b"\0\0\0\0"
        payload = self.read(size)
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        payload = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
        return bool(first & 0x80), first & 0x0f, payload

    def receive_message(self):
        """A str or bytes; None once the peer closes."""
        kind, message = None, b""
        while True:
            end, opcode, payload = self.read_frame()
            if opcode == CLOSE:
                self.take_close(payload)
                return None
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode != PONG:
                kind = opcode or kind
                message += payload
                if end:
                    return message.decode() if kind == TEXT else message

    def take_close(self, payload):
        self.close_seen = True
        request = self.request
        request.ws_close_code = struct.unpack(">H", payload[:2])[0] if payload else NO_STATUS
        request.ws_close_reason = payload[2:].decode()
        if self.close_sent:
            return
        passive = request.handler.get("web_socket_passive_closing_handshake")
        code, reason = passive(request) if passive else (request.ws_close_code, "")
        self.send_close(None if code == NO_STATUS else code, reason)

    def send_close(self, code=1000, reason=""):
        self.close_sent = True
        payload = b"" if code is None else struct.pack(">H", code) + (reason or "").encode()
        self.send_frame(CLOSE, payload)

    def close_connection(self, code=1000, reason="", wait_response=True):
        if self.close_sent:
            return
        self.send_close(code, reason)
        while wait_response and not self.close_seen:
            if self.receive_message() is None:
                return


class Headers(dict):
    def get(self, name, default=None):
        return super().get(name.lower(), default)


def request_of(http, handler):
    request = types.SimpleNamespace(handler=handler, uri=http.path, unparsed_uri=http.path,
                                    protocol="HTTP/1.1", extra_headers=[], ws_protocol=None,
                                    ws_extension_processors=[], ws_version=13)
    request.headers_in = Headers((n.lower(), v) for n, v in http.headers.items())
    offered = request.headers_in.get("sec-websocket-protocol")
    request.ws_requested_protocols = [w.strip() for w in offered.split(",")] if offered else None
    request.ws_origin = request.headers_in.get("origin")
    request.ws_resource = http.path
    request.connection = types.SimpleNamespace(write=http.wfile.write, remote_addr=("", 0))
    request.ws_stream = Stream(request, http.rfile, request.connection)
    return request


def serve(http, root):
    """Runs the handler that the path names: /echo is websockets/handlers/echo_wsh.py."""
    name = http.path.split("?")[0].strip("/")
    file = Path(root) / "websockets/handlers" / f"{name}_wsh.py"
    if not file.is_file():
        http.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return
    handler = {}
    exec(compile(file.read_text(), str(file), "exec"), handler)
    request = request_of(http, handler)
    try:
        handler["web_socket_do_extra_handshake"](request)
        answer_handshake(http, request)
        handler["web_socket_transfer_data"](request)
        request.ws_stream.close_connection()
    except (AbortedByUserException, Closed, ConnectionError, TimeoutError):
        pass


def answer_handshake(http, request):
    key = http.headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Accept: {accept}"]
    if request.ws_protocol:
        lines.append(f"Sec-WebSocket-Protocol: {request.ws_protocol}")
    lines += [f"{name}: {value}" for name, value in request.extra_headers]
    http.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


def install_modules(module):
    common = module("mod_pywebsocket.common", STATUS_NO_STATUS_RECEIVED=NO_STATUS,
                    STATUS_NORMAL_CLOSURE=1000, OPCODE_TEXT=TEXT, OPCODE_BINARY=BINARY)
    msgutil = module(
        "mod_pywebsocket.msgutil",
        send_message=lambda request, message, end=True, binary=False:
            request.ws_stream.send_message(message, end, binary),
        receive_message=lambda request: request.ws_stream.receive_message(),
        send_ping=lambda request, payload=b"": request.ws_stream.send_frame(PING, payload),
        close_connection=lambda request: request.ws_stream.close_connection())
    handshake = module("mod_pywebsocket.handshake", AbortedByUserException=AbortedByUserException)
    stream = module("mod_pywebsocket.stream")
    module("mod_pywebsocket", common=common, msgutil=msgutil, handshake=handshake, stream=stream)
