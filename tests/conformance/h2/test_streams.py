"""RFC 9113 sections 3 to 5: the preface, frames, header blocks, stream states, errors."""

import unittest

from h2_case import Case, cases, row, start_server
from support.http2 import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS,
                           INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, PADDED, PING, PREFACE,
                           PRIORITY, RST_STREAM, SETTINGS, WITH_PRIORITY, block, frame, literal,
                           settings, window_update)

TABLE = []
LARGE = [("x-filler", "x" * 1000)] * 17
NO_ERROR = b"\0\0\0\0"
PRIORITY_OF_3 = b"\0\0\0\3\x0f"


def setUpModule():
    global server
    server = start_server()


class Preface(unittest.TestCase):
    def test_server_preface(self):
        """3.4: the server's first frame is SETTINGS"""
        with Case(server.http) as case:
            self.assertEqual(case.read_frame().kind, SETTINGS)

    def test_bad_preface(self):
        """3.4: a connection preface that goes wrong half way ends the connection"""
        with Case(server.http, handshake=False) as case:
            case.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX" + settings())
            case.connection_error("PROTOCOL_ERROR")

    def test_no_settings(self):
        """3.4: a preface that SETTINGS does not follow ends the connection"""
        with Case(server.http, handshake=False) as case:
            case.send(PREFACE + frame(PING, payload=bytes(8)))
            case.connection_error("PROTOCOL_ERROR")

    def test_slow_preface(self):
        """3.4: a preface that comes a byte at a time is a preface all the same"""
        with Case(server.http, handshake=False) as case:
            for byte in PREFACE + settings():
                case.send(bytes([byte]))
            case.established()
            case.get()
            case.answered()


@row(TABLE, "4.1", "a frame of unknown type is ignored")
def unknown_type(c):
    c.send(frame(0x16, payload=bytes(8)))
    c.alive()


@row(TABLE, "4.1", "undefined flags are ignored")
def undefined_flags(c):
    c.send(frame(PING, 0x16, payload=b"flagged!"))
    assert c.wait_for(PING).payload == b"flagged!"


@row(TABLE, "4.1", "the reserved bit of a stream identifier is ignored")
def reserved_bit(c):
    c.send(frame(PING, 0, 0x80000000, b"reserved"))
    assert c.wait_for(PING).payload == b"reserved"


@row(TABLE, "4.2", "a DATA frame of 2^14 octets is taken")
def largest_data(c):
    c.get(end=False)
    c.send(frame(DATA, END_STREAM, 1, b"x" * 16384))
    c.answered(body=b"x" * 16384)


@row(TABLE, "4.2", "a DATA frame larger than SETTINGS_MAX_FRAME_SIZE is an error of the stream")
def too_large_data(c):
    c.get(end=False)
    c.send(frame(DATA, END_STREAM, 1, b"x" * 16385))
    c.stream_error(1, "FRAME_SIZE_ERROR")


@row(TABLE, "4.2", "a HEADERS frame larger than SETTINGS_MAX_FRAME_SIZE ends the connection")
def too_large_headers(c):
    c.headers(c.fields(extra=LARGE))
    c.connection_error("FRAME_SIZE_ERROR")


@row(TABLE, "4.3", "a header block that does not decode ends the connection")
def broken_block(c):
    c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40\x04abc"))
    c.connection_error("COMPRESSION_ERROR")


@row(TABLE, "4.3", "PRIORITY inside a header block ends the connection")
def priority_inside_block(c):
    c.headers(c.fields(), flags=END_STREAM)
    c.send(frame(PRIORITY, 0, 1, b"\0\0\0\0\xff"))
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "4.3", "HEADERS of another stream inside a header block ends the connection")
def headers_inside_block(c):
    c.headers(c.fields(), flags=END_STREAM)
    c.headers(c.fields(), stream=3)
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "5.1", "idle: DATA ends the connection")
def idle_data(c):
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    c.connection_error("PROTOCOL_ERROR", "STREAM_CLOSED")


@row(TABLE, "5.1", "idle: RST_STREAM ends the connection")
def idle_reset(c):
    c.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "5.1", "idle: WINDOW_UPDATE ends the connection")
def idle_window(c):
    c.send(window_update(1, 100))
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "5.1", "idle: CONTINUATION ends the connection")
def idle_continuation(c):
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(c.fields())))
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "5.1", "half closed (remote): DATA is STREAM_CLOSED")
def half_closed_data(c):
    c.get()
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    c.stream_error_after_answer(1, "STREAM_CLOSED")


