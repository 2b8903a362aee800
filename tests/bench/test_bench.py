"""The bench's own words and sums, on figures made up here."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench  # noqa: E402
import load  # noqa: E402
from rows import ROWS  # noqa: E402

H1 = next(row for row in ROWS if row.protocol == "h1")
H2 = next(row for row in ROWS if row.protocol == "h2")


def samples(*micros):
    return {"samples": [{"micros": value} for value in micros]}


class Bench(unittest.TestCase):
    def test_verdict(self):
        """a row where a peer is cheaper says so, and says when the difference is noise"""
        said = bench.verdict({"atoll": samples(20, 22, 24), "deno": samples(10, 11, 12),
                              "bun": samples(21), "node": samples(44), "x": {"absent": "no h2"}})
        self.assertIn("2.00x deno", said)
        self.assertIn("LOSES to deno, bun (within the noise)", said)
        self.assertIn("0.50x node", said)

    def test_no_figure(self):
        """a row without a figure of ours gives the reason instead of a ratio"""
        said = bench.verdict({"atoll": {"absent": "answered 500"}, "deno": samples(10)})
        self.assertEqual(said, "no figure for atoll: answered 500")

    def test_wrk(self):
        """requests are counted from wrk's report, and any error refuses the figure"""
        fine = "  1234 requests in 2.00s, 3MB read\n"
        self.assertEqual(load._requests(H1, fine), 1234)
        for bad in (fine + "  Non-2xx or 3xx responses: 1\n",
                    fine + "  Socket errors: connect 0, read 1, write 0, timeout 0\n",
                    "unable to connect\n"):
            with self.assertRaises(load.LoadError):
                load._requests(H1, bad)

    def test_h2load(self):
        """requests are counted from h2load's report, and failures refuse the figure"""
        line = "requests: {0} total, {0} started, {0} done, {1} succeeded, {2} failed, 0 errored\n"
        self.assertEqual(load._requests(H2, line.format(900, 900, 0)), 900)
        with self.assertRaises(load.LoadError):
            load._requests(H2, line.format(900, 800, 100))


if __name__ == "__main__":
    unittest.main()
