"""Builds and runs every test; what tools/test starts. See there for the options.

A *stage* is a build followed by the groups of tests that use it. Each group reports its tests as
(name, outcome, detail); one line is printed for each failure, skip and group as it comes.
"""

import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LOGS = TOP / "build" / "test-logs"
JOBS = os.cpu_count() or 2

# A test file that takes longer is stuck; its server is killed with it.
FILE_TIMEOUT_SECONDS = 420
LONG_FILE_TIMEOUT_SECONDS = 4500
FUZZ_SECONDS = 10
LONG_FUZZ_SECONDS = 300

SANITIZER_ENV = {
    # V8 keeps its own stacks, which the fake stack of use-after-return detection breaks.
    "ASAN_OPTIONS": "detect_stack_use_after_return=0:abort_on_error=1:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={TOP}/tests/support/lsan.supp:print_suppressions=0",
}


class Tally:
    """Counts outcomes and keeps what the closing summary repeats."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, name, outcome, detail=""):
        if outcome == "passed":
            self.passed += 1
        elif outcome == "skipped":
            self.skipped += 1
            say(f"  skipped  {name}: {detail}")
        else:
            self.failed += 1
            self.failures.append(name)
            say(f"  FAILED   {name}")
            for line in detail.rstrip().splitlines()[-40:]:
                say("           " + line)


def say(text):
    print(text, flush=True)


def headline(text):
    say(f"== {text}")


def run(command, log, env=None, timeout=None):
    """Runs `command` in a group of its own, its output to `log`; returns (exit code, seconds)."""
    start = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        process = subprocess.Popen(command, cwd=TOP, stdout=out, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                                   start_new_session=True)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            out.write(f"\nkilled after {timeout} s\n".encode())
            code = -1
        finally:
            try:  # Whatever the test left behind goes with its group.
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    return code, time.monotonic() - start


def tail(log, lines=40):
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def errors_first(log):
    """What a person needs of a failed build: the errors, else how it ended."""
    errors = [line[:300] for line in log.read_text(errors="replace").splitlines()
              if re.search(r"\berror:|^ERROR|undefined reference|undefined symbol", line)]
    return "\n".join(errors[:20]) or tail(log)


def build(kind, tally, targets=()):
    """Builds one type; counted as a test of its own, for nothing else can run without it."""
    log = LOGS / f"build-{kind}.log"
    code, seconds = run(["tools/build", kind, *targets], log)
    say(f"  built {kind} in {seconds:.0f} s")
    tally.add(f"{kind} builds without a warning", "passed" if code == 0 else "failed",
              errors_first(log) if code else "")
    return code == 0


UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
DOCTEST = re.compile(r"test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped")


def case_counts(output):
    """(passed, failed, skipped) cases, if the program ends in a summary of them; else None."""
    if doctest := DOCTEST.search(output):
        return tuple(map(int, doctest.groups()))
    if ran := UNITTEST.search(output):
        bad = sum(map(int, re.findall(r"(?:failures|errors)=(\d+)", output)))
        left_out = sum(map(int, re.findall(r"skipped=(\d+)", output)))
        return int(ran[1]) - bad - left_out, bad, left_out
    return None


def unit(kind, tally, only):
    """Every executable that meson knows as a unit test; each doctest case counts."""
    directory = TOP / "build" / kind
    report = directory / "meson-logs" / "testlog.json"
    report.unlink(missing_ok=True)
    log = LOGS / f"unit-{kind}.log"
    env = SANITIZER_ENV if kind in ("asan", "tsan") else {}
    scale = "4" if kind in ("asan", "tsan") else "2"
    names = []
    if only:
        listed = subprocess.run(["meson", "test", "-C", directory, "--list", "--no-rebuild"],
                                cwd=TOP, capture_output=True, text=True).stdout
        names = [re.split("[:/ ]+", line)[-1] for line in listed.splitlines()]
        names = [name for name in names if only in name]
        if not names:
            return
    code, seconds = run(["meson", "test", "-C", str(directory), "--no-rebuild", "--num-processes",
                         str(JOBS), "--timeout-multiplier", scale, "--suite", "unit", *names],
                        log, env)
    if not report.exists():
        tally.add(f"unit tests run ({kind})", "failed", tail(log))
        return
    for line in report.read_text().splitlines():
        entry = json.loads(line)
        name = f"unit {re.split('[:/ ]+', entry['name'])[-1]} ({kind})"
        output = entry.get("stdout", "") + entry.get("stderr", "")
        ok = entry["result"] == "OK"
        good, bad, left_out = case_counts(output) or (int(ok), 0, 0)
        if not ok:
            tally.add(name, "failed", f"{entry['result']}\n{output}")
            tally.passed += good
            tally.failed += max(0, bad - 1)
        else:
            tally.passed += good
            say(f"  ok       {name}: {good} cases, {entry['duration']:.1f} s")
        tally.skipped += left_out


def python_files(folders, only):
    found = []
    for folder in folders:
        found += sorted((TOP / folder).rglob("test_*.py"))
    return [f for f in found if not only or only in str(f.relative_to(TOP))]


def python(kind, tally, options, folders):
    """Every test_*.py below `folders`, some at a time, each in a process of its own."""
    files = python_files(folders, options.only)
    env = {"ATOLL_BUILD": kind, "PYTHONPATH": str(TOP / "tests"), "PYTHONDONTWRITEBYTECODE": "1",
           "ATOLL_TEST_LONG": "1" if options.long else ""}
    if kind in ("asan", "tsan"):
        env.update(SANITIZER_ENV)

    def one(file):
        name = str(file.relative_to(TOP).with_suffix(""))
        log = LOGS / kind / (name.replace("/", "-") + ".log")
        results = log.with_suffix(".jsonl")
        results.parent.mkdir(parents=True, exist_ok=True)
        results.unlink(missing_ok=True)
        limit = LONG_FILE_TIMEOUT_SECONDS if options.long else FILE_TIMEOUT_SECONDS
        code, seconds = run([sys.executable, "-m", "support.runner", str(file), str(results)], log,
                            env, limit)
        return name, log, results, code, seconds

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        # The longest first, so that they do not run alone at the end.
        files.sort(key=lambda f: "chaos" not in str(f))
        for job in concurrent.futures.as_completed([pool.submit(one, f) for f in files]):
            collect(kind, tally, *job.result())


def collect(kind, tally, name, log, results, code, seconds):
    entries = [json.loads(l) for l in results.read_text().splitlines()] if results.exists() else []
    label = f"{name.removeprefix('tests/')} ({kind})"
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for entry in entries:
        counts[entry["outcome"]] += 1
        tally.add(f"{label}: {entry['name']}", entry["outcome"], entry["detail"])
    if code != 0 and not counts["failed"]:
        tally.add(f"{label}: runs to its end (exit {code})", "failed", tail(log))
    elif not counts["failed"]:
        left_out = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        say(f"  ok       {label}: {counts['passed']} tests{left_out}, {seconds:.0f} s")


def fuzz_targets():
    """The executables named *_fuzz that the fuzz build knows, as (name, ninja target)."""
    code, _ = run(["tools/build", "fuzz", "build.ninja"], LOGS / "build-fuzz-setup.log")
    if code != 0:
        return []
    known = subprocess.run(["meson", "introspect", "--targets", "build/fuzz"], cwd=TOP,
                           capture_output=True, text=True)
    if known.returncode != 0:
        return []
    base = TOP / "build/fuzz"
    return sorted((t["name"], str(Path(t["filename"][0]).relative_to(base)))
                  for t in json.loads(known.stdout)
                  if t["type"] == "executable" and t["name"].endswith("_fuzz"))


def fuzz(tally, options):
    """A short run of each libFuzzer target over its corpus (tests/fuzz/<name>/)."""
    targets = [t for t in fuzz_targets() if not options.only or options.only in t[0]]
    if not targets or not build("fuzz", tally, [path for _, path in targets]):
        return
    seconds = LONG_FUZZ_SECONDS if options.long else FUZZ_SECONDS

    def one(target):
        name, path = target
        fresh = LOGS / "fuzz" / name  # New finds go here, never into the checkout.
        fresh.mkdir(parents=True, exist_ok=True)
        corpus = TOP / "tests/fuzz" / name
        command = [str(TOP / "build/fuzz" / path), f"-max_total_time={seconds}", "-timeout=10",
                   "-rss_limit_mb=2048", "-verbosity=0", f"-artifact_prefix={fresh}/crash-",
                   str(fresh), *([str(corpus)] if corpus.is_dir() else [])]
        log = LOGS / "fuzz" / f"{name}.log"
        return name, log, run(command, log, SANITIZER_ENV, seconds * 3 + 60)[0]

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, log, code in pool.map(one, targets):
            tally.add(f"fuzz {name}: nothing found in {seconds} s",
                      "passed" if code == 0 else "failed", tail(log))
            if code == 0:
                say(f"  ok       fuzz {name}")


def main():
    parser = argparse.ArgumentParser(prog="tools/test")
    parser.add_argument("--quick", action="store_true", help="no sanitizers, no fuzzers")
    parser.add_argument("--long", action="store_true", help="chaos and fuzzers at full length")
    parser.add_argument("--only", metavar="WORD", help="only tests with WORD in their name")
    options = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    start = time.monotonic()

    headline("house rules")
    python("release", tally, options, ["tools/tidy"])
    headline("release build")
    if build("release", tally):
        unit("release", tally, options.only)
        python("release", tally, options,
               ["tests/bench", "tests/integration", "tests/conformance", "tests/chaos"])
    if not options.quick:
        headline("address and undefined behaviour sanitizers")
        if build("asan", tally):
            unit("asan", tally, options.only)
            python("asan", tally, options,
                   ["tests/integration", "tests/conformance", "tests/chaos"])
        headline("fuzzers")
        fuzz(tally, options)

    for name in tally.failures:
        say(f"failed: {name}")
    say(f"took {time.monotonic() - start:.0f} s; logs are in build/test-logs")
    say(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
