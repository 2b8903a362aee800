"""Debuggers: what DevTools and VS Code ask of a development node, over their own protocol."""

import json
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from support.debugger import Debugger, scripts
from support.dev import Dev
from support.server import PATIENCE_SECONDS, build_directory

SOURCE = """interface Thing { name: string; count: number }

function describe(thing: Thing): string {
  const text = `${thing.name} x ${thing.count}`;
  console.log("described", thing);
  return text;
}

export default {
  fetch(request: Request): Response {
    const name = new URL(request.url).pathname.slice(1);
    if (name === "throw") throw new RangeError("on purpose");
    if (name === "work") for (let i = 0, x = 0; i < 3e7; i++) x += i % 7;
    return new Response(describe({ name, count: WORD.length }));
  },
};
const WORD = "@";
"""
BREAK_LINE = 4  # console.log, as the protocol counts


class Inspect(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="atoll-inspect-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve()
        (self.folder / "src").mkdir()
        self.write("one")
        (self.folder / "wrangler.json").write_text(json.dumps({
            "name": "looked-at", "main": "src/index.ts", "compatibility_date": "2026-01-01"}))
        self.dev = Dev(self.folder, "--inspect=0", ".")
        self.addCleanup(lambda: self.dev.process.poll() is None and self.dev.stop())
        ready = self.dev.wait_for("ready")
        self.url, self.address = ready["url"], ready["inspect"]

    def write(self, word):
        (self.folder / "src/index.ts").write_text(SOURCE.replace("@", word))

    def attach(self, **options):
        (script,) = scripts(self.address)
        debugger = Debugger(script["webSocketDebuggerUrl"], **options)
        self.addCleanup(debugger.close)
        return debugger

    def get(self, path):
        """Asks from a thread of its own: a function that waits for the answer."""
        answers = []

        def ask():
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            try:
                with opener.open(self.url + path, timeout=PATIENCE_SECONDS) as answer:
                    answers.append(answer.read().decode())
            except urllib.error.HTTPError as error:
                answers.append(error.code)

        thread = threading.Thread(target=ask)
        thread.start()

        def wait():
            thread.join()
            return answers[0]
        return wait

    def break_in(self, debugger):
        """A breakpoint on a line of the TypeScript, set as a debugger does that knows the map."""
        parsed = debugger.event("Debugger.scriptParsed",
                                lambda p: p["url"].startswith("file:") and p["sourceMapURL"])
        source = debugger.call("Debugger.getScriptSource", scriptId=parsed["scriptId"])
        lines = source["scriptSource"].split("\n")
        line = next(i for i, text in enumerate(lines) if "console.log" in text)
        made = debugger.call("Debugger.setBreakpointByUrl", url=parsed["url"], lineNumber=line)
        self.assertEqual(len(made["locations"]), 1)
        return parsed

    def test_list(self):
        """the list names the script, before it was ever asked for anything"""
        (script,) = scripts(self.address)
        self.assertEqual((script["type"], script["title"]), ("node", "default/looked-at"))
        self.assertIn(script["id"], script["devtoolsFrontendUrl"])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.address}/json/version") as answer:
            self.assertEqual(json.load(answer)["Protocol-Version"], "1.3")

    def test_breakpoint(self):
        """a breakpoint stops the script, its variables can be read and changed, and it goes on"""
        debugger = self.attach()
        debugger.call("Runtime.enable")
        debugger.call("Debugger.enable")
        self.break_in(debugger)
        answer = self.get("thing")
        frame = debugger.event("Debugger.paused")["callFrames"][0]
        self.assertEqual(frame["functionName"], "describe")

        def evaluate(expression):
            return debugger.call("Debugger.evaluateOnCallFrame", callFrameId=frame["callFrameId"],
                                 expression=expression, returnByValue=True)["result"]["value"]
        self.assertEqual(evaluate("thing"), {"name": "thing", "count": 3})
        self.assertEqual(evaluate("text"), "thing x 3")
        (local,) = [s for s in frame["scopeChain"] if s["type"] == "local"]
        names = debugger.call("Runtime.getProperties", objectId=local["object"]["objectId"])
        self.assertEqual({p["name"] for p in names["result"]}, {"thing", "text"})
        debugger.call("Debugger.stepOver")
        debugger.event("Debugger.paused")
        debugger.call("Debugger.resume")
        self.assertEqual(answer(), "thing x 3")

    def test_source_map(self):
        """the source map leads to the files of the project"""
        debugger = self.attach()
        debugger.call("Debugger.enable")
        parsed = debugger.event("Debugger.scriptParsed", lambda p: p["sourceMapURL"])
        with urllib.request.urlopen(parsed["sourceMapURL"]) as data:
            source_map = json.load(data)
        (source,) = source_map["sources"]
        self.assertEqual(source_map["sourceRoot"] + source,
                         (self.folder / "src/index.ts").as_uri())
        self.assertEqual(source_map["sourcesContent"], [SOURCE.replace("@", "one")])

    def test_saved(self):
        """what is saved while a debugger is attached keeps its breakpoints"""
        debugger = self.attach()
        debugger.call("Runtime.enable")
        debugger.call("Debugger.enable")
        self.break_in(debugger)
        self.write("other")
        self.dev.wait_for("reloaded")
        debugger.event("Runtime.executionContextsCleared")
        debugger.event("Debugger.scriptParsed", lambda p: p["sourceMapURL"])
        answer = self.get("again")
        frame = debugger.event("Debugger.paused")["callFrames"][0]
        count = debugger.call("Debugger.evaluateOnCallFrame", callFrameId=frame["callFrameId"],
                              expression="thing.count")
        self.assertEqual(count["result"]["value"], 5)
        debugger.call("Debugger.resume")
        self.assertEqual(answer(), "again x 5")

    def test_console(self):
        """the console shows what is logged, with its values and place, and what is thrown"""
        debugger = self.attach()
        debugger.call("Runtime.enable")
        self.assertEqual(self.get("thing")(), "thing x 3")
        called = debugger.event("Runtime.consoleAPICalled")
        text, thing = called["args"]
        self.assertEqual((called["type"], text["value"]), ("log", "described"))
        values = debugger.call("Runtime.getProperties", objectId=thing["objectId"],
                               ownProperties=True)["result"]
        self.assertEqual({v["name"]: v["value"]["value"] for v in values if v["enumerable"]},
                         {"name": "thing", "count": 3})
        self.assertEqual(called["stackTrace"]["callFrames"][0]["functionName"], "describe")
        self.assertEqual(self.dev.wait_for("console")["text"],
                         'described { name: "thing", count: 3 }')
        self.assertEqual(self.get("throw")(), 500)
        thrown = debugger.event("Runtime.exceptionThrown")["exceptionDetails"]
        self.assertIn("RangeError: on purpose", thrown["exception"]["description"])
        self.assertEqual(thrown["stackTrace"]["callFrames"][0]["functionName"], "fetch")

    def test_evaluate(self):
        """expressions run in a script that has nothing to do, their promises too"""
        debugger = self.attach()
        result = debugger.call("Runtime.evaluate", awaitPromise=True, returnByValue=True,
                               expression="Promise.resolve([typeof fetch, 'ä€😀'])")
        self.assertEqual(result["result"]["value"], ["function", "ä€😀"])
        shown = debugger.call("Runtime.evaluate", expression="console.log('typed')")
        self.assertEqual(shown["result"]["type"], "undefined")

    def test_profile(self):
        """a CPU profile names the function that took the time"""
        debugger = self.attach()
        debugger.call("Profiler.enable")
        debugger.call("Profiler.setSamplingInterval", interval=500)
        debugger.call("Profiler.start")
        self.assertEqual(self.get("work")(), "work x 3")
        profile = debugger.call("Profiler.stop")["profile"]
        counts = {}
        for node in profile["nodes"]:
            name = node["callFrame"]["functionName"]
            counts[name] = counts.get(name, 0) + node.get("hitCount", 0)
        self.assertGreater(counts["fetch"], 10)

    def test_heap_snapshot(self):
        """a heap snapshot is whole, and has the script's values in it"""
        debugger = self.attach()
        debugger.call("Runtime.evaluate", expression="globalThis.kept = 'a needle' + Math.PI")
        debugger.call("HeapProfiler.enable")
        debugger.call("HeapProfiler.takeHeapSnapshot")
        text = "".join(e["params"]["chunk"] for e in debugger.events
                       if e["method"] == "HeapProfiler.addHeapSnapshotChunk")
        snapshot = json.loads(text)
        self.assertIn("kept", snapshot["strings"])
        self.assertEqual(len(snapshot["nodes"]) % len(snapshot["snapshot"]["meta"]["node_fields"]),
                         0)

    def test_let_go(self):
        """a script goes on when its debugger leaves, or when another takes over"""
        for leave in (lambda first: first.close(), lambda first: self.attach()):
            first = self.attach()
            first.call("Debugger.enable")
            self.break_in(first)
            answer = self.get("thing")
            first.event("Debugger.paused")
            leave(first)
            self.assertEqual(answer(), "thing x 3")

    def test_quit(self):
        """Ctrl-C ends a node whose script stands at a breakpoint"""
        debugger = self.attach()
        debugger.call("Debugger.enable")
        self.break_in(debugger)
        answer = self.get("thing")
        debugger.event("Debugger.paused")
        self.assertEqual(self.dev.stop(), 0)
        debugger.gone()
        self.assertEqual(answer(), "thing x 3")

    def test_strangers(self):
        """neither a website nor a guess gets in"""
        (script,) = scripts(self.address)
        url = script["webSocketDebuggerUrl"]
        for wrong in (dict(url=url, origin="https://evil.example"),
                      dict(url=f"ws://{self.address}/{'0' * 32}")):
            with self.subTest(wrong), Debugger(**wrong) as debugger:
                self.assertIn(debugger.status, (403, 404))
        with Debugger(url, origin="devtools://devtools") as debugger:
            self.assertEqual(debugger.status, 101)
        request = urllib.request.Request(f"http://{self.address}/json/list",
                                         headers={"Host": "evil.example"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            opener.open(request, timeout=PATIENCE_SECONDS)
        self.assertEqual(refused.exception.code, 403)


class Configuration(unittest.TestCase):
    def test_refused(self):
        """a node lets debuggers in on loopback, alone and with one shard, or says what is wrong"""
        for role, address, shards, mend in (
                ("standalone", "0.0.0.0:9229", 1, "name an address of loopback"),
                ("standalone", "127.0.0.1:9229", 2, "set shards = 1"),
                ("edge", "127.0.0.1:9229", 1, "on a standalone node"),
                ("control", "127.0.0.1:9229", 1, "on a standalone node")):
            with self.subTest(mend, role=role), tempfile.TemporaryDirectory() as folder:
                config = Path(folder, "node.toml")
                config.write_text(f'shards = {shards}\n[listen]\ninspect = "{address}"\n')
                made = subprocess.run([build_directory() / "atolld", role, "--config", config],
                                      capture_output=True, text=True)
                self.assertEqual(made.returncode, 2)
                self.assertIn("listen.inspect: ", made.stderr)
                self.assertIn(mend, made.stderr)
                self.assertEqual(made.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
