"""The Web Platform Tests, area by area, against what is expected of us."""

import os
import unittest

import expected
import suite

SHOWN_MAX = 20
# With sanitizers only crashes count: everything takes too long for tests of time, and for an area
# that computes keys all the while.
SANITIZED = os.environ.get("ATOLL_BUILD") in ("asan", "tsan")
TOO_SLOW = {"WebCryptoAPI"} if SANITIZED else set()


INDEXES = suite.Test("/atoll/legacy_indexes.js", "", [
    *(f"/encoding/legacy-mb-{path}_index.js" for path in (
        "korean/euc-kr/euckr", "tchinese/big5/big5", "japanese/euc-jp/jis0208",
        "japanese/euc-jp/jis0212")),
    "/atoll/legacy_indexes.js"])


class WebPlatformTests(unittest.TestCase):
    def test_indexes(self):
        """Every pointer of the multi-byte encodings decodes to the standard's code point"""
        results = suite.run([INDEXES], expected.endless())
        self.assertEqual([r for r in results if r.status != "PASS"], [])
        self.assertEqual(len(results), 6)

    def check(self, area):
        results = suite.run(suite.tests_of(area), expected.endless())
        if SANITIZED:
            crashes = [f"{r.file}: {r.message}" for r in results if r.status == "CRASH"]
            self.assertEqual(crashes, [])
            return
        lines = expected.load(area)
        failures, passes, unused = expected.compare(lines, results)
        if failures:
            # A machine that is busy with something else: once more, what depends on time.
            files = {result.file for result in failures}
            again = [test for test in suite.tests_of(area) if test.name in files]
            results = [result for result in results if result.file not in files]
            results += suite.run(again, expected.endless())
            failures, passes, unused = expected.compare(lines, results)
        odd = [f"unexpected failure: {r.file} | {expected.escaped(r.subtest)}: {r.message[:300]}"
               for r in failures]
        odd += [f"unexpected pass: {r.file} | {expected.escaped(r.subtest)}" for r in passes]
        odd += [f"no such subtest: {line.file} | {line.subtest}" for line in unused]
        if odd:
            self.fail("\n".join(odd[:SHOWN_MAX]) +
                      f"\n{len(odd)} in all; tests/conformance/wpt/run {area} -v shows more")


def add(area):
    def test(self):
        self.check(area)
    test.__doc__ = f"Web Platform Tests: {area} passes but for the listed subtests"
    setattr(WebPlatformTests, f"test_{area.replace('-', '_')}", test)


for name in suite.AREAS:
    if name not in TOO_SLOW and suite.tests_of(name):
        add(name)
