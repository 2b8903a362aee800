"""Tenants: made and removed by the operator, apart from each other, and fair to each other."""

import time
import unittest

from support import http1
from support.server import Server

HELLO = "export default { fetch: () => new Response('%s') };"
COUNTER = """export default { async fetch(request, env) {
  const seen = Number(await env.KV.get('seen') ?? 0) + 1;
  await env.KV.put('seen', String(seen));
  return new Response(String(seen));
} };"""


class Tenants(unittest.TestCase):
    def test_apart(self):
        """two tenants have scripts of one name; neither sees or changes the other's"""
        with Server(shards=1) as server:
            tokens = {name: server.make_tenant(name) for name in ("acme", "rival")}
            for name, token in tokens.items():
                server.deploy_source("shop", HELLO % name, token=token)
            for name in tokens:
                self.assertEqual(http1.request(server.http, f"shop.{name}.localhost").text(), name)
            self.assertEqual(http1.request(server.http, "shop.localhost").status, 404)
            acme = tokens["acme"]
            self.assertEqual(server.cli("whoami", "--token", acme, "--json").json()["tenant"],
                             "acme")
            for path in ("/tenants", "/tenants/rival/tokens", "/nodes"):
                self.assertEqual(server.api("GET", path, token=acme)[0], 403, path)
            self.assertEqual(server.api("POST", "/tenants/rival/tokens",
                                        {"name": "x", "role": "owner"}, token=acme)[0], 403)
            self.assertEqual(server.api("DELETE", "/tenants/rival", token=acme)[0], 403)

    def test_removed(self):
        """a removed tenant's tokens, scripts, routes and KV are gone, also after a restart"""
        with Server(shards=1) as server:
            token = server.make_tenant("acme")
            server.deploy_source("shop", COUNTER, token=token, config={
                "kv_namespaces": [{"binding": "KV"}], "routes": ["acme.example/*"]})
            server.deploy_source("other", HELLO % "other", token=token)
            self.assertEqual(http1.request(server.http, "acme.example").text(), "1")
            server.deploy_source("stays", HELLO % "stays")

            self.assertEqual(server.cli("tenants", "delete", "acme").code, 2)
            server.cli("tenants", "delete", "acme", "--yes", check=True)
            for restarted in (False, True):
                if restarted:
                    server.kill()
                    server.start()
                listed = server.cli("tenants", "list", "--json").json()["tenants"]
                self.assertEqual([tenant["name"] for tenant in listed], ["default"])
                self.assertEqual(server.api("GET", "/whoami", token=token)[0], 401)
                for host in ("acme.example", "shop.acme.localhost", "other.acme.localhost"):
                    self.assertEqual(http1.request(server.http, host).status, 404, host)
                self.assertEqual(http1.request(server.http, "stays.localhost").text(), "stays")
            self.assertIn("no tenant acme", server.cli("tenants", "delete", "acme", "--yes").err)
            # The name is free again, and nothing of its first life is left.
            token = server.make_tenant("acme")
            listed = server.cli("kv", "namespace", "list", "--token", token, "--json").json()
            self.assertEqual(listed["namespaces"], [])
            server.deploy_source("shop", COUNTER, token=token, config={
                "kv_namespaces": [{"binding": "KV"}]})
            self.assertEqual(http1.request(server.http, "shop.acme.localhost").text(), "1")

    def test_shed(self):
        """on a full shard a tenant with one request is served; the newest of the heaviest is not"""
        spin = ("let calls = 0; export default { fetch() { let n = 0; "
                "if (++calls === 1) while (n < 3e9) n++; return new Response('done'); } };")
        with Server(shards=1, config="[script]\nshard_queue_max = 6\n") as server:
            server.deploy_source("spin", spin, token=server.make_tenant("heavy"))
            server.deploy_source("hello", HELLO % "hello", token=server.make_tenant("light"))
            waiting = [http1.Connection(server.http) for _ in range(7)]
            try:
                for connection in waiting:
                    connection.send(b"GET / HTTP/1.1\r\nHost: spin.heavy.localhost\r\n\r\n")
                    time.sleep(0.05)  # Their order is that of their connections.
                answer = http1.request(server.http, "hello.light.localhost")
                self.assertEqual((answer.status, answer.text()), (200, "hello"))
                answers = [connection.read_response() for connection in waiting]
            finally:
                for connection in waiting:
                    connection.close()
            codes = [answer.get("atoll-error") for answer in answers]
            self.assertEqual(codes[-1], "over_capacity")
            self.assertEqual(answers[-1].status, 503)
            self.assertEqual(codes[:-1], [None] * 6)
            self.assertEqual([answer.text() for answer in answers[:-1]], ["done"] * 6)
