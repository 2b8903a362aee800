"""RFC 9113 section 8 (what makes a request malformed) and RFC 7541 (header compression)."""

from h2_case import HOST, cases, row, start_server
from support.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, block, frame

TABLE = []
# RFC 7541 C.6: "custom-key" and "custom-value" in Huffman code.
HUFFMAN_KEY = b"\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f"
HUFFMAN_VALUE = b"\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf"


def setUpModule():
    global server
    server = start_server()


def malformed(promise, change, section="8.1.1", method="GET", flags=END_HEADERS | END_STREAM):
    """A request whose fields `change` spoils is an error of its stream; the connection goes on."""
    @row(TABLE, section, promise)
    def run(c):
        fields = c.fields(method=method)
        c.headers(change(fields) or fields, flags=flags)
        c.stream_error(1, "PROTOCOL_ERROR")
        c.get(stream=3)
        c.answered(3)


@row(TABLE, "8.3.1", "a Host that contradicts :authority is refused")
def contradicting_host(c):
    c.headers([*c.fields(), ("host", "other.localhost")], flags=END_HEADERS | END_STREAM)
    c.answered(1, 400)


def without(name):
    return lambda fields: [f for f in fields if f[0] != name]


def plus(*more):
    return lambda fields: [*fields, *more]


def first(*more):
    return lambda fields: [*more, *fields]


malformed("an upper-case field name is refused", plus(("X-TEST", "ok")), "8.2")
malformed("an unknown pseudo-header field is refused", first((":test", "ok")), "8.3")
malformed("a response's pseudo-header field is refused", first((":status", "200")), "8.3")
malformed("a pseudo-header field after a regular one is refused",
          lambda f: [f[0], f[1], ("x-test", "ok"), f[2], f[3]], "8.3")
malformed("a connection field is refused", plus(("connection", "keep-alive")), "8.2.2")
malformed("keep-alive is refused", plus(("keep-alive", "timeout=5")), "8.2.2")
malformed("proxy-connection is refused", plus(("proxy-connection", "keep-alive")), "8.2.2")
malformed("transfer-encoding is refused", plus(("transfer-encoding", "chunked")), "8.2.2")
malformed("upgrade is refused", plus(("upgrade", "websocket")), "8.2.2")
malformed("a TE field other than trailers is refused", plus(("te", "trailers, deflate")), "8.2.2")
malformed("an empty :path is refused", lambda f: [*without(":path")(f)[:2], (":path", "")], "8.3.1")
malformed("a request without :method is refused", without(":method"), "8.3.1")
malformed("a request without :scheme is refused", without(":scheme"), "8.3.1")
malformed("a request without :path is refused", without(":path"), "8.3.1")
malformed("two :method are refused", first((":method", "GET")), "8.3.1")
malformed("two :scheme are refused", first((":scheme", "http")), "8.3.1")
malformed("two :path are refused", first((":path", "/")), "8.3.1")
malformed("two :authority are refused", first((":authority", HOST)), "8.3.1")
malformed("a path that is not absolute is refused",
          lambda f: [*without(":path")(f), (":path", "path")], "8.3.1")
malformed("a space in a field name is refused", plus(("x test", "ok")), "8.2.1")
malformed("a colon in a field name is refused", plus(("x:test", "ok")), "8.2.1")
malformed("an empty field name is refused", plus(("", "ok")), "8.2.1")
malformed("a line feed in a field value is refused", plus(("x-test", "a\nb: c")), "8.2.1")
malformed("a carriage return in a field value is refused", plus(("x-test", "a\rb")), "8.2.1")
malformed("a zero octet in a field value is refused", plus(("x-test", "a\0b")), "8.2.1")
malformed("a line feed in :path is refused",
          lambda f: [*without(":path")(f), (":path", "/\r\nx: y")], "8.3.1")
malformed("a space in :path is refused",
          lambda f: [*without(":path")(f), (":path", "/ HTTP/1.1")], "8.3.1")
malformed("a space in :method is refused",
          lambda f: [(":method", "GET /x"), *without(":method")(f)], "8.3.1")
malformed("userinfo in :authority is refused",
          lambda f: [*without(":authority")(f), (":authority", f"a@{HOST}")], "8.3.1")
malformed("a signed content-length is refused", plus(("content-length", "+1")), "8.1.1", "POST",
          END_HEADERS)
malformed("two content-lengths that differ are refused",
          plus(("content-length", "1"), ("content-length", "2")), "8.1.1", "POST", END_HEADERS)
malformed("a content-length without a body is refused", plus(("content-length", "1")), "8.1.1",
          "POST")


@row(TABLE, "8.1", "pseudo-header fields in trailers are refused")
def pseudo_trailer(c):
    c.get(end=False)
    c.send(frame(DATA, 0, 1, b"test"))
    c.headers([(":method", "POST")])
    c.stream_error(1, "PROTOCOL_ERROR")


@row(TABLE, "8.1.1", "a content-length below the DATA's length is refused")
def length_small(c):
    c.get(end=False, extra=[("content-length", "1")])
    c.send(frame(DATA, END_STREAM, 1, b"test"))
    c.stream_error(1, "PROTOCOL_ERROR")


@row(TABLE, "8.1.1", "a content-length other than the sum of DATA frames is refused")
def length_sum(c):
    c.get(end=False, extra=[("content-length", "5")])
    c.send(frame(DATA, 0, 1, b"te") + frame(DATA, END_STREAM, 1, b"st"))
    c.stream_error(1, "PROTOCOL_ERROR")


