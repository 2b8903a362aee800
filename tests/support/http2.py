"""HTTP/2 frames over a bare socket, for tests that break the protocol on purpose.

Requests are encoded here, literally and without an HPACK table; answers are decoded by
libnghttp2's inflater (by way of ctypes).
"""

import ctypes
import socket
import ssl
import struct
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEADLINE_SECONDS = 60

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
FRAME_NAMES = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING",
               "GOAWAY", "WINDOW_UPDATE", "CONTINUATION")
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
          "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
          "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, \
    MAX_HEADER_LIST_SIZE = range(1, 7)


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    def name(self):
        return FRAME_NAMES[self.kind] if self.kind < len(FRAME_NAMES) else f"type {self.kind}"

    def error(self):
        """The error name of a GOAWAY or RST_STREAM."""
        at = 4 if self.kind == GOAWAY else 0
        code = struct.unpack(">I", self.payload[at:at + 4])[0]
        return ERRORS[code] if code < len(ERRORS) else str(code)


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """A frame's bytes; `length` lies about the payload's."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", k, v) for k, v in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def _integer(value, prefix_bits, first=0):
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def literal(name, value):
    """One header field: literal without indexing, new name, no Huffman (RFC 7541 section 6.2.2)."""
    name = name if isinstance(name, bytes) else name.encode("latin-1")
    value = value if isinstance(value, bytes) else value.encode("latin-1")
    return b"\0" + _integer(len(name), 7) + name + _integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


def request_fields(host, path="/", method="GET", scheme="http", extra=()):
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", host), *extra]


class _Inflater:
    """libnghttp2's HPACK decoder."""

    class Field(ctypes.Structure):
        _fields_ = [("name", ctypes.POINTER(ctypes.c_uint8)),
                    ("value", ctypes.POINTER(ctypes.c_uint8)),
                    ("namelen", ctypes.c_size_t), ("valuelen", ctypes.c_size_t),
                    ("flags", ctypes.c_uint8)]

    def __init__(self):
        self.library = ctypes.CDLL("libnghttp2.so.14")
        self.library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.handle = ctypes.c_void_p()
        self.library.nghttp2_hd_inflate_new(ctypes.byref(self.handle))

    def __del__(self):
        self.library.nghttp2_hd_inflate_del(self.handle)

    def decode(self, data):
        fields, flags, entry = [], ctypes.c_int(), self.Field()
        while True:
            used = self.library.nghttp2_hd_inflate_hd2(
                self.handle, ctypes.byref(entry), ctypes.byref(flags), data,
                ctypes.c_size_t(len(data)), 1)
            if used < 0:
                raise ValueError(f"header block does not decode: {used}")
            data = data[used:]
            if flags.value & 2:  # NGHTTP2_HD_INFLATE_EMIT
                fields.append((ctypes.string_at(entry.name, entry.namelen).decode("latin-1"),
                               ctypes.string_at(entry.value, entry.valuelen).decode("latin-1")))
            if flags.value & 1:  # NGHTTP2_HD_INFLATE_FINAL
                self.library.nghttp2_hd_inflate_end_headers(self.handle)
                return fields
            if not used and not flags.value & 2:
                raise ValueError("header block is cut short")


class Connection:
    """A client connection. Unless told otherwise it says the preface and its settings at once."""

    def __init__(self, port, handshake=True, tls=None, sni=None):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
        # Each send is one test step: do not wait to fill a segment.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=sni)
        self.buffer = b""
        self.inflater = _Inflater()
        if handshake:
            self.send(PREFACE + settings())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # What the server had to say before it closed is still to be read.

    def read_frame(self):
        """The next frame; None once the server closed."""
        while True:
            if len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + size:
                    kind, flags = self.buffer[3], self.buffer[4]
                    stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
                    payload = self.buffer[9:9 + size]
                    self.buffer = self.buffer[9 + size:]
                    return Frame(kind, flags, stream, payload)
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            if not data:
                return None
            self.buffer += data

    def wait_for(self, *kinds, stream=None):
        """The next frame of one of `kinds`; None if closed. Acknowledges settings on the way."""
        while (got := self.read_frame()) is not None:
            if got.kind == SETTINGS and not got.flags & ACK:
                self.send(frame(SETTINGS, ACK))
            if got.kind in kinds and (stream is None or got.stream == stream):
                return got
        return None

    def established(self):
        """Waits for the server's settings and its acknowledgement of ours."""
        seen = set()
        while len(seen) < 2:
            got = self.read_frame()
            if got is None:
                raise EOFError("closed during the handshake")
            if got.kind == SETTINGS:
                seen.add(bool(got.flags & ACK))
                if not got.flags & ACK:
                    self.send(frame(SETTINGS, ACK))
        return self

    def request(self, stream, fields, end=True, flags=END_HEADERS):
        self.send(frame(HEADERS, flags | (END_STREAM if end else 0), stream, block(fields)))

    def response(self, stream):
        """(status, headers, body) of a stream, or (error name, [], b"") if it was reset."""
        status, headers, body = None, [], b""
        while (got := self.wait_for(DATA, HEADERS, RST_STREAM, GOAWAY)) is not None:
            if got.kind == GOAWAY and got.error() != "NO_ERROR":
                return got.error(), [], body
            if got.stream != stream:
                if got.kind == HEADERS:
                    self.inflater.decode(got.payload)
                continue
            if got.kind == RST_STREAM:
                # After a complete response it only says: send no more.
                return got.error(), headers, body
            if got.kind == HEADERS:
                fields = self.inflater.decode(got.payload)
                if status is None or status < 200:
                    status, headers = int(dict(fields)[":status"]), fields
            else:
                body += got.payload
                if got.payload:
                    self.send(window_update(0, len(got.payload))
                              + window_update(stream, len(got.payload)))
            if got.flags & END_STREAM:
                return status, headers, body
        return "closed", headers, body
