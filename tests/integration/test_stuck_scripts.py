"""Scripts that V8 cannot end, or only with the process: the node and its other scripts go on."""

import unittest

from support import http1
from support.server import Server

GOOD = "export default { fetch: () => new Response('good') };"
CONFIG = "[script]\ncpu_ms_max = 3000\n"

# name: (expression, the code it ends with)
STUCK = {
    # V8 has no such table.
    "too-many-elements": ("[].toSorted.call({ length: 2 ** 32 - 2 })", "memory_limit"),
    "array-too-long": ("'x'.repeat(2 ** 28).match(/x/g)", "memory_limit"),
    # Built-in functions that look for no termination for minutes.
    "sparse-reverse": ("{ const a = [1]; a.length = 2 ** 32 - 1; a.reverse(); }", "cpu_limit"),
    "sparse-map": ("{ const a = [1]; a.length = 2 ** 32 - 1; a.map(String); }", "cpu_limit"),
}


class StuckScripts(unittest.TestCase):
    def test_a_stuck_script_is_answered_and_kept_away_and_the_others_go_on(self):
        """with one shard: each ends with its code, the same script then waits, neighbours answer"""
        with Server(shards=1, config=CONFIG) as server:
            server.deploy_source("good", GOOD)
            for name, (body, code) in STUCK.items():
                with self.subTest(name):
                    server.deploy_source(name,
                                         "export default { fetch() { %s; } };" % body)
                    answer = http1.request(server.http, f"{name}.localhost")
                    self.assertEqual((answer.status, answer.get("atoll-error")), (503, code))
                    good = http1.request(server.http, "good.localhost")
                    self.assertEqual((good.status, good.body), (200, b"good"))
                    again = http1.request(server.http, f"{name}.localhost")
                    self.assertEqual((again.status, again.get("atoll-error")),
                                     (503, "over_capacity"))
            self.assertEqual(server.log_text(100_000).count("thread_written_off"), len(STUCK))
            # Threads that still run do not keep the process.
            self.assertEqual(server.stop(), 0)

    def test_a_node_that_lost_too_many_threads_ends_for_a_fresh_one(self):
        """after eight write-offs it drains and exits with 75, every request answered"""
        with Server(shards=1, config=CONFIG) as server:
            source = "export default { fetch() { %s; } };" % STUCK["too-many-elements"][0]
            for n in range(8):
                server.deploy_source(f"stuck-{n}", source)
            for n in range(8):
                answer = http1.request(server.http, f"stuck-{n}.localhost")
                self.assertEqual(answer.get("atoll-error"), "memory_limit")
            self.assertEqual(server.process.wait(timeout=60), 75)
            self.assertIn("worn_out", server.log_text(100_000))
