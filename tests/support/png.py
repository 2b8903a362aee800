"""Just enough of PNG to look at a picture's pixels."""

import struct
import zlib


def pixels(data):
    """(width, height, rows of tuples) of an 8-bit RGB or RGBA picture."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    at, packed, header = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + size]
        if zlib.crc32(kind + chunk) != struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]:
            raise ValueError("a chunk's checksum is wrong")
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", chunk)
        elif kind == b"IDAT":
            packed += chunk
        at += 12 + size
    width, height, depth, color, _, _, interlace = header
    if depth != 8 or color not in (2, 6) or interlace:
        raise ValueError(f"depth {depth}, colour type {color}: only 8-bit RGB(A) is read here")
    size = 4 if color == 6 else 3
    raw, stride, rows = zlib.decompress(packed), width * size, []
    above = bytes(stride)
    for y in range(height):
        line = raw[y * (stride + 1):(y + 1) * (stride + 1)]
        above = _unfilter(line[0], bytearray(line[1:]), above, size)
        rows.append([tuple(above[x:x + size]) for x in range(0, stride, size)])
    return width, height, rows


def _unfilter(kind, line, above, size):
    for x in range(len(line)):
        left = line[x - size] if x >= size else 0
        corner = above[x - size] if x >= size else 0
        up = above[x]
        if kind == 4:
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda v: abs(guess - v))
        line[x] = (line[x] + (0, left, up, (left + up) // 2, paeth if kind == 4 else 0)[kind]) & 255
    return bytes(line)
