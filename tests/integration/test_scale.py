"""Many scripts on one node: what a cold start costs again, and what a full node does."""

import http.client
import unittest

from support import http1
from support.server import Server, wait_until

# Code of less is not worth keeping.
SOURCE = (f"const filling = '{'x' * 2000}';\n"
          "export default { fetch: () => new Response(filling.slice(2000) + 'hello') };")


def metric(server, name):
    """Of /metrics, summed over its labels."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.split("{")[0].split(" ")[0] == name)


class Scale(unittest.TestCase):
    def test_restart(self):
        """a restarted node finds the compiled code of its scripts in its store"""
        with Server(shards=1) as server:
            server.deploy_source("once", SOURCE)
            self.assertEqual(http1.request(server.http, "once.localhost").text(), "hello")
            for name in ("compile", "evaluate", "lookup", "isolate"):
                self.assertGreater(metric(server, f"atoll_cold_start_{name}_seconds_total"), 0)
            self.assertGreaterEqual(metric(server, "atoll_queue_seconds_count"), 1)
            self.assertEqual(server.stop(), 0)
            server.start()
            self.assertEqual(http1.request(server.http, "once.localhost").text(), "hello")
            wait_until(lambda: metric(server, "atoll_cold_starts_total") == 1, "one cold start")
            self.assertEqual(metric(server, "atoll_cold_starts_cached_total"), 1)


if __name__ == "__main__":
    unittest.main()
