"""HTTP/1 over a bare socket, for tests that send what no client library would."""

import socket
import ssl
from dataclasses import dataclass, field

DEADLINE_SECONDS = 60


@dataclass
class Response:
    status: int
    reason: str
    headers: list = field(default_factory=list)  # (lower-case name, value), as they came.
    body: bytes = b""

    def get(self, name, default=None):
        return next((v for n, v in self.headers if n == name.lower()), default)

    def text(self):
        return self.body.decode()


class Connection:
    """A client socket with a read buffer. `tls` is an ssl.SSLContext, `sni` the name asked for."""

    def __init__(self, port, tls=None, sni=None, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_SECONDS)
        self.socket.connect(("127.0.0.1", port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=sni)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Sends all of it; a peer that has closed already is found out by reading."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def finish_sending(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _more(self):
        """One read into the buffer; False at the end (or reset) of the connection."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        self.buffer += data
        return bool(data)

    def closed(self):
        """Reads until the peer closes; True if nothing more came before that."""
        while self._more():
            pass
        return not self.buffer

    def read_line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise EOFError(f"closed inside a line: {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_exactly(self, count):
        parts, missing = [self.buffer[:count]], count - len(self.buffer[:count])
        self.buffer = self.buffer[count:]
        while missing > 0:
            data = self.socket.recv(min(missing, 1 << 20))
            if not data:
                raise EOFError(f"closed with {missing} of {count} bytes to come")
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def read_response(self, method="GET"):
        """The next final or informational response with its body; None if the peer closed."""
        while b"\r\n" not in self.buffer:
            if not self._more():
                if self.buffer:
                    raise EOFError(f"closed inside a status line: {self.buffer!r}")
                return None
        version, status, reason = (self.read_line().decode("latin-1") + "  ").split(" ", 2)
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise ValueError(f"not a response: {version!r}")
        response = Response(int(status), reason.strip())
        while line := self.read_line():
            name, value = line.decode("latin-1").split(":", 1)
            response.headers.append((name.lower(), value.strip()))
        response.body = self._read_body(response, method)
        return response

    def _read_body(self, response, method):
        if method == "HEAD" or response.status < 200 or response.status in (204, 304):
            return b""
        if (response.get("transfer-encoding") or "").lower() == "chunked":
            body = bytearray()
            while size := int(self.read_line().split(b";")[0], 16):
                body += self.read_exactly(size)
                if self.read_exactly(2) != b"\r\n":
                    raise ValueError("a chunk without its end")
            while line := self.read_line():
                name, value = line.decode("latin-1").split(":", 1)
                response.headers.append(("trailer:" + name.lower(), value.strip()))
            return bytes(body)
        if (length := response.get("content-length")) is not None:
            return self.read_exactly(int(length))
        while self._more():
            pass
        body, self.buffer = self.buffer, b""
        return body


def request(port, host, target="/", method="GET", headers=(), body=b"", **options):
    """One request on a connection of its own."""
    with Connection(port, **options) as connection:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        connection.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        while (response := connection.read_response(method)) and response.status < 200:
            pass
        if response is None:
            raise EOFError("closed without an answer")
        return response
