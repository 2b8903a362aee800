"""A debugger: the Chrome DevTools Protocol over a bare WebSocket."""

import base64
import json
import os
import socket
import struct
import urllib.request

from support.server import PATIENCE_SECONDS


def scripts(address):
    """What a node says can be debugged."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/json/list", timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer)


class Debugger:
    """Attached to one script. Not for several threads."""

    def __init__(self, url, origin=None):
        address, _, path = url.removeprefix("ws://").partition("/")
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)
        self.input = self.socket.makefile("rb")
        lines = [f"GET /{path} HTTP/1.1", f"Host: {address}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()]
        if origin:
            lines.append("Origin: " + origin)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.status = int(self.input.readline().split()[1])
        while self.input.readline().strip():
            pass
        self.last = 0
        self.events = []

    def close(self):
        self.input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method, **params):
        self.last += 1
        text = json.dumps({"id": self.last, "method": method, "params": params}).encode()
        mask = os.urandom(4)
        size = len(text)
        head = bytes([0x81]) + (bytes([0x80 | size]) if size < 126 else
                                struct.pack("!BH", 0x80 | 126, size) if size < 65536 else
                                struct.pack("!BQ", 0x80 | 127, size))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        return self.last

    def _receive(self):
        """The next message; None when the node has closed."""
        message = b""
        while True:
            head = self.input.read(2)
            if len(head) < 2:
                return None
            size = head[1] & 0x7f
            if size >= 126:
                wide = 2 if size == 126 else 8
                size = int.from_bytes(self.input.read(wide), "big")
            payload = self.input.read(size)
            if head[0] & 0x0f == 8:
                return None
            message += payload
            if head[0] & 0x80:
                return json.loads(message)

    def call(self, method, **params):
        """The result; what comes meanwhile is kept for event()."""
        number = self.send(method, **params)
        while (message := self._receive()) is not None:
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)
        raise AssertionError(f"the node closed before it answered {method}")

    def event(self, method, fits=lambda params: True):
        """The next event of that name that fits; others before it are forgotten."""
        while True:
            message = self.events.pop(0) if self.events else self._receive()
            if message is None:
                raise AssertionError(f"the node closed before it sent {method}")
            if message.get("method") == method and fits(message["params"]):
                return message["params"]

    def gone(self):
        """Waits until the node has closed."""
        while self._receive() is not None:
            pass
