"""A fleet in a storm: writes and deploys while links are cut, disks fill and nodes are killed.

The short form is one round. ATOLL_TEST_LONG=1 makes it twenty rounds of 100,000 writes and 200
deploys; ATOLL_STORM_ROUNDS and ATOLL_STORM_SEED choose fewer, and where they begin.
"""

import ctypes
import http.client
import json
import os
import random
import shutil
import subprocess
import threading
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

from support import http1
from support.fleet import Control, Edge, Link, join_words, verified, wait_for_index
from support.server import LONG, PATIENCE_SECONDS, sanitized, wait_until

ROUNDS = int(os.environ.get("ATOLL_STORM_ROUNDS", 20 if LONG else 1))
FIRST_SEED = int(os.environ.get("ATOLL_STORM_SEED", 1))
WRITES = 100_000 if LONG else 500 if sanitized() else 2_000
DEPLOYS = 200 if LONG else 6
FAULTS_MIN = 60 if LONG else 8
DISK_BYTES = (3072 if LONG else 768) << 20
FILLS_MAX = 6 if LONG else 1  # Each brings a flood, which stays.
FLOOD_COUNT = 80  # More than what RocksDB has set aside for its log.

WORKER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    try {
      if (request.method === 'PUT') {
        await env.KV.put(url.pathname.slice(1), await request.text());
        return new Response(null, { status: 204 });
      }
      const wanted = await request.json();  // Key to value; which of them are not so?
      const wrong = [];
      for (const [key, value] of Object.entries(wanted)) {
        const found = await env.KV.get(key);
        if (found !== value) wrong.push(`${key}: ${found?.slice(0, 40)}`);
      }
      return Response.json(wrong);
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};
"""
VERSIONED = "export default { fetch: () => new Response('VERSION') };"


def value_of(key):
    """What the key gets: a thousandth of the values are large enough to go in pieces."""
    number = int(key.rsplit("-", 1)[1])
    if key.startswith("flood-"):
        return random.Random(key).randbytes(500_000).hex()
    return f"value of {key} " + "x" * (300_000 if number % 1000 == 999 else number % 200)


class Disk:
    """A file system of its own for a node's data, to be filled; none where mounting is refused."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.mounted = self.libc.mount(b"storm", bytes(self.path), b"tmpfs", 0,
                                       f"size={DISK_BYTES}".encode()) == 0

    def fill(self):
        if not self.mounted:
            return
        room = os.statvfs(self.path)
        with open(self.path / "ballast", "wb") as ballast:
            try:
                os.posix_fallocate(ballast.fileno(), 0, room.f_bavail * room.f_bsize)
            except OSError:
                pass  # Somebody was faster: it is full all the same.

    def clear(self):
        (self.path / "ballast").unlink(missing_ok=True)

    def close(self):
        if self.mounted:
            self.libc.umount2(bytes(self.path), 2)
            shutil.rmtree(self.path.parent, ignore_errors=True)


@dataclass
class Member:
    """A node, the link by which it hears of others, and its disk."""

    server: object
    link: object = None
    disk: object = None


