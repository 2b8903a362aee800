"""Many scripts on one node: what a cold start costs again, and what a full node does."""

import http.client
import ssl
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

    def test_handshake(self):
        """a script gets ready while its client shakes hands, and answers what follows"""
        with Server(shards=1) as server:
            server.deploy_source("soon", SOURCE)
            context = ssl.create_default_context(cafile=server.ready["ca_file"])
            with http1.Connection(server.https, tls=context, sni="soon.localhost") as client:
                wait_until(lambda: metric(server, "atoll_isolates_warm") == 1, "a warm isolate")
                self.assertEqual(metric(server, "atoll_isolates_warmed_total"), 1)
                self.assertEqual(metric(server, "atoll_isolates_warmed_used_total"), 0)
                client.send("GET / HTTP/1.1\r\nHost: soon.localhost\r\n\r\n")
                self.assertEqual(client.read_response().text(), "hello")
            # One that is warm is not made again.
            with http1.Connection(server.https, tls=context, sni="soon.localhost") as client:
                client.send("GET / HTTP/1.1\r\nHost: soon.localhost\r\n\r\n")
                self.assertEqual(client.read_response().text(), "hello")
            self.assertEqual(metric(server, "atoll_isolates_warmed_total"), 1)
            self.assertEqual(metric(server, "atoll_isolates_warmed_used_total"), 1)
            self.assertEqual(metric(server, "atoll_cold_starts_total"), 1)

    def test_new_version(self):
        """a new version is ready before it is asked for, where the old one runs; another is not"""
        with Server(shards=1) as server:
            server.deploy_source("runs", SOURCE)
            server.deploy_source("sleeps", SOURCE)
            self.assertEqual(http1.request(server.http, "runs.localhost").text(), "hello")
            for name in ("runs", "sleeps"):
                server.deploy_source(name, SOURCE.replace("hello", "hello again"))
            wait_until(lambda: metric(server, "atoll_isolates_warm") == 2, "the new version")
            self.assertEqual(metric(server, "atoll_isolates_warmed_total"), 1)
            answer = http1.request(server.http, "runs.localhost").text()
            self.assertEqual(answer, "hello again")
            self.assertEqual(metric(server, "atoll_isolates_warmed_used_total"), 1)
            self.assertEqual(metric(server, "atoll_cold_starts_total"), 2)

    def test_memory(self):
        """a node with more idle isolates than its memory is for serves all, and keeps few warm"""
        names = [f"t{n}" for n in range(40)]
        # Less than the process takes anyway: whatever is idle is too much.
        config = "[script]\nmemory_bytes_max = 1000000\n"
        with Server(shards=1, config=config) as server:
            for name in names:
                server.deploy_source(name, SOURCE)
            for name in names + names[::-1]:
                self.assertEqual(http1.request(server.http, f"{name}.localhost").text(), "hello")
            wait_until(lambda: metric(server, "atoll_isolates") <= 8, "few isolates")
            self.assertGreater(metric(server, "atoll_isolates_evicted_for_memory_total"), 0)
            self.assertEqual(http1.request(server.http, "t3.localhost").text(), "hello")


if __name__ == "__main__":
    unittest.main()
