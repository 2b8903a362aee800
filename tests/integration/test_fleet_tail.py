"""`atoll tail` at a control plane: what a script does on every edge that serves it."""

import json
import os
import queue
import subprocess
import threading
import time
import unittest

from support import http1
from support.fleet import Control, Edge, join_words
from support.server import PATIENCE_SECONDS, wait_until

SCRIPT = """
export default { fetch(request) {
  const path = new URL(request.url).pathname;
  console.log("asked for", path);
  if (path === "/throw") throw new TypeError("thrown on purpose");
  return new Response("ok");
} };
"""


class Tail:
    """A running `atoll tail --json`."""

    def __init__(self, control, *words):
        self.process = subprocess.Popen(
            [str(control.binaries / "atoll"), "tail", "watched", "--json", *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "ATOLL_URL": control.control, "ATOLL_TOKEN": control.token})
        self.items = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.items.put(json.loads(line))

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)
        self.reader.join()
        self.process.stdout.close()


class FleetTail(unittest.TestCase):
    def ask(self, edge, path):
        return http1.request(edge.http, "watched.localhost", path)

    def tail(self, *words):
        made = Tail(self.control, *words)
        self.addCleanup(made.close)
        return made

    def setUp(self):
        self.control = self.enterContext(Control())
        self.control.deploy_source("watched", SCRIPT)
        self.edges = [self.enterContext(Edge(name, join_words(self.control)))
                      for name in ("one", "two")]
        for edge in self.edges:
            wait_until(lambda: self.ask(edge, "/").status == 200, "the script on the edge")

    def seen_of(self, tail, edge, name, path):
        """Asks until the watcher is shown such a request of this edge."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.ask(edge, path)
            try:
                while True:
                    item = tail.items.get(timeout=0.3)
                    url = item["event"].get("request", {}).get("url", "")
                    if item.get("node") == name and url.endswith(path):
                        return item
            except queue.Empty:
                pass
        self.fail(f"nothing of {name} was shown")

    def test_every_edge(self):
        """a watcher at the control plane sees logs and exceptions from each edge, by name"""
        tail = self.tail()
        for edge, name in zip(self.edges, ("one", "two")):
            item = self.seen_of(tail, edge, name, f"/of-{name}")
            self.assertEqual(item["logs"][0]["message"], [f"asked for /of-{name}"])
            thrown = self.seen_of(tail, edge, name, "/throw")["exceptions"][0]
            self.assertEqual(thrown["message"], "thrown on purpose")
            self.assertIn("index.js:5:", thrown["stack"])

    def test_filter(self):
        """what a filter leaves out does not leave the edge; a watcher that ends costs no more"""
        tail = self.tail("--status", "error")
        one = self.edges[0]
        self.seen_of(tail, one, "one", "/throw")
        for _ in range(20):
            self.ask(one, "/fine")
        self.seen_of(tail, one, "one", "/throw")
        while not tail.items.empty():
            self.assertEqual(tail.items.get()["outcome"], "exception")

    def test_control_restarts(self):
        """a control plane that comes back has nobody's watch, and edges serve on"""
        tail = self.tail()
        self.seen_of(tail, self.edges[0], "one", "/before")
        self.control.kill()
        self.assertEqual(self.ask(self.edges[0], "/alone").status, 200)
        self.control.start()
        again = self.tail()
        self.seen_of(again, self.edges[1], "two", "/after")


if __name__ == "__main__":
    unittest.main()
