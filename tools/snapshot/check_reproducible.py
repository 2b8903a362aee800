#!/usr/bin/env python3
"""check_reproducible.py MAKE_SNAPSHOT BLOB: making the snapshot again must give the same bytes."""

import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    maker, blob = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder, "snapshot.bin")
        subprocess.run([maker, again, Path(folder, "snapshot.cc")], check=True)
        if again.read_bytes() != blob.read_bytes():
            sys.exit("the snapshot differs from the one the build made: something in isolates/web "
                     "depends on time, chance or addresses")


if __name__ == "__main__":
    main()
