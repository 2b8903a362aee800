"""What is measured: one row is one request, sent over and over, and its expected answer."""

import hashlib
import json
from dataclasses import dataclass, field

_LINE = b"The quick brown fox jumps over the lazy dog. 0123456789 abcdefg\n"
_PAGE = _LINE * 1600
_JSON = json.dumps({"items": [{"id": i, "name": f"item {i}", "ok": True} for i in range(24)]},
                   separators=(",", ":")).encode()
_LONG_JSON = json.dumps({"items": [{"id": i, "name": f"item {i}", "ok": True, "tags": ["a", "b"]}
                                   for i in range(180)]}, separators=(",", ":")).encode()
_BLOB = bytes(range(256)) * 256
_MEGABYTE = bytes(range(256)) * 4096
_VALUE = b"v" * 1024
_REWRITTEN = b"<!doctype html><title>Bench</title><body>" + (
    b'<h2>Heading!</h2><p>' + _LINE * 6 + b'<a href="/a?b=c" rel="nofollow">one</a> <b>and</b>\n'
    b'<a class="x" href="/d" rel="nofollow">two</a><p class=y>' + _LINE * 8 + b"</p>") * 100


@dataclass(frozen=True)
class Row:
    name: str
    about: str
    handler: str
    answer: bytes
    method: str = "GET"
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    protocol: str = "h1"
    connections: int = 64
    tenants: int = 1
    operations: int = 1  # What is measured is done so often in one request; the figure is for one.
    peers: bool = True  # Whether another runtime has something like it.

    def hosts(self):
        if self.tenants == 1:
            return ["bench.localhost"]
        return [f"t{number}.localhost" for number in range(self.tenants)]


ROWS = [
    Row("hello", "hello world, HTTP/1.1 keep-alive", "hello", b"Hello, World!"),
    Row("hello-h2", "hello world, HTTP/2 in the clear", "hello", b"Hello, World!", protocol="h2"),
    Row("echo", "JSON POST of 1 KB, parsed and sent back", "echo", _JSON, "POST", _JSON,
        {"content-type": "application/json"}),
    Row("page", "100 KB static body", "page", _PAGE),
    Row("stream", "1 MB streamed through", "stream", _MEGABYTE, "POST", _MEGABYTE,
        connections=8),
    Row("sha256", "SHA-256 of a 64 KB body", "sha256",
        hashlib.sha256(_BLOB).hexdigest().encode(), "POST", _BLOB),
    Row("url", "new URL(), its host and search read; eight URLs in turn", "url", b"163",
        operations=1000),
    Row("clone", "structuredClone() of a 2 KB object", "clone", b"24", operations=200),
    Row("decode", "TextDecoder, 1 MB of UTF-8", "decode", b"954534", operations=4,
        connections=8),
    Row("json", "Response.json() of 10 KB", "json", _LONG_JSON),
    Row("gzip", "CompressionStream over 1 MB of prose", "gzip", b"true", connections=2),
    Row("passthrough", "1 MB through an identity TransformStream", "passthrough", _MEGABYTE, "POST",
        _MEGABYTE, connections=8),
    Row("rewrite", "HTMLRewriter over 100 KB: 200 links, 100 headings", "rewrite", _REWRITTEN,
        connections=8),
    # The peers read a Map in memory: a floor, not an equal.
    Row("kv", "KV read of a 1 KB value", "kv", _VALUE),
    Row("tenants", "hello world of 1,000 tenants in turn", "hello", b"Hello, World!",
        tenants=1000, peers=False),
]

KV_VALUE = _VALUE
