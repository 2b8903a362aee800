"""Runs one test file and writes one JSON line per test; what suite.py starts for each file.

Tests are unittest's. A test's name in reports is the first line of its docstring: the promise.
Run by hand, without a results file:  tools/env python3 -m support.runner FILE  (PYTHONPATH=tests)
"""

import importlib.util
import json
import sys
import unittest
from pathlib import Path


def promise(test):
    return test.shortDescription() or test.id().split(".")[-1].removeprefix("test_")


class Recorder(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out
        self.bad = set()

    def record(self, test, outcome, detail=""):
        line = {"name": promise(test), "outcome": outcome, "detail": detail}
        if self.out:
            self.out.write(json.dumps(line) + "\n")
            self.out.flush()
        print(f"{outcome:8} {line['name']}", flush=True)
        if detail and outcome == "failed":
            print(detail, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.record(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.record(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.record(test, "failed", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self.record(test, "failed", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.record(subtest, "failed", self._exc_info_to_string(err, test))


def main():
    path = Path(sys.argv[1]).resolve()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    out = open(sys.argv[2], "w") if len(sys.argv) > 2 and sys.argv[2].endswith(".jsonl") else None
    loader = unittest.TestLoader()
    words = [a for a in sys.argv[2:] if not a.endswith(".jsonl")]
    if words:
        loader.testNamePatterns = [f"*{word}*" for word in words]
    result = Recorder(out)
    loader.loadTestsFromModule(module).run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
