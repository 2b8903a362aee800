"""Source maps: what a developer is told names the code that was written, not the bundle."""

import json
import tempfile
import unittest
from pathlib import Path

from support import http1
from support.server import Server, wait_until
from support.wrangler import Wrangler

# The bundle has fewer lines than the sources: an interface takes none.
HELPER = """interface Order {
  id: number;
  items: string[];
}

export function total(order: Order): number {
  if (order.id < 0) throw new RangeError("negative <order>");
  return order.items.length;
}
"""
INDEX = """import { total } from "./lib/total";

export default {
  async fetch(request: Request): Promise<Response> {
    const id: number = new URL(request.url).pathname === "/throw" ? -1 : 1;
    return new Response(String(total({ id, items: ["a"] })));
  },
};
"""
THROWN = "src/lib/total.ts:7:27"
CALLED = "src/index.ts:6:32"


def make_project(folder, index=INDEX, **config):
    (folder / "src/lib").mkdir(parents=True, exist_ok=True)
    (folder / "src/lib/total.ts").write_text(HELPER)
    (folder / "src/index.ts").write_text(index)
    (folder / "wrangler.json").write_text(json.dumps({
        "name": "shop", "main": "src/index.ts", "compatibility_date": "2026-01-01", **config}))


def exceptions(server):
    """The exceptions in the node's log."""
    lines = [json.loads(line) for line in server.log_text(1 << 20).splitlines() if line[:1] == "{"]
    return [line for line in lines if line["event"] == "script_exception"]


def last_exception(server, count=1):
    wait_until(lambda: len(exceptions(server)) >= count, "the exception is in the log")
    return exceptions(server)[-1]


class SourceMaps(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="atoll-maps-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def test_stacks(self):
        """a stack in the log names the lines of the TypeScript, also after a restart"""
        make_project(self.folder)
        with Server(shards=1) as server:
            server.deploy(self.folder)
            for count, restarted in ((1, False), (2, True)):
                if restarted:
                    server.kill()
                    server.start()
                answer = http1.request(server.http, "shop.localhost", "/throw",
                                       headers=[("accept", "text/html")])
                self.assertEqual(answer.status, 500)
                self.assertNotIn("total.ts", answer.text())  # That is nobody else's business.
                stack = last_exception(server, count)["stack"]
                self.assertIn(f"({THROWN})", stack)
                self.assertIn(f"({CALLED})", stack)
                self.assertNotIn("index.js", stack)
            self.assertEqual(http1.request(server.http, "shop.localhost", "/").text(), "1")

    def test_many(self):
        """of many exceptions at once each is told with its place in the source"""
        make_project(self.folder)
        with Server(shards=1) as server:
            server.deploy(self.folder)
            with http1.Connection(server.http) as connection:
                connection.send(b"GET /throw HTTP/1.1\r\nHost: shop.localhost\r\n\r\n" * 100)
                for _ in range(100):
                    self.assertEqual(connection.read_response("GET").status, 500)
            wait_until(lambda: len(exceptions(server)) == 100, "every exception is in the log")
            for line in exceptions(server):
                self.assertIn(THROWN, line["stack"])

    def test_error_page(self):
        """where the operator shows errors, a browser gets the line; other clients the text"""
        make_project(self.folder)
        with Server(shards=1, config='[script]\nerrors = "shown"\n') as server:
            server.deploy(self.folder)
            page = http1.request(server.http, "shop.localhost", "/throw",
                                 headers=[("accept", "text/html,*/*")])
            self.assertEqual(page.status, 500)
            self.assertEqual(page.get("content-type"), "text/html; charset=utf-8")
            self.assertEqual(page.get("atoll-error"), "script_exception")
            text = page.text()
            self.assertIn("RangeError: negative &lt;order&gt;", text)
            self.assertIn(f"<code>{THROWN}</code>", text)
            self.assertIn("<mark>    7    if (order.id &lt; 0) throw", text)
            self.assertIn(f"({CALLED})", text)
            plain = http1.request(server.http, "shop.localhost", "/throw")
            self.assertTrue(plain.get("content-type").startswith("text/plain"))

    def test_left_out(self):
        """upload_source_maps false leaves them out, and the stack names the bundle"""
        make_project(self.folder, upload_source_maps=False)
        with Server(shards=1) as server:
            server.deploy(self.folder)
            http1.request(server.http, "shop.localhost", "/throw")
            self.assertIn("index.js:", last_exception(server)["stack"])

    def test_refused_upload(self):
        """a version that throws when it starts is refused with the line of the TypeScript"""
        make_project(self.folder, INDEX + "\ntotal({ id: -1, items: [] });\n")
        with Server(shards=1) as server:
            refused = server.cli("deploy", str(self.folder))
            self.assertEqual(refused.code, 1)
            self.assertIn("src/lib/total.ts:7:", refused.err)
            self.assertNotIn("index.js", refused.err)

    def test_wrangler(self):
        """maps that wrangler uploads are kept and applied"""
        with Server(shards=1) as server:
            wrangler = Wrangler(server)
            folder = wrangler.project("shop", None, {"lib/total.ts": HELPER, "index.ts": INDEX},
                                      main="index.ts", upload_source_maps=True)
            wrangler.run("deploy", cwd=folder)
            http1.request(server.http, "shop.localhost", "/throw")
            stack = last_exception(server)["stack"]
            self.assertIn("lib/total.ts:7:27", stack)
            self.assertIn("index.ts:6:32", stack)


if __name__ == "__main__":
    unittest.main()
