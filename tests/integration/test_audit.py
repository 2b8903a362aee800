"""The audit log: who changed what, from the log itself, for owners and operators."""

import unittest

from support.server import Server

HELLO = "export default { fetch: () => new Response('hello') };"


class Audit(unittest.TestCase):
    def records(self, server, *args):
        return server.cli("audit", "--json", *args, check=True).json()["records"]

    def test_records(self):
        """a deploy with a token is on record under that token, also after a kill -9"""
        with Server(shards=1) as server:
            made = server.cli("tokens", "create", "ci", "--role", "deployer", "--json").json()
            server.deploy_source("shop", HELLO, token=made["token"])
            for restarted in (False, True):
                if restarted:
                    server.kill()
                    server.start()
                newest = self.records(server, "--limit", "1")[0]
                self.assertEqual(newest["action"], "script.deploy")
                self.assertTrue(newest["subject"].startswith("shop "))
                self.assertEqual(newest["token_id"], made["id"])
                self.assertEqual((newest["role"], newest["address"]), ("deployer", "127.0.0.1"))
            line = server.cli("audit", check=True).out.splitlines()[0]
            version = newest["subject"].split()[1][:8]
            self.assertIn(f"script.deploy  shop {version} 100 %  by {made['id']} deployer", line)
            refused = server.cli("audit", "--token", made["token"])
            self.assertEqual(refused.code, 1)
            whole = str(self.records(server))
            self.assertNotIn(made["token"], whole)

    def test_former_tenant(self):
        """the owner of a name does not see what was done under it before; an operator does"""
        with Server(shards=1) as server:
            first = server.make_tenant("acme")
            server.deploy_source("secretplan", HELLO, token=first)
            server.cli("tenants", "delete", "acme", "--yes", check=True)
            second = server.make_tenant("acme")
            server.deploy_source("shop", HELLO, token=second)
            own = str(self.records(server, "--token", second))
            self.assertIn("shop", own)
            self.assertNotIn("secretplan", own)
            self.assertIn("secretplan", str(self.records(server, "--tenant", "acme")))

    def test_too_often(self):
        """calls beyond the operator's limit are refused with when to come back"""
        with Server(shards=1, config="[control]\ncalls_per_second = 1\n") as server:
            statuses = [server.api("GET", "/scripts")[0] for _ in range(14)]
            self.assertEqual(statuses[0], 200)
            self.assertEqual(statuses[-1], 429)
            refused = server.cli("routes", "list")
            self.assertEqual(refused.code, 1)
            self.assertIn("too many calls: try again in 1 s", refused.err)


if __name__ == "__main__":
    unittest.main()
