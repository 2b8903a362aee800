"""Scripts that mean harm: each ends with its code; the process, its neighbours and its memory stay.

The scripts are hostile/*.js. Their first lines say what is expected and needed:

    // ends: cpu_limit memory_limit    any of these: a code of src/gateway/README.md, a status,
                                       "refused" (by the deploy), "endless" (a body that goes on
                                       until its reader has had enough), "broken" (a body cut off)
    // wasm: 0061736d…                 ./it.wasm, in hex
    // file: name.js: source           a further module
    // config: {…}                     more of wrangler.json
    // flags: …                        compatibility flags
    // sends: 3000000                  bytes of the request's body
"""

import http.client
import json
import socket
import unittest
from pathlib import Path

from support import http1
from support.server import Server, sanitized, wait_until

SCRIPTS = Path(__file__).resolve().parent / "hostile"
GOOD = "let n = 0; export default { fetch: () => new Response(`good ${++n}`) };"
# Limits that a test can wait for, and two shards: one may be harmed, the other must not be.
CONFIG = """
[script]
cpu_ms_max = {cpu}
wall_ms_max = {wall}
wait_until_ms_max = 1000
heap_bytes_max = 67108864
"""
# By the first word of a script's name: limits that leave its kind of harm the time to be done.
LIMITS = {"grow": {"cpu": 4000, "wall": 40000}, "builtin": {"cpu": 300, "wall": 40000},
          "deep": {"cpu": 2000, "wall": 20000}, "flood": {"cpu": 2000, "wall": 4000}}
OTHER_LIMITS = {"cpu": 300, "wall": 4000}
ENOUGH_BYTES = 4 << 20
# The scripts that V8 cannot be made to leave, "builtin_…", cost their server a thread and its heap
# each; it is replaced before it has had enough of that.
WRITE_OFFS_MAX = 3
# How much more a process may hold after the gallery: caches and what malloc keeps, and for each
# script an isolate that stays warm.
KEPT_BYTES_MAX = 100 << 20
WARM_BYTES_MAX = 4 << 20


class Row:
    def __init__(self, path):
        self.name = path.stem.replace("_", "-")
        self.source = path.read_text()
        self.ends, self.config, self.files, self.sends = (), {}, {}, 0
        for line in self.source.splitlines():
            if not line.startswith("// "):
                break
            key, _, value = line[3:].partition(": ")
            if key == "ends":
                self.ends = value.split()
            elif key == "wasm":
                self.files["it.wasm"] = bytes.fromhex(value)
            elif key == "file":
                name, _, text = value.partition(": ")
                self.files[name] = text
            elif key == "config":
                self.config.update(json.loads(value))
            elif key == "flags":
                self.config["compatibility_flags"] = value.split()
            elif key == "sends":
                self.sends = int(value)

    def deploy(self, server):
        return server.deploy_source(self.name, self.source, self.files, self.config, check=False)

    def run(self, server):
        """How its request ended."""
        connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
        try:
            connection.request("POST" if self.sends else "GET", "/", b"x" * self.sends or None,
                               {"Host": f"{self.name}.localhost"})
            answer = connection.getresponse()
            if code := answer.getheader("atoll-error"):
                return code
            got = 0
            while got < ENOUGH_BYTES:
                if "endless" in self.ends and got > 0:
                    return "endless"
                piece = answer.read1(65536)
                if not piece:
                    return str(answer.status)
                got += len(piece)
            return "endless"
        except (http.client.IncompleteRead, ConnectionResetError):
            return "broken"
        except http.client.HTTPException as error:
            return str(error)
        except socket.timeout:
            return "no answer"
        finally:
            connection.close()


ROWS = [Row(path) for path in sorted(SCRIPTS.glob("*.js"))]


servers = {}


def setUpModule():
    if sanitized():
        raise unittest.SkipTest("the limits of a sanitized process are not those of the product")
    unittest.addModuleCleanup(end_all)


def end_all():
    for server in servers.values():
        server.kill()  # It would wait for threads that never end.
        server.close()
    servers.clear()


def server_for(row):
    kind = row.name.partition("-")[0]
    kind = kind if kind in LIMITS else "other"
    server = servers.get(kind)
    if server is not None and write_offs(server) >= WRITE_OFFS_MAX:
        server.kill()
        server.close()
        server = None
    if server is None:
        server = Server(config=CONFIG.format(**LIMITS.get(kind, OTHER_LIMITS))).start()
        servers[kind] = server
        server.deploy_source("good", GOOD)
        good_answers(server)
        server.resident_before = server.resident_bytes()
        server.rows = 0
    server.rows += 1
    return server


def write_offs(server):
    return server.log_text(10**7).count('"thread_written_off"')


def good_answers(server):
    """A neighbour on each shard answers."""
    for _ in range(4):
        answer = http1.request(server.http, "good.localhost")
        if not answer.text().startswith("good"):
            raise AssertionError(f"the neighbour answers {answer.status}: {answer.text()}")


class Hostile(unittest.TestCase):
    def test_zz_memory_returns(self):
        """after the whole gallery the processes have their memory back"""
        for kind, server in servers.items():
            if write_offs(server) == 0:
                most = (server.resident_before + KEPT_BYTES_MAX + server.rows * WARM_BYTES_MAX)
                wait_until(lambda: server.resident_bytes() < most,
                           f"{kind}, {server.rows} scripts: from {server.resident_before >> 20} MB "
                           f"and {server.resident_bytes() >> 20} MB now to {most >> 20} MB")


def _row(row):
    def test(self):
        server = server_for(row)
        deployed = row.deploy(server)
        if "refused" in row.ends:
            self.assertEqual(deployed.code, 1, deployed)
        else:
            self.assertEqual(deployed.code, 0, deployed)
            self.assertIn(row.run(server), row.ends)
        self.assertTrue(server.alive(), server.log_text())
        good_answers(server)
    return test


for _each in ROWS:
    _test = _row(_each)
    _test.__doc__ = f"{_each.name.replace('-', ' ')}: {' or '.join(_each.ends)}"
    setattr(Hostile, "test_" + _each.name.replace("-", "_"), _test)
