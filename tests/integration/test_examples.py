"""Every function in isolates/examples deploys as it stands and answers."""

import unittest

from support import http1
from support.server import TOP, Server

EXAMPLES = sorted(p.parent for p in (TOP / "isolates/examples").glob("*/wrangler.*"))


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())


class Examples(unittest.TestCase):
    def test_hello(self):
        """the sample greets, counts its visits, and says what it does not have"""
        server.deploy(TOP / "isolates/examples/hello")
        self.assertEqual(http1.request(server.http, "hello.localhost").text(),
                         "Hello from Atoll\n")
        counts = [http1.request(server.http, "hello.localhost", "/visits").text()
                  for _ in range(3)]
        self.assertEqual(counts, ['{"visits":1}', '{"visits":2}', '{"visits":3}'])
        self.assertEqual(http1.request(server.http, "hello.localhost", "/x").status, 404)


def _example(folder):
    def test(self):
        server.deploy(folder)
        answer = http1.request(server.http, f"{folder.name}.localhost")
        # The proxy's origin is on the internet, which a test does not ask: it says so.
        special = {"json-echo": 405, "proxy": 502}
        self.assertEqual(answer.status, special.get(folder.name, 200), answer.body)
    return test


for _folder in EXAMPLES:
    _test = _example(_folder)
    _test.__doc__ = f"the example {_folder.name} deploys and answers"
    setattr(Examples, f"test_deploys_{_folder.name}", _test)
