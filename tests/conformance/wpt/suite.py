"""Runs the Web Platform Tests of an area in our isolates: which files, in which variants, with
what result. Nothing here knows what is expected (expected.py)."""

import collections
import concurrent.futures
import json
import os
import queue
import re
import subprocess
import tempfile
import threading
from pathlib import Path

import source
from support import npm

TOP = Path(__file__).resolve().parents[3]
HARNESS = Path(__file__).with_name("harness.js")
PROCESSES = 2
# The runner ends a file that does nothing any more; this is for one that never yields.
FILE_SECONDS = 150

# Area -> the folders that it is made of.
AREAS = {
    "url": ["url"],
    "urlpattern": ["urlpattern"],
    "encoding": ["encoding"],
    "streams": ["streams"],
    "compression": ["compression"],
    "WebCryptoAPI": ["WebCryptoAPI"],
    "FileAPI": ["FileAPI"],
    "dom": ["dom/abort", "dom/events"],
    "html": ["html/webappapis"],
    "hr-time": ["hr-time"],
    "performance-timeline": ["performance-timeline"],
    "user-timing": ["user-timing"],
    "console": ["console"],
    "wasm": ["wasm/jsapi"],
    "webidl": ["webidl"],
    "fetch": ["fetch"],
    "xhr": ["xhr"],
    "websockets": ["websockets"],
    "eventsource": ["eventsource"],
}

# What never runs in a worker: it opens windows, frames or workers of its own, or is no test.
NOT_OURS = re.compile(r"/(resources|support|not-restored-reasons|transferable|media)/|"
                      r"\.window\.js$|\.sub\.window|shadowrealm|\.tentative\.window")

# One subtest's result. `file` is the path with its variant; a subtest named kHarness stands for the
# file itself: it ended badly.
Result = collections.namedtuple("Result", "file subtest status message")
FILE_ITSELF = "(the file)"


class Test(collections.namedtuple("Test", "path variant scripts")):
    """A file in one variant, and the scripts it consists of."""

    @property
    def name(self):
        return self.path + self.variant


def tests_of(area, word=""):
    return tests_in(AREAS[area], word)


def tests_in(folders, word):
    root = source.root()
    found = []
    for folder in folders:
        for file in sorted((root / folder).rglob("*.js")):
            path = "/" + str(file.relative_to(root))
            if not re.search(r"\.(any|worker)\.js$", path) or NOT_OURS.search(path):
                continue
            found += [test for test in variants(file, path) if word in test.name]
    return found


def variants(file, path):
    """The tests that a file's META lines make of it."""
    text = file.read_text(errors="replace")
    metas = re.findall(r"^//\s*META:\s*(\w+)=(.*?)\s*$", text, re.M)
    worlds = {world.strip() for key, value in metas if key == "global"
              for world in value.split(",")}
    if worlds and not any("worker" in world or world == "jsshell" for world in worlds):
        return  # For windows only.
    folder = Path(path).parent
    scripts = [os.path.normpath(folder / value) for key, value in metas if key == "script"]
    for variant in [value for key, value in metas if key == "variant"] or [""]:
        yield Test(path, variant, [*scripts, path])


class Runner:
    """One wpt_runner process, started again after a file that took it down."""

    def __init__(self):
        build = os.environ.get("ATOLL_BUILD", "release")
        # Libraries that the suite uses and Debian's source package leaves out.
        self.command = [str(TOP / "build" / build / "src/webapi/wpt_runner"), str(source.root()),
                        str(HARNESS), str(npm.installed(HARNESS.parent))]
        self.process = None

    def start(self):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)

    def stop(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None

    def run(self, test):
        """The results of one file."""
        if self.process is None:
            self.start()
        watchdog = threading.Timer(FILE_SECONDS, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(f"{test.name}\t{json.dumps(test.scripts)}\n".encode())
            self.process.stdin.flush()
            return self.read(test)
        finally:
            watchdog.cancel()

    def read(self, test):
        results, ended = [], None
        while True:
            line = self.process.stdout.readline()
            if not line.endswith(b"\n"):  # It ended, perhaps in the middle of a line.
                code = self.process.wait()
                self.stop()
                ended = ("CRASH", f"the process ended with {code}")
                break
            said = json.loads(line)
            if "subtest" in said:
                results.append(Result(test.name, said["subtest"], said["status"], said["message"]))
            elif "harness" in said:
                ended = (said["harness"], said["message"])
            else:
                ended = ended or ("ERROR", said["end"])
                break
        if ended[0] != "OK" or not results:
            status = "ERROR" if ended[0] == "OK" else ended[0]
            results.append(Result(test.name, FILE_ITSELF, status, ended[1] or "it has no test"))
        return results


def run(tests, endless):
    """The results of all, in order; files run side by side, those named in `endless` not at all."""
    runners = queue.SimpleQueue()
    for _ in range(PROCESSES):
        runners.put(Runner())

    def one(test):
        if test.name in endless:
            return [Result(test.name, FILE_ITSELF, "TIMEOUT", "not run: it would not end")]
        runner = runners.get()
        try:
            return runner.run(test)
        finally:
            runners.put(runner)

    try:
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            return [result for results in pool.map(one, tests) for result in results]
    finally:
        for _ in range(PROCESSES):
            runners.get().stop()