class Storm:
    def __init__(self, test, seed):
        self.random = random.Random(seed)
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.acknowledged = []
        self.refused = 0
        self.deploys = 0
        self.deployed = None
        self.said = []
        self.floods = 0
        control = Control()
        self.control = Member(control, disk=self.disk(test, control))
        test.enterContext(control)
        control.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        self.edges = []
        relay = self.add(test, "relay", [control.fleet], relay=True)
        self.add(test, "behind", [relay.server.fleet, control.fleet])
        for name in ("east", "west", "north"):
            self.add(test, name, [control.fleet])

    def disk(self, test, server):
        disk = Disk(server.data)
        test.addCleanup(disk.close)
        return disk

    def add(self, test, name, ports, relay=False):
        links = [test.enterContext(Link(port)) for port in ports]
        to_control = links[-1]
        edge = Edge(name, join_words(self.control.server, via=to_control),
                    upstreams=[link.url for link in links], relay=relay, shards=1)
        member = Member(edge, links[0], self.disk(test, edge))
        test.enterContext(edge)
        self.edges.append(member)
        return member

    # ---- what goes on ----

    def write(self, member):
        """Puts keys of its own until enough are acknowledged. A key that failed is never used
        again: its write may still be made."""
        name, number, connection = member.server.name, 0, None
        while not self.stop.is_set():
            with self.lock:
                if len(self.acknowledged) >= WRITES and len(self.said) >= FAULTS_MIN:
                    return
            key, number = f"{name}-{number}", number + 1
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", member.server.http,
                                                            timeout=PATIENCE_SECONDS)
                connection.request("PUT", f"/{key}", value_of(key), {"Host": "kv.localhost"})
                answer = connection.getresponse()
                answer.read()
                made = answer.status == 204
            except (OSError, http.client.HTTPException):
                connection, made = None, False
                time.sleep(0.05)
            with self.lock:
                if made:
                    self.acknowledged.append(key)
                else:
                    self.refused += 1

    def deploy(self):
        while self.deploys < DEPLOYS and not self.stop.is_set():
            version = f"v{self.deploys}"
            try:
                made = self.control.server.deploy_source(
                    "app", VERSIONED.replace("VERSION", version), check=False)
            except (OSError, subprocess.SubprocessError):
                continue
            if made.code == 0:
                self.deployed, self.deploys = version, self.deploys + 1
            else:
                time.sleep(0.1)

    def fault(self):
        """One thing that goes wrong, and most of the time is mended before the next."""
        member = self.random.choice(self.edges)
        kinds = ["cut", "cut", "cut", "kill", "kill", "kill control"]
        if self.floods < FILLS_MAX:
            kinds += ["fill", "fill control"]
        kind = self.random.choice(kinds)
        self.said.append(f"{kind} {member.server.name}")
        pause = self.random.uniform(0.05, 1.5)
        if kind == "cut":
            member.link.cut()
            time.sleep(pause)
            member.link.heal()
        elif kind == "kill":
            self.restart(member, pause)
        elif kind == "kill control":
            self.restart(self.control, pause)
        elif kind == "fill":
            self.fill(member, pause)
        else:
            self.fill(self.control, pause)

    def restart(self, member, pause):
        member.server.kill()
        time.sleep(pause)
        member.server.start()

    def fill(self, member, pause):
        """A full disk, and what its operator does: makes room, and starts the node again. An edge
        goes on without that."""
        member.disk.fill()
        self.flood()
        time.sleep(pause)
        way = self.random.choice(["room", "restart", "kill"])
        if way == "kill":
            member.server.kill()
        member.disk.clear()
        if way == "kill":
            member.server.start()
        elif way == "restart" or member is self.control:
            self.restart(member, pause)

    def flood(self):
        """Writes until somebody's disk must have noticed, or the control plane's own is full."""
        server = self.control.server
        namespace = server.api("GET", "/kv/namespaces")[1]["namespaces"][0]["id"]
        for i in range(FLOOD_COUNT):
            key = f"flood-{self.floods * FLOOD_COUNT + i}"
            status, _ = server.api("PUT", f"/kv/namespaces/{namespace}/values/{key}",
                                   value_of(key).encode())
            if status not in (200, 204):
                self.said.append(f"the disk was full at {key}")
                break
            with self.lock:
                self.acknowledged.append(key)
        self.floods += 1

    def run(self):
        threads = [threading.Thread(target=self.write, args=(member,)) for member in self.edges]
        threads.append(threading.Thread(target=self.deploy))
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                self.fault()
                time.sleep(self.random.uniform(0, 0.5))
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    # ---- what must be true in the end ----

    def check(self, test):
        wait_for_index(self.control.server, [m.server.name for m in self.edges],
                       2 * PATIENCE_SECONDS)
        # Mixed: a flood's values are large, and a question holds only few of them.
        all_keys = list(self.acknowledged)
        self.random.shuffle(all_keys)
        for member in self.edges:
            if member is not self.edges[0]:  # Digests say below that all have the same.
                all_keys = [key for key in all_keys if not key.startswith("flood-")]
            for start in range(0, len(all_keys), 50):
                keys = all_keys[start:start + 50]
                answer = http1.request(member.server.http, "kv.localhost", "/", "POST", (),
                                       json.dumps({k: value_of(k) for k in keys}).encode())
                test.assertEqual((answer.status, json.loads(answer.body)), (200, []),
                                 f"{member.server.name} lost what was acknowledged: {self.said}")
            wait_until(lambda: self.runs(member), f"{self.deployed} on {member.server.name}")
        for member in (*self.edges, self.control):
            test.assertEqual(member.server.stop(), 0)
        expected = verified(self.control.server)
        for member in self.edges:
            test.assertEqual(verified(member.server), expected, self.said)

    def runs(self, member):
        """An answer that was lost may have been a deploy that was made: later ones are fine."""
        answer = http1.request(member.server.http, "app.localhost")
        return answer.status == 200 and int(answer.body[1:]) >= int(self.deployed[1:])


class FleetStorm(unittest.TestCase):
    def test_storm(self):
        """in a storm every acknowledged write survives, and all nodes end alike"""
        for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
            with self.subTest(seed=seed):
                begun = time.monotonic()
                round_case = unittest.TestCase()  # What a round makes, to be cleaned up at its end.
                try:
                    storm = Storm(round_case, seed)
                    storm.run()
                    storm.check(self)
                finally:
                    round_case.doCleanups()
                print(f"seed {seed}: {len(storm.acknowledged)} writes acknowledged, "
                      f"{storm.refused} refused, {storm.deploys} deploys in "
                      f"{time.monotonic() - begun:.0f} s; {', '.join(storm.said)}", flush=True)
                self.assertGreater(len(storm.acknowledged), 0)


if __name__ == "__main__":
    unittest.main()
