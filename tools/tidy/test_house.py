"""The house rules on this checkout: one test per rule."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tidy  # noqa: E402
from tree import Tree  # noqa: E402

TREE = Tree(Path(__file__).resolve().parents[2])


class House(unittest.TestCase):
    maxDiff = None


def _enforced(rule):
    def test(self):
        findings = sorted(set(rule(TREE)))
        if findings:
            self.fail("\n" + "\n".join(map(str, findings)))
    return test


def _reported(rule):
    def test(self):
        files = sorted({f.file for f in rule(TREE)})
        if files:
            self.skipTest(f"{len(files)} are not: {' '.join(files)[:300]}")
    return test


for _name, (_rule, _promise) in tidy.RULES.items():
    _test = _enforced(_rule)
    _test.__doc__ = _promise
    setattr(House, "test_" + _name.replace("-", "_"), _test)
for _name, (_rule, _promise) in tidy.REPORTED.items():
    _test = _reported(_rule)
    _test.__doc__ = _promise
    setattr(House, "test_" + _name, _test)