@row(TABLE, "8.1.1", "a content-length that trailers cut short is refused")
def length_trailers(c):
    c.get(end=False, extra=[("content-length", "5")])
    c.send(frame(DATA, 0, 1, b"test"))
    c.headers([("x-trailer", "1")])
    c.stream_error(1, "PROTOCOL_ERROR")


@row(TABLE, "8.2.2", "TE: trailers is taken")
def te_trailers(c):
    c.get(extra=[("te", "trailers")])
    c.answered()


@row(TABLE, "8.2.3", "cookie crumbs reach the script as one field")
def cookies(c):
    c.get(extra=[("cookie", "a=1"), ("cookie", "b=2")])
    c.answered()


@row(TABLE, "8.5", "CONNECT is refused in words or by reset, and never hangs")
def connect(c):
    c.headers([(":method", "CONNECT"), (":authority", f"{HOST}:443")])
    status = c.response(1)[0]
    assert status in (400, 405, 501, "PROTOCOL_ERROR", "REFUSED_STREAM"), status


@row(TABLE, "10.5.1", "header fields of a megabyte get 431 or a reset, and the connection goes on")
def huge_fields(c):
    fields = block(c.fields(extra=[(f"x-{n}", "x" * 10000) for n in range(30)]))
    c.send(frame(HEADERS, END_STREAM, 1, fields[:16384]))
    rest = fields[16384:]
    for at in range(0, len(rest), 16384):
        last = at + 16384 >= len(rest)
        c.send(frame(9, END_HEADERS if last else 0, 1, rest[at:at + 16384]))
    status = c.response(1)[0]
    resets = ("ENHANCE_YOUR_CALM", "PROTOCOL_ERROR", "REFUSED_STREAM", "CANCEL")
    assert status == 431 or status in resets, status


# ---- RFC 7541 ----

def pseudo():
    """:method GET, :scheme http, :path / from the static table, and the authority."""
    return b"\x82\x86\x84\x01" + bytes([len(HOST)]) + HOST.encode()


def compressed(promise, more, section, before=b""):
    @row(TABLE, f"RFC 7541 {section}", promise)
    def run(c):
        c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, before + pseudo() + more))
        c.answered()


def incompressible(promise, more, section, before=b""):
    @row(TABLE, f"RFC 7541 {section}", promise)
    def run(c):
        c.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, before + pseudo() + more))
        c.connection_error("COMPRESSION_ERROR")


KEY, VALUE = b"\x0acustom-key", b"\x0ccustom-value"
compressed("an indexed field is taken", b"", "6.1")
compressed("a literal with incremental indexing, then its index, is taken",
           b"\x40" + KEY + VALUE + b"\xbe", "6.2.1")
compressed("a literal with incremental indexing and an indexed name is taken",
           b"\x7a" + VALUE, "6.2.1")
compressed("a literal with incremental indexing in Huffman code is taken",
           b"\x40" + HUFFMAN_KEY + HUFFMAN_VALUE, "6.2.1")
compressed("a literal with an indexed name and a Huffman value is taken",
           b"\x7a" + HUFFMAN_VALUE, "6.2.1")
compressed("a literal without indexing is taken", b"\x00" + KEY + VALUE, "6.2.2")
compressed("a literal without indexing and with an indexed name is taken",
           b"\x0f\x2b" + VALUE, "6.2.2")
compressed("a literal without indexing in Huffman code is taken",
           b"\x00" + HUFFMAN_KEY + HUFFMAN_VALUE, "6.2.2")
compressed("a literal without indexing, indexed name, Huffman value is taken",
           b"\x0f\x2b" + HUFFMAN_VALUE, "6.2.2")
compressed("a literal never indexed is taken", b"\x10" + KEY + VALUE, "6.2.3")
compressed("a literal never indexed and with an indexed name is taken",
           b"\x1f\x2b" + VALUE, "6.2.3")
compressed("a literal never indexed in Huffman code is taken",
           b"\x10" + HUFFMAN_KEY + HUFFMAN_VALUE, "6.2.3")
compressed("a literal never indexed, indexed name, Huffman value is taken",
           b"\x1f\x2b" + HUFFMAN_VALUE, "6.2.3")
compressed("a dynamic table size update is taken", b"", "6.3", before=b"\x20")
compressed("two dynamic table size updates are taken", b"", "6.3", before=b"\x20\x3f\xe1\x1f")
incompressible("an index beyond both tables ends the connection", b"\xc6", "2.3.3")
incompressible("a literal whose name is beyond both tables ends the connection",
               b"\x7f\x46" + VALUE, "2.3.3")
incompressible("a size update at the end of a block ends the connection", b"\x3f\xe1\x1f", "4.2")
incompressible("Huffman padding longer than 7 bits ends the connection",
               b"\x40" + KEY + b"\x8a\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf\xff", "5.2")
incompressible("Huffman padding that is not ones ends the connection",
               b"\x40" + KEY + b"\x83\x25\xa8\x40", "5.2")
incompressible("the EOS symbol in Huffman code ends the connection",
               b"\x40" + KEY + b"\x85\xff\xff\xff\xff\xff", "5.2")
incompressible("index 0 ends the connection", b"\x80", "6.1")
incompressible("a table size above SETTINGS_HEADER_TABLE_SIZE ends the connection", b"", "6.3",
               before=b"\x3f\xe2\xff\x7f")
incompressible("an integer that overflows ends the connection",
               b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f", "5.1")
incompressible("a string longer than its block ends the connection", b"\x40\x7f\xff\x0fabc", "5.2")


Cases = cases(globals(), TABLE)
