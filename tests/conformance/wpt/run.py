"""tests/conformance/wpt/run [AREA...] [--file WORD] [--update] [-v]

Runs areas (all by default) of the Web Platform Tests in our isolates; prints each area's rate and
what is not as expected. -v prints every failing subtest with its message, --file runs only files
with WORD in their path, --update writes what fails now into expected/ (reasons stay), --table puts
the rates of all areas into the table of isolates/README.md.

With --suite DIR, a checkout of the whole suite, the areas in which tests speak to the suite's
server are run by a node of ours with scripts that do (live.py): fetch-api, xhr, websockets,
eventsource. Nothing is expected of them here; -v shows what fails."""

import argparse
import re
import sys
from pathlib import Path

import expected
import source
import suite

# What the others pass of the same files, in percent, measured by hand: workerd, Deno, Node 26, Bun.
# None where the area was not measured.
PEERS = {
    "url": (96.6, 94.6, 100, 98.7),
    "urlpattern": (100, 97.8, 100, 99.5),
    "encoding": "99.7 to 100",
    "streams": (74.1, 99.6, 99.9, 99.9),
    "compression": (69.3, 98.4, 100, 98.7),
    "WebCryptoAPI": (97.5, 94.7, 100, 98.6),
    "FileAPI": (74.4, 97.9, 84.4, 73.9),
    "dom": (80.5, 92.7, 97.6, 95.1),
    "html": (98.1, 100, 100, 100),
    "performance-timeline": (33, 69, 85, 82),
    "user-timing": (75, 99, 100, 95),
    "console": (57, 100, 100, 100),
    "webidl": (42, 100, 100, 97),
}


def main():
    parser = argparse.ArgumentParser(prog="tests/conformance/wpt/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("area", nargs="*", metavar="AREA", help=", ".join(suite.AREAS))
    parser.add_argument("--file", default="", metavar="WORD")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--suite", type=Path, metavar="DIR")
    options = parser.parse_args()
    if options.suite:
        return live_areas(parser, options)
    unknown = [area for area in options.area if area not in suite.AREAS]
    if unknown:
        parser.error(f"no such area: {', '.join(unknown)}; there are {', '.join(suite.AREAS)}")
    if options.update and options.file:
        parser.error("--update wants the whole area")
    if options.table:
        return table()
    odd = sum([one(area, options) for area in options.area or suite.AREAS])
    return 1 if odd else 0


def live_areas(parser, options):
    import live
    if not (options.suite / "resources/testharness.js").is_file():
        parser.error(f"{options.suite} is no checkout of the suite")
    unknown = [area for area in options.area if area not in live.AREAS]
    if unknown or options.update or options.table:
        parser.error(f"--suite goes with {', '.join(live.AREAS)}, and with no expectations")
    source.root = options.suite.resolve
    for area in options.area or live.AREAS:
        results = live.run(source.root(), live.tests_of(area, options.file))
        for result in results:
            if options.verbose and result.status != "PASS":
                show(result)
        print(f"{area}: {rate(results)}", flush=True)
    return 0


def one(area, options):
    """Runs and prints an area; how many results are not as expected."""
    tests = suite.tests_of(area, options.file)
    if not tests:
        return 0
    results = suite.run(tests, expected.endless())
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
    counted = expected.counted(area, results)
    print(f"{area}: {rate(counted)}, {len(results) - len(counted)} apart; unexpected: "
          f"{len(failures)} failures, {len(passes)} passes, {len(unused)} lines for nothing",
          flush=True)
    return len(failures) + len(passes) + len(unused)


def rate(results):
    passed = sum(result.status == "PASS" for result in results)
    return f"{100 * passed / len(results):.1f} % ({passed} of {len(results)})"


def table():
    """Rewrites the table in isolates/README.md, between its heading and the next."""
    lines = ["| area | subtests | apart | Atoll | workerd | Deno | Node 26 | Bun |",
             "|---|---|---|---|---|---|---|---|"]
    for area in suite.AREAS:
        ran = suite.run(suite.tests_of(area), expected.endless())
        results = expected.counted(area, ran)
        if not results:
            continue
        passed = sum(result.status == "PASS" for result in results)
        peers = PEERS.get(area, ("",) * 4)
        peers = (peers,) * 4 if isinstance(peers, str) else peers
        row = [area, len(results), len(ran) - len(results), f"{100 * passed / len(results):.1f}",
               *peers]
        lines.append(f"| {' | '.join(map(str, row))} |")
        print(lines[-1], flush=True)
    path = suite.TOP / "isolates/README.md"
    text = path.read_text()
    head, _, tail = text.partition("## Web Platform Tests\n")
    intro, _, rest = tail.partition("\n|")
    after = re.sub(r"\A(?:.*\n)+?(?=\n|\Z)", "", "|" + rest)
    path.write_text(f"{head}## Web Platform Tests\n{intro}\n" + "\n".join(lines) + "\n" + after)
    return 0


def show(result):
    message = result.message.replace("\n", "\n      ")
    print(f"{result.status} {result.file} | {expected.escaped(result.subtest)}\n      {message}")


if __name__ == "__main__":
    sys.exit(main())
