"""A node under load for long: isolates come and go, versions change, memory stays what it is."""

import http.client
import json
import random
import statistics
import threading
import time
import unittest
from pathlib import Path

from support.server import LONG, PATIENCE_SECONDS, Server, sanitized

SECONDS = 3600 if LONG else 120
TENANTS, SCRIPTS_EACH, ISOLATES = 20, 6, 40
CLIENTS = 3
SAMPLE_SECONDS = 2
CURVE = Path(__file__).resolve().parents[2] / "build" / "bench" / "soak.json"

# Of each kind as many; {0} is the version.
KINDS = (
    "export default {{ fetch: () => new Response('{0}') }};",
    """export default {{ async fetch(request, env) {{
      await env.KV.put('last', '{0}');
      return new Response(await env.KV.get('last'));
    }} }};""",
    """export default {{ fetch() {{
      const rows = Array.from({{ length: 20000 }}, (_, i) => ({{ i, text: 'row ' + i }}));
      return new Response(rows.length === 20000 ? '{0}' : 'lost rows');
    }} }};""",
    """export default {{ async fetch(request, env, ctx) {{
      ctx.waitUntil(new Promise((done) => setTimeout(done, 50)));
      await new Promise((done) => setTimeout(done, 5));
      return new Response('{0}');
    }} }};""",
    """export default {{ fetch() {{
      const chunk = new Uint8Array(10000);
      let left = 20;
      return new Response(new ReadableStream({{
        pull(controller) {{ left-- > 0 ? controller.enqueue(chunk) : controller.close(); }},
      }}));
    }} }};""",
    "export default {{ fetch() {{ throw new Error('on purpose {0}'); }} }};",
)
STREAMED_BYTES = 200_000


@unittest.skipIf(sanitized(), "sanitizers keep freed memory")
class Soak(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(
            Server(config=f"[script]\nisolates_max = {ISOLATES}\n"))
        self.tokens = {f"t{n}": self.server.make_tenant(f"t{n}") for n in range(TENANTS)}
        self.versions = {}  # (tenant, kind) -> the versions that may answer now
        for tenant in self.tokens:
            for kind in range(SCRIPTS_EACH):
                self.deploy(tenant, kind, 1)
        self.stop = threading.Event()
        self.wrong, self.counts = [], [0] * CLIENTS

    def deploy(self, tenant, kind, version):
        key = (tenant, kind)
        self.versions[key] = {*self.versions.get(key, ()), str(version)}
        config = {"kv_namespaces": [{"binding": "KV"}]} if kind == 1 else None
        self.server.deploy_source(f"s{kind}", KINDS[kind].format(version), config=config,
                                  token=self.tokens[tenant])
        self.versions[key] = {str(version)}

    def check(self, key, before, status, body):
        """What an answer has to be, of a version that was there meanwhile."""
        kind = key[1]
        if kind == 5:
            return status == 500
        if kind == 4:
            return status == 200 and len(body) == STREAMED_BYTES
        return status == 200 and body.decode() in before | self.versions[key]

    def ask(self, number):
        """A client that asks for this and that; the first tenants more often than the last."""
        chance = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http,
                                                timeout=PATIENCE_SECONDS)
        while not self.stop.is_set():
            tenant = f"t{int(TENANTS * chance.random() ** 2)}"
            key = (tenant, chance.randrange(SCRIPTS_EACH))
            before = self.versions[key]
            connection.request("GET", "/", headers={"Host": f"s{key[1]}.{tenant}.localhost"})
            answer = connection.getresponse()
            body = answer.read()
            if not self.check(key, before, answer.status, body):
                self.wrong.append((key, before, answer.status, body[:80]))
            self.counts[number] += 1
        connection.close()

    def keep_deploying(self):
        chance, version = random.Random(-1), 1
        while not self.stop.wait(1):
            version += 1
            tenant = f"t{chance.randrange(TENANTS)}"
            self.deploy(tenant, chance.randrange(SCRIPTS_EACH), version)

    def test_memory(self):
        """under load, evictions and deploys memory is flat, and every answer is right"""
        threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(CLIENTS)]
        threads.append(threading.Thread(target=self.keep_deploying))
        for thread in threads:
            thread.start()
        curve, begin = [], time.monotonic()
        try:
            while time.monotonic() - begin < SECONDS and all(t.is_alive() for t in threads):
                time.sleep(SAMPLE_SECONDS)
                curve.append((round(time.monotonic() - begin), self.server.resident_bytes()))
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.wrong[:5], [])
        self.assertGreaterEqual(curve[-1][0], SECONDS)
        self.assertGreater(min(self.counts), SECONDS)  # They did ask.
        settled = [rss for at, rss in curve if SECONDS / 3 < at <= SECONDS * 2 / 3]
        last = [rss for at, rss in curve if at > SECONDS * 5 / 6]
        if LONG:
            CURVE.parent.mkdir(parents=True, exist_ok=True)
            CURVE.write_text(json.dumps({"seconds": SECONDS, "requests": sum(self.counts),
                                         "rss_bytes": curve}) + "\n")
        grown = statistics.median(last) - statistics.median(settled)
        self.assertLess(grown, 0.1 * statistics.median(settled),
                        f"{statistics.median(settled) / 1e6:.0f} MB and {grown / 1e6:.0f} more")


if __name__ == "__main__":
    unittest.main()
