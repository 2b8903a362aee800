"""Runs tests that need the suite's server: a node of ours with one script for each test, which
speaks to server.py through its own outbound client."""

import concurrent.futures
import contextlib
import json
import re
import threading

import server as wpt_server
import suite
from support import http1
from support.origin import authority
from support.server import Server

CONFIG = {"no_bundle": True, "find_additional_modules": True,
          "compatibility_flags": ["no_nodejs_compat"],
          "rules": [{"type": "CommonJS", "globs": ["**/*.cjs"]}]}
HARNESS = suite.HARNESS.with_name("live_harness.js")
# Names that the suite's server makes up.
ALIASES = {"/resources/WebIDLParser.js": "/resources/webidl2/lib/webidl2.js"}
SECONDS, LONG_SECONDS = 10, 60
AT_ONCE = 4


# Area -> (its folders, what of them is left out: other policies' tests, windows' and frames').
AREAS = {
    "fetch-api": (["fetch/api"], re.compile("/(cors|credentials|policies)/")),
    "xhr": (["xhr/formdata"], None),
    "websockets": (["websockets"], re.compile(
        "/(stream|cookies|unload-a-document|multi-globals|security)/|wpt_flags=h2")),
    "eventsource": (["eventsource"], None),
}


def tests_of(area, word=""):
    folders, left_out = AREAS[area]
    return [test for test in suite.tests_in(folders, word)
            if left_out is None or not left_out.search(test.name)]


class Live:
    """The server of the suite at `root`, and a node."""

    def __init__(self, root):
        self.root = root
        self.count = 0
        self.lock = threading.Lock()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            ca = stack.enter_context(authority())
            pair = ca.certificate("wpt", [f"DNS:{wpt_server.HOST}", "IP:127.0.0.1"])
            self.origin, stop = wpt_server.start(self.root, pair)
            stack.callback(stop)
            self.node = stack.enter_context(Server(env={"SSL_CERT_FILE": str(ca.file)}))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def text_of(self, path):
        """A script, as the server would serve it, with what it imports in place."""
        path = ALIASES.get(path, path)
        text = (self.root / path.lstrip("/")).read_text()
        if ".sub." in path:
            text = self.origin.substituted(text)

        def imported(call):
            paths = re.findall(r"""["']([^"']+)["']""", call[1])
            return "\n".join(self.text_of(suite.os.path.normpath(
                suite.os.path.join(suite.os.path.dirname(path), word)))
                for word in paths if not word.endswith("testharness.js"))
        return re.sub(r"importScripts\(([^)]*)\);?", imported, text)

    def run(self, test):
        """The results of one test in one variant."""
        with self.lock:
            self.count += 1
            name = f"wpt-{self.count}"
        body = "\n".join(map(self.text_of, test.scripts))
        long = "META: timeout=long" in (self.root / test.path.lstrip("/")).read_text()
        seconds = LONG_SECONDS if long else SECONDS
        texts = {text for _, text in re.findall(r"""(["'])(new (?:(?!\1).)+|self)\1""", body)
                 if "idl_test" in body}
        files = {"suite.cjs": "exports.loadHarness = function () {\n" +
                 self.text_of("/resources/testharness.js") +
                 "\n};\nexports.run = function (exports, module, require) {\n" + body + "\n};\n" +
                 "exports.texts = {" + ",".join(
                     f"{json.dumps(text)}: () => {text}" for text in texts) + "};\n"}
        secure = ".https." in test.path or re.search(r"[?&](wss|https)\b", test.variant)
        scheme = "https" if secure else "http"
        url = f"{scheme}://{wpt_server.HOST}:{self.origin.ports[scheme][0]}" + \
            re.sub(r"\.(any|worker)\.js$", r".\1.worker.html", test.path) + test.variant
        config = {**CONFIG, "vars": {"TEST_URL": url, "SECONDS": seconds,
                                     "DONE": test.path.endswith(".any.js")}}
        try:
            self.node.deploy_source(name, HARNESS.read_text(), files, config)
            answer = http1.request(self.node.http, f"{name}.localhost", "/")
            said = json.loads(answer.body) if answer.status == 200 else {
                "harness": "ERROR", "results": [],
                "message": f"{answer.status}: {answer.body[:500]!r}"}
        except Exception as error:  # Of the network, too: the file's own fault.
            said = {"harness": "ERROR", "message": repr(error), "results": []}
        results = [suite.Result(test.name, *result) for result in said["results"]]
        if said["harness"] != "OK" or not results:
            status = "ERROR" if said["harness"] == "OK" else said["harness"]
            results.append(suite.Result(test.name, suite.FILE_ITSELF, status, said["message"]))
        return results


def run(root, tests):
    with Live(root) as live, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return [result for results in pool.map(live.run, tests) for result in results]
