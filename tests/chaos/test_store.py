"""The store under kill -9 and on a full disk: build/<type>/tests/chaos/store_chaos does it."""

import os
import subprocess
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build" / os.environ.get("ATOLL_BUILD", "release") / "tests/chaos/store_chaos"
LONG = bool(os.environ.get("ATOLL_TEST_LONG"))


class Store(unittest.TestCase):
    def run_program(self, *arguments):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
        print(done.stdout, done.stderr, flush=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_kill(self):
        """Twenty kills -9 in a storm of deploys and KV writes lose nothing that was acknowledged"""
        out = self.run_program("kill", "--rounds", "500" if LONG else "20")
        self.assertIn("all there", out)

    def test_disk_full(self):
        """A full disk refuses commits in clear words and loses nothing that was acknowledged"""
        self.run_program("disk-full")
