"""What the process gives up before it runs scripts, and what happens when it ends all the same."""

import ctypes
import json
import signal
import unittest
import urllib.request
from pathlib import Path

from support import http1
from support.server import Server, sanitized, wait_until

GOOD = "export default { fetch: () => new Response('good') };"
SPIN = """export default { fetch(request) {
  if (request.url.endsWith('/spin')) for (;;) {}
  return new Response('not spinning');
} };"""


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def log_lines(server, event):
    lines = server.log_text(10**6).splitlines()
    return [json.loads(line) for line in lines if f'"event":"{event}"' in line]


def metrics(server):
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics").read().decode()
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def total(values, name):
    return sum(value for key, value in values.items() if key.split("{")[0] == name)


def ticks(pid):
    """CPU time used, in hundredths of a second, by thread."""
    used = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        used[int(task.name)] = int(fields[11]) + int(fields[12])
    return used


def crash(server):
    """Has the thread that runs an endless loop fault."""
    before = ticks(server.pid)
    connection = http1.Connection(server.http)
    connection.send(b"GET /spin HTTP/1.1\r\nhost: spin.localhost\r\n\r\n")
    found = wait_until(lambda: [thread for thread, used in ticks(server.pid).items()
                                if used - before.get(thread, 0) > 30], "a thread spins")
    if ctypes.CDLL(None).tgkill(server.pid, found[0], signal.SIGSEGV) != 0:
        raise OSError("tgkill")
    connection.close()


class Containment(unittest.TestCase):
    def test_gives_up(self):
        """the process runs without privileges, and its log says which measures are in force"""
        for contain in ("on", "full"):
            with self.subTest(contain), \
                    Server(shards=1, config=f'[process]\ncontain = "{contain}"\n') as server:
                server.deploy_source("good", GOOD)
                self.assertEqual(http1.request(server.http, "good.localhost").text(), "good")
                measures = {line["measure"]: line["active"]
                            for line in log_lines(server, "containment")}
                self.assertEqual(set(measures),
                                 {"no_new_privs", "capabilities", "landlock", "seccomp"})
                self.assertEqual(measures["seccomp"], contain == "full" and not sanitized())
                for task in Path(f"/proc/{server.pid}/task").iterdir():
                    status = status_of(f"{server.pid}/task/{task.name}")
                    self.assertEqual(status["NoNewPrivs"], "1")
                    # CAP_NET_BIND_SERVICE at the most.
                    self.assertEqual(int(status["CapEff"], 16) & ~(1 << 10), 0)
                    if measures["seccomp"]:
                        self.assertEqual(status["Seccomp"], "2")

    def test_switch(self):
        """an operator can do without"""
        with Server(shards=1, config='[process]\ncontain = "off"\n') as server:
            self.assertEqual(log_lines(server, "containment"), [])
            self.assertEqual(status_of(server.pid)["Seccomp"], status_of("self")["Seccomp"])

    def test_metrics(self):
        """/metrics counts slices, cold starts and refusals per shard and kind"""
        with Server(shards=2, config="[script]\ncpu_ms_max = 100\n") as server:
            server.deploy_source("good", GOOD)
            server.deploy_source("spin", SPIN)
            before = metrics(server)
            for _ in range(10):
                http1.request(server.http, "good.localhost")
            self.assertEqual(http1.request(server.http, "spin.localhost", "/spin").status, 503)
            after = metrics(server)
            self.assertGreaterEqual(total(after, "atoll_events_total"), 10)
            self.assertGreaterEqual(total(after, "atoll_slices_total"), 10)
            self.assertGreaterEqual(total(after, "atoll_cold_starts_total"), 2)
            self.assertGreater(total(after, "atoll_cold_start_seconds_total"), 0)
            self.assertGreaterEqual(total(after, "atoll_isolates"), 1)
            self.assertGreaterEqual(total(after, "atoll_isolates_warm"), 1)
            self.assertEqual(total(after, "atoll_isolates_lost_total"), 1)
            self.assertGreaterEqual(total(after, "atoll_handoffs_total"), 1)
            self.assertEqual(after['atoll_refusals_total{code="cpu_limit"}'], 1)
            self.assertEqual(total(before, "atoll_isolates_lost_total"), 0)

    @unittest.skipIf(sanitized(), "sanitizers have handlers of their own")
    def test_crash(self):
        """a crash names what ran; the process is back within a second; the second one is enough"""
        config = '[process]\nsupervise = "on"\n'
        with Server(shards=1, config=config) as server:
            server.deploy_source("spin", SPIN)
            server.deploy_source("good", GOOD)
            for crashes in (1, 2):
                crash(server)
                server.ready = json.loads(server._ready_line())
                server.pid = server.ready["pid"]
                server.http = int(server.ready["http"].rsplit(":", 1)[1])
                self.assertEqual(http1.request(server.http, "good.localhost").text(), "good")
                reports = log_lines(server, "crash")
                self.assertEqual(len(reports), crashes)
                self.assertEqual((reports[-1]["script"], reports[-1]["signal"]),
                                 ("spin", signal.SIGSEGV))
                answer = http1.request(server.http, "spin.localhost")
                if crashes == 1:
                    self.assertEqual(answer.text(), "not spinning")
                else:
                    self.assertEqual((answer.status, answer.get("atoll-error")),
                                     (503, "quarantined"))
            self.assertEqual(server.stop(), 0)

    def test_supervisor_goes(self):
        """a supervisor that is killed takes the server along"""
        with Server(shards=1, config='[process]\nsupervise = "on"\n') as server:
            child = server.pid
            self.assertNotEqual(child, server.process.pid)
            server.kill()
            wait_until(lambda: not Path(f"/proc/{child}").exists(), "the server's end")

