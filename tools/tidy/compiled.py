"""Rules that need a tool: each header compiles alone; files are as clang-format leaves them."""

import concurrent.futures
import os
import subprocess
import tempfile
from pathlib import Path

from tree import Finding

# As meson.build passes them, less the warnings: only "does it stand alone" is asked here.
FLAGS = ["-std=c++23", "-fno-rtti", "-O0", "-g0", "-w",
         "-isystem", "/usr/include/nodejs/deps/v8/include"]


def headers_alone(tree, jobs=os.cpu_count()):
    """Each header as the only line of a file; through ccache, so that only changes cost."""
    headers = tree.matching((".h",), ("src/",))
    env = {**os.environ, "CCACHE_BASEDIR": str(tree.root), "CCACHE_NOHASHDIR": "1"}

    def compiles(header):
        with tempfile.TemporaryDirectory() as scratch:
            alone = Path(scratch, "alone.cc")
            alone.write_text(f'#include "{header.removeprefix("src/")}"\n')
            # The include is read from standard names, so that the same header hits the cache.
            made = subprocess.run(
                ["ccache", "g++", *FLAGS, "-I", "src", "-c", "-x", "c++", str(alone),
                 "-o", str(Path(scratch, "alone.o"))],
                cwd=tree.root, env=env, capture_output=True, text=True)
        return header, made.returncode, made.stderr

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for header, code, errors in pool.map(compiles, headers):
            if code != 0:
                first = next((l for l in errors.splitlines() if "error" in l), errors[:200])
                yield Finding(header, 1, "self-contained", first.strip())


def formatting(tree):
    """Files that clang-format would change. Reported, not enforced."""
    files = tree.matching((".h", ".cc"))
    for start in range(0, len(files), 40):
        made = subprocess.run(["clang-format", "--dry-run", "-Werror", *files[start:start + 40]],
                              cwd=tree.root, capture_output=True, text=True)
        seen = set()
        for line in made.stderr.splitlines():
            parts = line.split(":")
            if "error:" in line and len(parts) > 2 and parts[0] not in seen:
                seen.add(parts[0])
                yield Finding(parts[0], int(parts[1]), "format", "clang-format would change it")
