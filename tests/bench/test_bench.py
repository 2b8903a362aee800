"""The bench's own words and sums, on figures made up here."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import askers  # noqa: E402
import bench  # noqa: E402
import load  # noqa: E402
import study_density  # noqa: E402
import study_noisy  # noqa: E402
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

    def test_spread(self):
        """a latency's percentiles are those of the sorted values, in milliseconds"""
        found = askers.spread([n / 1000 for n in range(1000, 0, -1)])
        self.assertEqual(found, {"p50": 501.0, "p99": 991.0, "p99.9": 1000.0, "max": 1000.0})
        self.assertIsNone(askers.spread([]))

    def test_noisy(self):
        """the neighbours' row says which goal is missed, who died and where a peer is better"""
        def entry(p99, **more):
            return {"ms": {"p50": 1, "p99": p99, "p99.9": p99}, "failures": 0, **more}
        harms = study_noisy.HARMS
        lines = study_noisy.Noisy()._lines({
            "atoll": {h: entry(6 if h == "wasm" else 4) for h in harms},
            "workerd": {h: entry(100, died=True) if h == "allocate" else entry(1) for h in harms}})
        said = "\n".join(lines)
        self.assertIn("spin: p99 4 ms, goal 5 ms met; 4.00x workerd (LOSES)", said)
        self.assertIn("wasm: p99 6 ms, goal 5 ms MISSED", said)
        self.assertIn("allocate: p99 4 ms, goal 5 ms met; workerd died", said)

    def test_density(self):
        """density says whether the goal is met and whether a peer is denser"""
        lines = study_density.Density()._lines({"atoll": {"mb": 2.0}, "workerd": {"mb": 1.0}})
        self.assertIn("2.00 MB each, goal 1.0 MB MISSED", lines)
        self.assertIn("2.00x workerd (LOSES)", lines)


if __name__ == "__main__":
    unittest.main()
