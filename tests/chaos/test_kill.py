"""kill -9 in a storm of writes: nothing acknowledged is lost, and the log verifies."""

import http.client
import random
import subprocess
import threading
import unittest

from support import http1
from support.server import LONG, PATIENCE_SECONDS, Server, sanitized

ROUNDS = 20 if LONG else 3 if sanitized() else 6
WRITERS = 6

WORKER = """
export default {
  async fetch(request, env) {
    const key = new URL(request.url).pathname.slice(1);
    if (request.method === 'PUT') {
      await env.KV.put(key, await request.text());
      return new Response(null, { status: 204 });
    }
    const value = await env.KV.get(key);
    return value === null ? new Response('absent', { status: 404 }) : new Response(value);
  },
};
"""
VERSIONED = "export default { fetch: () => new Response('VERSION') };"


class Kill(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server())
        self.server.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        self.acknowledged = {}  # key -> value
        self.deployed = {}  # script -> the last version acknowledged
        self.attempted = {}  # script -> the last version that was sent
        self.lock = threading.Lock()

    def put_until_killed(self, writer, start, stop):
        """KV puts by way of the script, each noted once it is acknowledged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http,
                                                timeout=PATIENCE_SECONDS)
        number = start
        try:
            while not stop.is_set():
                key, value = f"{writer}-{number}", f"value {number} of {writer} " + "x" * number
                connection.request("PUT", f"/{key}", value, {"Host": "kv.localhost"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 204:
                    with self.lock:
                        self.acknowledged[key] = value
                number += 1
        except (OSError, http.client.HTTPException):
            pass  # Killed: what was not acknowledged may be there or not.
        finally:
            connection.close()

    def deploy_until_killed(self, script, start, stop):
        number = start
        while not stop.is_set():
            self.attempted[script] = number
            try:
                result = self.server.deploy_source(
                    script, VERSIONED.replace("VERSION", f"version {number}"), check=False)
            except (OSError, subprocess.SubprocessError):
                return
            if result.code == 0:
                self.deployed[script] = number
            number += 1

    def storm(self, round_number, random_source):
        stop = threading.Event()
        start = round_number * 100_000
        threads = [threading.Thread(target=self.put_until_killed, args=(f"w{n}", start, stop))
                   for n in range(WRITERS)]
        threads += [threading.Thread(target=self.deploy_until_killed, args=(f"s{n}", start, stop))
                    for n in range(2)]
        before = len(self.acknowledged)
        for thread in threads:
            thread.start()
        # The kill comes after a random number of acknowledged writes, not after a time.
        target = before + random_source.randrange(20, 400)
        while len(self.acknowledged) < target and any(t.is_alive() for t in threads[:WRITERS]):
            threads[0].join(0.005)
        self.server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertGreater(len(self.acknowledged), before, "the storm wrote nothing")

    def check(self):
        for key, value in self.acknowledged.items():
            answer = http1.request(self.server.http, "kv.localhost", f"/{key}")
            self.assertEqual((answer.status, answer.text()), (200, value), f"lost: {key}")
        for script, version in self.deployed.items():
            answer = http1.request(self.server.http, f"{script}.localhost")
            self.assertEqual(answer.status, 200)
            served = int(answer.text().split()[-1])
            self.assertGreaterEqual(served, version, "a deploy was lost")
            self.assertLessEqual(served, self.attempted[script])

    def verify_log(self):
        made = subprocess.run([str(self.server.binaries / "atolld"), "verify-log", "--data",
                               str(self.server.data)], capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)

    def test_storm(self):
        """every acknowledged put and deploy survives kill -9, and the log's chain verifies"""
        random_source = random.Random(20)  # The same storms every time.
        for round_number in range(1, ROUNDS + 1):
            self.storm(round_number, random_source)
            self.verify_log()
            self.server.start()
            self.check()

    def test_torn_log(self):
        """a log that was tampered with is found by verify-log"""
        for number in range(5):
            self.server.api("PUT", f"/kv/namespaces/{self.namespace()}/values/k{number}", b"v")
        self.assertEqual(self.server.stop(), 0)
        self.verify_log()
        files = [f for f in self.server.data.rglob("*") if f.suffix in (".log", ".sst")
                 and f.stat().st_size > 1000]
        self.assertTrue(files, "no database files")
        for file in files:
            data = bytearray(file.read_bytes())
            for at in range(len(data) // 3, len(data) * 2 // 3):
                data[at] ^= 0x5A
            file.write_bytes(data)
        made = subprocess.run([str(self.server.binaries / "atolld"), "verify-log", "--data",
                               str(self.server.data)], capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS)
        self.assertNotEqual(made.returncode, 0, made.stdout)
        self.assertTrue(made.stderr.strip())

    def namespace(self):
        return self.server.api("GET", "/kv/namespaces")[1]["namespaces"][0]["id"]
