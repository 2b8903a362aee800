"""tests/conformance/wpt/run [AREA...] [--file WORD] [--update] [-v]

Runs areas (all by default) of the Web Platform Tests in our isolates; prints each area's rate and
what is not as expected. -v prints every failing subtest with its message, --file runs only files
with WORD in their path, --update writes what fails now into expected/ (reasons stay)."""

import argparse
import sys

import expected
import suite


def main():
    parser = argparse.ArgumentParser(prog="tests/conformance/wpt/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("area", nargs="*", metavar="AREA", help=", ".join(suite.AREAS))
    parser.add_argument("--file", default="", metavar="WORD")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    unknown = [area for area in options.area if area not in suite.AREAS]
    if unknown:
        parser.error(f"no such area: {', '.join(unknown)}; there are {', '.join(suite.AREAS)}")
    if options.update and options.file:
        parser.error("--update wants the whole area")
    odd = sum([one(area, options) for area in options.area or suite.AREAS])
    return 1 if odd else 0


def one(area, options):
    """Runs and prints an area; how many results are not as expected."""
    tests = suite.tests_of(area, options.file)
    if not tests:
        return 0
    results = suite.run(tests)
    bad = [result for result in results if result.status != "PASS"]
    if options.verbose:
        for result in bad:
            show(result)
    if options.update:
        expected.update(area, results)
    names = {test.name for test in tests}
    lines = [line for line in expected.load(area) if not options.file or line.file in names]
    failures, passes, unused = expected.compare(lines, results)
    for result in failures if not options.verbose else []:
        show(result)
    for result in passes:
        print(f"UNEXPECTED PASS {result.file} | {expected.escaped(result.subtest)}")
    for line in unused:
        print(f"NO SUCH SUBTEST {line.file} | {line.subtest}")
    print(f"{area}: {rate(results)}; unexpected: {len(failures)} failures, {len(passes)} passes, "
          f"{len(unused)} lines for nothing", flush=True)
    return len(failures) + len(passes) + len(unused)


def rate(results):
    passed = sum(result.status == "PASS" for result in results)
    return f"{100 * passed / len(results):.1f} % ({passed} of {len(results)})"


def show(result):
    message = result.message.replace("\n", "\n      ")
    print(f"{result.status} {result.file} | {expected.escaped(result.subtest)}\n      {message}")


if __name__ == "__main__":
    sys.exit(main())