@row(TABLE, "5.1", "half closed (remote): HEADERS is STREAM_CLOSED")
def half_closed_headers(c):
    c.get()
    c.get()
    c.stream_error_after_answer(1, "STREAM_CLOSED")


@row(TABLE, "5.1", "half closed (remote): CONTINUATION is an error")
def half_closed_continuation(c):
    c.get()
    c.send(frame(CONTINUATION, END_HEADERS, 1, block([("x", "y")])))
    c.stream_error_after_answer(1, "STREAM_CLOSED", "PROTOCOL_ERROR")


@row(TABLE, "5.1", "closed by RST_STREAM: DATA is STREAM_CLOSED")
def reset_data(c):
    c.get(end=False)
    c.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    c.stream_error(1, "STREAM_CLOSED")


@row(TABLE, "5.1", "closed by RST_STREAM: HEADERS is STREAM_CLOSED")
def reset_headers(c):
    c.get(end=False)
    c.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    c.get()
    c.stream_error(1, "STREAM_CLOSED")


@row(TABLE, "5.1", "closed by RST_STREAM: CONTINUATION is an error")
def reset_continuation(c):
    c.get(end=False)
    c.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    c.send(frame(CONTINUATION, END_HEADERS, 1, block([("x", "y")])))
    c.stream_error(1, "STREAM_CLOSED", "PROTOCOL_ERROR")


@row(TABLE, "5.1", "closed: DATA is STREAM_CLOSED")
def closed_data(c):
    c.get()
    c.answered()
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    c.stream_error(1, "STREAM_CLOSED")


@row(TABLE, "5.1", "closed: HEADERS ends the connection with STREAM_CLOSED")
def closed_headers(c):
    c.get()
    c.answered()
    c.get()
    c.connection_error("STREAM_CLOSED")


@row(TABLE, "5.1", "closed: CONTINUATION ends the connection")
def closed_continuation(c):
    c.get()
    c.answered()
    c.send(frame(CONTINUATION, END_HEADERS, 1, block([("x", "y")])))
    c.connection_error("STREAM_CLOSED", "PROTOCOL_ERROR")


@row(TABLE, "5.1", "half closed (remote): WINDOW_UPDATE, PRIORITY and RST_STREAM are taken")
def half_closed_taken(c):
    c.get()
    c.send(window_update(1, 100) + frame(PRIORITY, 0, 1, PRIORITY_OF_3))
    c.answered()
    c.get(stream=3, path="/large")
    c.send(frame(RST_STREAM, 0, 3, b"\0\0\0\x08"))
    c.alive()


@row(TABLE, "5.1", "closed: PRIORITY is taken")
def closed_priority(c):
    c.get()
    c.answered()
    c.send(frame(PRIORITY, 0, 1, PRIORITY_OF_3))
    c.alive()


@row(TABLE, "5.1", "closed: WINDOW_UPDATE and RST_STREAM that crossed the end are taken")
def closed_crossing(c):
    c.get()
    c.answered()
    c.send(window_update(1, 100) + frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    c.alive()


@row(TABLE, "5.1.1", "an even stream identifier from a client ends the connection")
def even_stream(c):
    c.get(stream=2)
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "5.1.1", "a stream identifier below an earlier one ends the connection")
def smaller_stream(c):
    c.get(stream=5)
    c.answered(5)
    c.get(stream=3)
    c.connection_error("PROTOCOL_ERROR", "STREAM_CLOSED")


@row(TABLE, "5.3.1", "HEADERS that make a stream depend on itself are no reason to hang")
def headers_depend_on_self(c):
    # RFC 7540 made it a stream error, RFC 9113 deprecated the whole scheme: both are answers.
    c.headers(c.fields(), flags=END_HEADERS | END_STREAM | WITH_PRIORITY, prefix=b"\0\0\0\1\xff")
    got = c.wait_for(HEADERS, RST_STREAM, GOAWAY)
    assert got is None or got.kind == HEADERS or got.error() == "PROTOCOL_ERROR"


@row(TABLE, "5.3.1", "PRIORITY that makes a stream depend on itself does no harm")
def priority_depends_on_self(c):
    c.send(frame(PRIORITY, 0, 1, b"\0\0\0\1\xff") + frame(PING, payload=bytes(8)))
    got = c.wait_for(PING, RST_STREAM, GOAWAY)
    assert got is None or got.kind == PING or got.error() == "PROTOCOL_ERROR"


