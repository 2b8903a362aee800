"""`atoll dev`: a node of its own, and what is saved answers next."""

import json
import queue
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from support.dev import Dev
from support.server import PATIENCE_SECONDS, build_directory

COUNTER = """export default { async fetch(request, env) {
  const count = Number(await env.STORE.get("count") ?? 0) + 1;
  await env.STORE.put("count", String(count));
  console.log("counted", count);
  return new Response(`%s ${count} ${env.TOKEN}`);
} };
"""


class DevLoop(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="atoll-dev-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.write("one")
        (self.folder / "wrangler.json").write_text(json.dumps({
            "name": "looped", "main": "index.js", "compatibility_date": "2026-01-01",
            "kv_namespaces": [{"binding": "STORE", "id": "0" * 32}],
            "routes": ["example.com/*"]}))
        (self.folder / ".dev.vars").write_text('# local\nTOKEN = "hush"\n')

    def write(self, word):
        (self.folder / "index.js").write_text(COUNTER % word)

    def dev(self, *words):
        made = Dev(self.folder, *words)
        self.addCleanup(lambda: made.process.poll() is None and made.stop())
        return made

    def get(self, url):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=PATIENCE_SECONDS) as answer:
            return answer.read().decode()

    def test_requests(self):
        """each request is shown with status and times"""
        dev = self.dev()
        url = dev.wait_for("ready")["url"]
        seen = self.first_request(dev, url + "path?q=1")
        self.assertEqual((seen["method"], seen["target"], seen["status"], seen["outcome"]),
                         ("GET", "/path?q=1", 200, "ok"))
        self.assertGreater(seen["cpu_us"], 0)
        self.assertEqual(dev.stop(), 0)

    def first_request(self, dev, url):
        """The line of a request that is sent until there is one: what shows them begins later."""
        for _ in range(5 * PATIENCE_SECONDS):
            self.get(url)
            try:
                while (line := dev.lines.get(timeout=0.2))["event"] != "request":
                    pass
                return line
            except queue.Empty:
                continue
        raise AssertionError("no request was shown")

    def test_files(self):
        """a request that a static file answers is shown too"""
        (self.folder / "public").mkdir()
        (self.folder / "public/page.html").write_text("<p>a page</p>")
        config = json.loads((self.folder / "wrangler.json").read_text())
        (self.folder / "wrangler.json").write_text(json.dumps(
            {**config, "assets": {"directory": "public"}}))
        dev = self.dev()
        seen = self.first_request(dev, dev.wait_for("ready")["url"] + "page")
        self.assertEqual((seen["target"], seen["status"], seen["outcome"]), ("/page", 200, "ok"))
        self.assertEqual(dev.stop(), 0)

    def test_loop(self):
        """what is saved answers next; what does not build is shown, the last good one goes on"""
        dev = self.dev()
        url = dev.wait_for("ready")["url"]
        self.assertEqual(self.get(url), "one 1 hush")
        self.assertEqual(dev.wait_for("console")["text"], "counted 1")
        self.write("two")
        self.assertEqual(dev.wait_for("reloaded")["file"], "index.js")
        self.assertEqual(self.get(url), "two 2 hush")
        (self.folder / "index.js").write_text("export default {")
        self.assertIn("index.js:1", dev.wait_for("error")["message"])
        self.assertEqual(self.get(url), "two 3 hush")
        (self.folder / "lib").mkdir()
        (self.folder / "lib/word.js").write_text("export default 'three';")
        self.write("${word}")
        with open(self.folder / "index.js", "a") as file:
            file.write('import word from "./lib/word.js";')
        while "three" not in self.get(url):
            dev.wait_for("reloaded")
        (self.folder / "lib/word.js").write_text("export default 'four';")
        while "four" not in self.get(url):
            dev.wait_for("reloaded")
        self.assertEqual(dev.stop(), 0)
        with self.assertRaises(urllib.error.URLError):
            self.get(url)

    def test_kept(self):
        """KV is kept from one run to the next"""
        for count in (1, 2):
            dev = self.dev()
            self.assertEqual(self.get(dev.wait_for("ready")["url"]), f"one {count} hush")
            self.assertEqual(dev.stop(), 0)
        self.assertEqual((self.folder / ".atoll/.gitignore").read_text(), "*\n")

    def test_exception(self):
        """what a script throws is shown with its stack, and browsers get a page with the line"""
        (self.folder / "index.js").write_text(
            "export default { fetch() { throw new Error('on purpose'); } };")
        dev = self.dev()
        url = dev.wait_for("ready")["url"]
        with self.assertRaises(urllib.error.HTTPError) as failed:
            self.get(url)
        failed.exception.close()
        shown = dev.wait_for("exception")
        self.assertIn("on purpose", shown["message"])
        self.assertIn("index.js:1:34", shown["stack"])
        request = urllib.request.Request(url, headers={"Accept": "text/html"})
        with self.assertRaises(urllib.error.HTTPError) as failed:
            self.get(request)
        with failed.exception as page:
            text = page.read().decode()
        self.assertIn("<h1>Error: on purpose</h1>", text)
        self.assertIn("<mark>    1  export default { fetch() { throw", text)

    def test_mended(self):
        """a project that does not build at first is ready once it does"""
        (self.folder / "index.js").write_text("export default {")
        dev = self.dev()
        dev.wait_for("error")
        self.write("mended")
        self.assertEqual(self.get(dev.wait_for("ready")["url"]), "mended 1 hush")

    def test_refusals(self):
        """a port that is taken and a folder without a project: one line, exit code 1"""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            for words, said in ((["--port", str(taken.getsockname()[1])], "127.0.0.1"),
                                (["nowhere"], "nowhere")):
                made = subprocess.run([str(build_directory() / "atoll"), "dev", *words],
                                      cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
                                      capture_output=True, timeout=PATIENCE_SECONDS)
                self.assertEqual(made.returncode, 1, made)
                self.assertEqual(len(made.stderr.strip().splitlines()), 1, made.stderr)
                self.assertIn(said, made.stderr)
