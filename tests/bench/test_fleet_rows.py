"""The words and sums of the fleet's rows, on figures made up here."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import fleet_rows  # noqa: E402
from fleet_rows import FLEET_ROWS, Outcome, beside, percentile, said  # noqa: E402


class FleetRows(unittest.TestCase):
    def test_goal(self):
        """a row prints its goal, and whether it is met, missed or could not be judged"""
        row = FLEET_ROWS[0]
        for met, word in ((True, "met"), (False, "NOT MET"), (None, "not judged")):
            lines = said(row, Outcome(["a figure"], met))
            self.assertIn("a figure", lines[1])
            self.assertEqual(lines[-1].strip(), f"goal: {row.goal}: {word}")

    def test_percentile(self):
        """the 99th percentile of a hundred figures is the second largest at the least"""
        self.assertEqual(percentile(range(100), 0.99), 99)
        self.assertEqual(percentile([3, 1, 2], 0.5), 2)
        self.assertEqual(percentile([7], 0.99), 7)

    def test_missing_peer(self):
        """a peer that is not installed or does not start is an answer in words, not a failure"""
        def measure(_port):
            self.fail("measured what is not there")
        self.assertIn("not installed", beside(lambda *_: ["no-such-program"], measure))
        self.assertIn("ended with 1", beside(lambda *_: ["false"], measure))

    def test_sizes(self):
        """--full asks for the sizes that the goals speak of, unless another is named"""
        class Options:
            full, entries, megabytes, keys = True, None, 3, None
        fleet_rows.complete(Options)
        self.assertEqual((Options.entries, Options.megabytes, Options.keys),
                         (1_000_000, 3, 10_000_000))


if __name__ == "__main__":
    unittest.main()