@row(TABLE, "5.3", "PRIORITY of any weight, dependency and exclusiveness is taken")
def priorities(c):
    for stream, payload in ((1, b"\0\0\0\0\0"), (1, b"\0\0\0\0\xff"), (3, b"\0\0\0\1\x10"),
                            (5, b"\x80\0\0\1\x10"), (9, b"\0\0\0\0\x10")):
        c.send(frame(PRIORITY, 0, stream, payload))
    c.get(stream=7)
    c.answered(7)


@row(TABLE, "5.4.1", "after a connection error comes GOAWAY and then the end")
def goaway_and_close(c):
    c.send(frame(PING, payload=bytes(6)))
    got = c.wait_for(GOAWAY)
    assert got is not None and got.error() == "FRAME_SIZE_ERROR"
    assert c.wait_for() is None


@row(TABLE, "5.5", "an unknown frame on a stream is ignored")
def extension_frame(c):
    c.send(frame(0xFF, 0xFF, 0, b"unknown") + frame(0xF0, 0, 1, b"unknown"))
    c.get()
    c.answered()


@row(TABLE, "5.5", "an unknown frame inside a header block ends the connection")
def extension_inside_block(c):
    c.headers(c.fields(), flags=END_STREAM)
    c.send(frame(0xFF, 0, 1, b"unknown"))
    c.connection_error("PROTOCOL_ERROR")


@row(TABLE, "8.1", "a second HEADERS frame without END_STREAM is an error of the stream")
def second_headers(c):
    c.get(end=False)
    c.headers([("x-trailer", "1")], flags=END_HEADERS)
    c.stream_error(1, "PROTOCOL_ERROR")


@row(TABLE, "generic", "GET, HEAD and POST are answered, with and without a body and trailers")
def exchanges(c):
    c.get()
    c.answered(body=b"hello over HTTP/2")
    c.headers(c.fields(method="HEAD"), stream=3)
    c.answered(3, body=b"")
    c.get(stream=5, end=False)
    c.send(frame(DATA, 0, 5, b"te") + frame(DATA, END_STREAM, 5, b"st"))
    c.answered(5, body=b"test")
    c.get(stream=7, end=False)
    c.send(frame(DATA, 0, 7, b"test"))
    c.headers([("x-trailer", "1")], stream=7)
    c.answered(7, body=b"test")


@row(TABLE, "generic", "padded DATA and HEADERS, priority and CONTINUATION are taken")
def decorated(c):
    c.headers(c.fields(method="POST"), flags=END_HEADERS | PADDED | WITH_PRIORITY,
              prefix=b"\x08\0\0\0\0\x10", suffix=bytes(8))
    c.send(frame(DATA, END_STREAM | PADDED, 1, b"\x06test" + bytes(6)))
    c.answered(body=b"test")
    c.headers(c.fields(), stream=3, flags=END_STREAM)
    c.send(frame(CONTINUATION, 0, 3, literal("x-a", "1")))
    c.send(frame(CONTINUATION, END_HEADERS, 3, literal("x-b", "2")))
    c.answered(3)


@row(TABLE, "generic", "many streams at once are all answered")
def many_streams(c):
    streams = range(1, 129, 2)
    c.send(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, s, block(c.fields()))
                    for s in streams))
    waiting = set(streams)
    while waiting:
        got = c.wait_for(DATA, HEADERS, RST_STREAM, GOAWAY)
        assert got is not None and got.kind in (DATA, HEADERS), f"{got}"
        if got.flags & END_STREAM:
            waiting.discard(got.stream)


@row(TABLE, "generic", "a client's GOAWAY ends no stream that is open")
def client_goaway(c):
    c.send(settings((INITIAL_WINDOW_SIZE, 0)))
    c.get()
    c.send(frame(GOAWAY, payload=NO_ERROR + NO_ERROR))
    c.send(window_update(1, 1000))
    c.answered(body=b"hello over HTTP/2")


class Concurrency(unittest.TestCase):
    def test_too_many_streams(self):
        """5.1.2: a stream above SETTINGS_MAX_CONCURRENT_STREAMS is refused"""
        with Case(server.http) as case:
            most = case.server_settings().get(MAX_CONCURRENT_STREAMS)
            self.assertIsNotNone(most, "the server announces no maximum")
            case.send(settings((INITIAL_WINDOW_SIZE, 0)))  # So that no stream can end.
            last = most * 2 + 1
            case.send(b"".join(
                frame(HEADERS, END_HEADERS, stream, block(case.fields(method="POST")))
                for stream in range(1, last + 1, 2)))
            case.stream_error(last, "REFUSED_STREAM", "PROTOCOL_ERROR")


Cases = cases(globals(), TABLE)
