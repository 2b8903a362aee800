"""env.KV and the kv commands: what Workers users know of it, limits included."""

import json
import time
import unittest

from support import http1
from support.server import Server

WORKER = """
// Each request is one call: {method, args}; the answer is {value} or {error}.
const shown = {
  async get(kv, args) {
    const value = await kv.get(...args);
    if (value instanceof ArrayBuffer) return [...new Uint8Array(value)];
    if (value instanceof ReadableStream) return await new Response(value).text();
    return value;
  },
  getWithMetadata: (kv, args) => kv.getWithMetadata(...args),
  put: (kv, [key, value, options]) =>
    kv.put(key, Array.isArray(value) ? new Uint8Array(value) : value, options),
  putStream: (kv, [key, text]) => kv.put(key, new Response(text).body),
  list: (kv, args) => kv.list(...args),
  delete: (kv, args) => kv.delete(...args),
};
export default {
  async fetch(request, env) {
    const { method, args } = await request.json();
    try {
      return Response.json({ value: (await shown[method](env.KV, args)) ?? null });
    } catch (error) {
      return Response.json({ error: `${error.name}: ${error.message}` });
    }
  },
};
"""


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    server.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})


class Kv(unittest.TestCase):
    def call(self, method, *args):
        body = json.dumps({"method": method, "args": args}).encode()
        answer = http1.request(server.http, "kv.localhost", "/", "POST", (), body)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def value(self, method, *args):
        got = self.call(method, *args)
        self.assertIn("value", got, got)
        return got["value"]

    def test_round_trip(self):
        """what is put is read back at once, as text, JSON, bytes and stream"""
        self.value("put", "a", '{"x": [1, 2]}')
        self.assertEqual(self.value("get", "a"), '{"x": [1, 2]}')
        self.assertEqual(self.value("get", "a", "json"), {"x": [1, 2]})
        self.assertEqual(self.value("get", "a", {"type": "arrayBuffer"}), list(b'{"x": [1, 2]}'))
        self.assertEqual(self.value("get", "a", "stream"), '{"x": [1, 2]}')
        self.value("putStream", "s", "streamed in")
        self.assertEqual(self.value("get", "s"), "streamed in")
        self.value("put", "b", [0, 255, 128])
        self.assertEqual(self.value("get", "b", "arrayBuffer"), [0, 255, 128])

    def test_absent(self):
        """an absent key is null, and deleting it is no error"""
        self.assertIsNone(self.value("get", "never"))
        self.assertEqual(self.value("getWithMetadata", "never")["value"], None)
        self.assertIsNone(self.value("delete", "never"))
        self.value("put", "gone", "x")
        self.value("delete", "gone")
        self.assertIsNone(self.value("get", "gone"))

    def test_metadata(self):
        """metadata and expiry come back with the value and in lists"""
        later = int(time.time()) + 3600
        self.value("put", "meta", "v", {"metadata": {"tag": "ü"}, "expiration": later})
        self.assertEqual(self.value("getWithMetadata", "meta")["metadata"], {"tag": "ü"})
        listed = self.value("list", {"prefix": "meta"})["keys"]
        self.assertEqual(listed, [{"name": "meta", "expiration": later, "metadata": {"tag": "ü"}}])

    def test_list(self):
        """lists are ordered, bounded by prefix and limit, and continue from their cursor"""
        for number in range(25):
            self.value("put", f"list:{number:02}", "x")
        self.value("put", "lisu", "x")
        names, cursor = [], None
        while True:
            page = self.value("list", {"prefix": "list:", "limit": 10, "cursor": cursor})
            names += [key["name"] for key in page["keys"]]
            if page["list_complete"]:
                break
            cursor = page["cursor"]
        self.assertEqual(names, [f"list:{number:02}" for number in range(25)])

    def test_limits(self):
        """keys, values, metadata and expiries beyond the documented limits are refused by name"""
        for args, word in (
                (("k" * 513, "v"), "512"), (("", "v"), "empty"), ((".", "v"), '"."'),
                (("..", "v"), '".."'), (("m", "v", {"metadata": "x" * 1025}), "1024"),
                (("t", "v", {"expirationTtl": 59}), "60")):
            with self.subTest(args[0][:10]):
                self.assertIn(word, self.call("put", *args).get("error", "no error"))
        self.assertIn("error", self.call("get", "k" * 513))
        self.value("put", "k" * 512, "v")
        self.value("put", "ü" * 256, "v")
        self.assertIn("error", self.call("put", "ü" * 257, "v"))

    def test_large(self):
        """a value of 25 MiB is kept whole, and one byte more is refused"""
        folder = "/kv/namespaces/" + self.namespace() + "/values/"
        blob = bytes(range(256)) * (25 * 4096)
        self.assertLess(server.api("PUT", folder + "big", blob)[0], 300)
        self.assertEqual(server.api("GET", folder + "big"), (200, blob))
        self.assertIn(server.api("PUT", folder + "bigger", blob + b"x")[0], (400, 413))

    def namespace(self):
        spaces = server.api("GET", "/kv/namespaces")[1]["namespaces"]
        self.assertEqual(len(spaces), 1)
        return spaces[0]["id"]

    def test_api_and_script_agree(self):
        """what the API writes the script reads, and the other way round"""
        folder = "/kv/namespaces/" + self.namespace() + "/values/"
        self.assertLess(server.api("PUT", folder + "from%2Fapi", b"api")[0], 300)
        self.assertEqual(self.value("get", "from/api"), "api")
        self.value("put", "from/script", "script")
        self.assertEqual(server.api("GET", folder + "from%2Fscript"), (200, b"script"))
        self.assertIn(server.api("PUT", folder + "k" * 513, b"v")[0], (400, 413))

    def test_survives_restart(self):
        """what was acknowledged is there after a drain and a start"""
        with Server() as other:
            other.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
            space = other.api("GET", "/kv/namespaces")[1]["namespaces"][0]["id"]
            other.api("PUT", f"/kv/namespaces/{space}/values/kept", b"still here")
            self.assertEqual(other.stop(), 0)
            other.start()
            self.assertEqual(other.api("GET", f"/kv/namespaces/{space}/values/kept"),
                             (200, b"still here"))
            body = json.dumps({"method": "get", "args": ["kept"]}).encode()
            answer = http1.request(other.http, "kv.localhost", "/", "POST", (), body)
            self.assertEqual(json.loads(answer.body), {"value": "still here"})
