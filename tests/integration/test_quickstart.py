"""tools/quickstart, as a newcomer runs it."""

import subprocess
import unittest

from support.server import TOP, build_directory


class Quickstart(unittest.TestCase):
    def run_it(self, *words):
        return subprocess.run([str(TOP / "tools/quickstart"), *words], capture_output=True,
                              text=True, timeout=300, stdin=subprocess.DEVNULL)

    def test_check(self):
        """quickstart --check deploys the sample, asks it over every transport, and exits 0"""
        if build_directory().name != "release":
            self.skipTest("it builds and runs the release server, whatever is under test")
        made = self.run_it("--check")
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        self.assertNotIn("FAILED", made.stdout)

    def test_usage(self):
        """an option it does not know is exit 2"""
        self.assertEqual(self.run_it("--chekc").returncode, 2)
