"""What the HTTP/2 cases share: a server, a connection per case, and the errors' two forms.

Each case names the section of RFC 9113 (or RFC 7541) that it holds the server to. The list follows
the coverage of h2spec, so that a run of the real one holds no surprise.
"""

import struct
import unittest

from support.http2 import (ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM,
                           SETTINGS, Connection, block, frame, request_fields, window_update)
from support.server import Server

HOST = "h2.localhost"
# Answers at once, or with what it was sent; large answers fill any window, and a held request does
# not read its body.
WORKER = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/large') return new Response('x'.repeat(1 << 20));
    if (pathname === '/hold') await new Promise((resolve) => setTimeout(resolve, 60_000));
    if (request.method === 'POST') return new Response(await request.text());
    return new Response('hello over HTTP/2');
  },
};
"""


def start_server():
    server = unittest.enterModuleContext(Server())
    server.deploy_source("h2", WORKER)
    return server


class Case(Connection):
    """A connection past its handshake, with the requests and verdicts that cases are made of."""

    def fields(self, path="/", method="GET", extra=()):
        return request_fields(HOST, path, method, extra=extra)

    def get(self, stream=1, path="/", end=True, extra=()):
        """Opens a request; with `end` false it stays open for DATA."""
        self.request(stream, self.fields(path, "GET" if end else "POST", extra), end)

    def headers(self, fields, stream=1, flags=END_HEADERS | END_STREAM, prefix=b"", suffix=b""):
        self.send(frame(HEADERS, flags, stream, prefix + block(fields) + suffix))

    def answered(self, stream=1, status=200, body=None):
        """The stream gets a complete response."""
        got, _, content = self.response(stream)
        assert got == status, f"stream {stream}: {got} instead of {status}"
        assert body is None or content == body, f"stream {stream}: body {content[:80]!r}"

    def alive(self):
        """The connection still works: a ping comes back."""
        self.send(frame(PING, payload=b"alive???"))
        while (got := self.wait_for(PING, GOAWAY)) is not None:
            assert got.kind == PING, f"GOAWAY {got.error()}"
            if got.flags & ACK and got.payload == b"alive???":
                return
        raise AssertionError("the server closed the connection")

    def connection_error(self, *errors):
        """GOAWAY with one of `errors`, then the end of the connection."""
        got = self.wait_for(GOAWAY)
        if got is None:
            return  # Closed at once: allowed where the peer may not read any more.
        assert got.error() in errors, f"GOAWAY {got.error()} instead of {' or '.join(errors)}"
        assert self.wait_for() is None, "not closed after GOAWAY"

    def stream_error(self, stream, *errors):
        """RST_STREAM for the stream with one of `errors`; or the connection's end by that error."""
        while (got := self.wait_for(RST_STREAM, GOAWAY, HEADERS, DATA)) is not None:
            if got.kind == GOAWAY or (got.kind == RST_STREAM and got.stream == stream):
                assert got.error() in errors, \
                    f"{got.name()} {got.error()} instead of {' or '.join(errors)}"
                return
            finished = got.stream == stream and got.flags & END_STREAM
            assert not finished, f"stream {stream} was answered instead"

    def stream_error_after_answer(self, stream, *errors):
        """As stream_error(), where the response may have been on its way before the offence."""
        while (got := self.wait_for(RST_STREAM, GOAWAY)) is not None:
            if got.kind == GOAWAY or got.stream == stream:
                assert got.error() in errors, \
                    f"{got.name()} {got.error()} instead of {' or '.join(errors)}"
                return

    def server_settings(self):
        while (got := self.read_frame()) is not None:
            if got.kind == SETTINGS and not got.flags & ACK:
                self.send(frame(SETTINGS, ACK))
                return dict(struct.unpack(">HI", got.payload[at:at + 6])
                            for at in range(0, len(got.payload), 6))
        raise AssertionError("closed before its settings")


def cases(module, table):
    """Makes one test per (section, promise, function of a Case) row; `module` is globals()."""

    class Rows(unittest.TestCase):
        pass

    for number, (section, promise, run) in enumerate(table):
        def test(self, run=run):
            with Case(module["server"].http) as case:
                case.established()
                run(case)
        test.__doc__ = f"{section}: {promise}"
        setattr(Rows, f"test_{number:03}", test)
    Rows.__name__ = Rows.__qualname__ = "Cases"
    Rows.__module__ = module["__name__"]  # Whose setUpModule counts.
    return Rows


def row(table, section, promise):
    """Decorator: adds the function to `table`."""
    def add(function):
        table.append((section, promise, function))
        return function
    return add


__all__ = ["HOST", "Case", "cases", "row", "start_server", "window_update"]
