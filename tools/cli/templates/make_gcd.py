#!/usr/bin/env python3
"""make_gcd.py OUTPUT: writes the module of the template `wasm` (wasm/src/gcd.wat), by hand."""

import sys
from pathlib import Path

CODE = """
00 61 73 6d  01 00 00 00          # "\\0asm", version 1
01 07  01  60 02 7f 7f 01 7f      # one type: (i32, i32) -> i32
03 02  01 00                      # one function, of that type
07 07  01  03 67 63 64  00 00     # exported as "gcd"
0a 16  01 14 00                   # its code, 20 bytes, without locals:
20 01 45 04 7f  20 00             # if b == 0: a
05  20 01  20 00 20 01 70  10 00  # else: gcd(b, a % b)
0b 0b
"""

if __name__ == "__main__":
    lines = [line.split("#")[0] for line in CODE.splitlines()]
    Path(sys.argv[1]).write_bytes(bytes.fromhex("".join(lines)))
