"""A control plane, edges and a relay as real processes: joining, following, cut links, kill -9."""

import json
import shutil
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from support import http1
from support.fleet import Control, Edge, Link, join_words, verified, wait_for_index
from support.server import PATIENCE_SECONDS, wait_until

WORKER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const key = url.pathname.slice(1);
    try {
      if (url.pathname === '/list') return Response.json(await env.KV.list());
      if (request.method === 'PUT') {
        await env.KV.put(key, await request.text());
        return new Response(await env.KV.get(key), { status: 200 });
      }
      if (request.method === 'DELETE') {
        await env.KV.delete(key);
        return new Response(null, { status: 204 });
      }
      const value = await env.KV.get(key);
      return value === null ? new Response('absent', { status: 404 }) : new Response(value);
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};
"""
SECRETIVE = "export default { fetch: (request, env) => new Response(env.TOKEN) };"
VERSIONED = "export default { fetch: () => new Response('VERSION') };"


def ask(edge, script, path="/", method="GET", body=b""):
    return http1.request(edge.http, f"{script}.localhost", path, method, (), body)


def answers(edge, script, text):
    try:
        answer = ask(edge, script)
    except (OSError, EOFError):
        return False
    return answer.status == 200 and answer.body == text.encode()


class Fleet(unittest.TestCase):
    def start(self, server):
        return self.enterContext(server)

    def control(self, **more):
        return self.start(Control(**more))

    def edge(self, name, control, **more):
        return self.start(Edge(name, join_words(control), **more))

    def test_deploys_and_writes_reach_every_edge(self):
        """deploys and KV writes reach every edge, a relay's follower too, and all end alike"""
        control = self.control()
        control.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        one = self.edge("one", control, relay=True)
        two = self.edge("two", control)
        behind = self.edge("behind", control, upstreams=[f"https://127.0.0.1:{one.fleet}"])
        edges = [one, two, behind]
        for version in range(3):
            control.deploy_source("app", VERSIONED.replace("VERSION", f"v{version}"))
            for edge in edges:
                wait_until(lambda: answers(edge, "app", f"v{version}"), "the new version")
        for i, edge in enumerate(edges):
            # Its own write is read at once where it was made, and soon everywhere.
            made = ask(edge, "kv", f"/key{i}", "PUT", f"value{i}".encode())
            self.assertEqual((made.status, made.body), (200, f"value{i}".encode()))
            for other in edges:
                wait_until(lambda: ask(other, "kv", f"/key{i}").body == f"value{i}".encode(),
                           "the value")
        ask(two, "kv", "/key0", "DELETE")
        wait_until(lambda: ask(behind, "kv", "/key0").status == 404, "the deletion")
        large = bytes(range(256)) * 4096 * 4
        self.assertEqual(ask(two, "kv", "/large", "PUT", large.hex().encode()).status, 200)
        wait_until(lambda: ask(behind, "kv", "/large").body == large.hex().encode(), "4 MB")

        wait_for_index(control, ["one", "two", "behind"])
        nodes, _ = control.nodes()
        self.assertEqual(nodes["behind"]["upstream"], f"127.0.0.1:{one.fleet}")
        self.assertEqual(nodes["two"]["state"], "following")
        self.assertLess(nodes["two"]["age_ms"], PATIENCE_SECONDS * 1000)
        listing = control.cli("nodes", "list", check=True).out
        self.assertIn("behind", listing)
        for server in (*edges, control):
            self.assertEqual(server.stop(), 0)
        expected = verified(control)
        for edge in edges:
            self.assertEqual(verified(edge), expected)

    def test_secrets_reach_every_edge(self):
        """a sealed secret opens on every edge, also after the edge has started anew"""
        control = self.control()
        control.deploy_source("hush", SECRETIVE)
        one = self.edge("one", control)
        control.cli("secret", "put", "TOKEN", "--script", "hush", text="whisper\n", check=True)
        two = self.edge("two", control)
        for edge in (one, two):
            wait_until(lambda: answers(edge, "hush", "whisper"), "the secret")
        one.stop()
        one.start()
        wait_until(lambda: answers(one, "hush", "whisper"), "the secret after a start")

    def test_bad_tokens_join_nothing(self):
        """forged, used, expired and foreign tokens and taken names are refused in words"""
        control = self.control()
        other = self.control()
        good = control.join_token()
        self.start(Edge("first", ["--join", control.control, "--token", good]))
        forged = good[:15] + ("0" if good[15] != "0" else "1") + good[16:]
        expired, made = control.join_token("--lifetime", "1"), time.monotonic()
        wait_until(lambda: time.monotonic() > made + 1.2, "expiry")
        for name, token, code, words in (
                ("second", good, 1, "was used"), ("second", forged, 1, "unknown"),
                ("second", expired, 1, "expired"),
                ("second", other.join_token(), 1, "not trusted"),
                ("first", control.join_token(), 1, "already"),
                ("Bad_Name", control.join_token(), 2, "node name"),
                ("second", "nonsense", 2, "no join token")):
            with self.subTest(words):
                got, text = self.refusal(name, control, token)
                self.assertIn(words, text)
                self.assertEqual(got, code)
                self.assertNotIn(token, text)
                self.assertEqual(len(text.splitlines()[-1:]), 1)
        self.assertEqual(list(control.nodes()[0]), ["first"])

    def refusal(self, name, control, token):
        """(exit code, the last line) of an edge that is not let in."""
        edge = Edge(name, ["--join", control.control, "--token", token])
        try:
            made = subprocess.run(
                [str(edge.binaries / "atolld"), "edge", "--data", str(edge.data), "--http",
                 "127.0.0.1:0", "--https", "", "--admin", "", *edge.extra],
                capture_output=True, text=True, timeout=PATIENCE_SECONDS)
            return made.returncode, made.stderr.strip().splitlines()[-1]
        finally:
            edge.close()

    def test_outlives_its_control_plane(self):
        """without its control plane an edge serves, restarts and reads; writes fail in words"""
        control = self.control()
        control.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        edge = self.edge("alone", control)
        self.assertEqual(ask(edge, "kv", "/k", "PUT", b"v").status, 200)
        control.kill()
        self.assertEqual(ask(edge, "kv", "/k").body, b"v")
        edge.kill()
        edge.start()
        self.assertEqual(ask(edge, "kv", "/k").body, b"v")
        self.assertIn("/k"[1:], ask(edge, "kv", "/list").body.decode())
        ready = urllib.request.urlopen(f"http://127.0.0.1:{edge.admin}/readyz").read().decode()
        self.assertIn("knowledge_age_ms", ready)
        refused = ask(edge, "kv", "/k", "PUT", b"w")
        self.assertEqual(refused.status, 500)
        self.assertIn(b"control plane cannot be reached", refused.body)
        control.start()
        wait_until(lambda: ask(edge, "kv", "/k", "PUT", b"x").status == 200, "writes again")
        self.assertEqual(ask(edge, "kv", "/k").body, b"x")

    def test_drain(self):
        """a drained node says 503 in readyz, closes what is open, serves, and comes back"""
        control = self.control()
        control.deploy_source("app", VERSIONED.replace("VERSION", "v1"))
        edge = self.edge("tired", control)
        with http1.Connection(edge.http) as kept:
            kept.send("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
            self.assertEqual(kept.read_response().body, b"v1")
            self.assertEqual(control.cli("nodes", "drain", "nobody").code, 1)
            control.cli("nodes", "drain", "tired", check=True)
            self.assertTrue(kept.closed())
        wait_until(lambda: self.readiness(edge) == 503, "not ready")
        self.assertTrue(answers(edge, "app", "v1"))
        wait_until(lambda: control.nodes()[0]["tired"]["health"].startswith("drained"), "told")
        self.assertTrue(control.nodes()[0]["tired"]["drained"])
        edge.kill()
        edge.start()  # It is an operator's word, which a restart does not undo.
        self.assertEqual(self.readiness(edge), 503)
        control.cli("nodes", "undrain", "tired", check=True)
        wait_until(lambda: self.readiness(edge) == 200, "ready")
        wait_until(lambda: control.nodes()[0]["tired"]["health"] == "ready", "told")
        self.assertTrue(answers(edge, "app", "v1"))
        wait_until(lambda: control.nodes()[0]["tired"]["isolates"] == 1, "one isolate")
        self.assertGreater(control.nodes()[0]["tired"]["memory_bytes"], 1 << 20)
        self.assertIn("ISOLATES", control.cli("nodes", "list", check=True).out)

    @staticmethod
    def readiness(server):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/readyz").status
        except urllib.error.HTTPError as error:
            return error.code

    def test_backup(self):
        """a copy made while it runs is a control plane: edges go on with it, or bootstrap"""
        control = self.control()
        control.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        edge = self.edge("kept", control)
        self.assertEqual(ask(edge, "kv", "/k", "PUT", b"before").status, 200)
        copy = Path(control.cli("backup", check=True).out.strip())
        self.assertTrue(copy.is_dir())
        self.assertEqual(list(copy.parent.glob("*.part")), [])
        self.assertEqual(ask(edge, "kv", "/k", "PUT", b"after").status, 200)
        control.kill()
        moved = copy.rename(control.data.parent / "moved")
        shutil.rmtree(control.data)
        moved.rename(control.data)
        control.start()
        # What came after the copy is gone; who had it takes the copy's word.
        wait_until(lambda: ask(edge, "kv", "/k").body == b"before", "the copy's contents")
        self.assertEqual(ask(edge, "kv", "/k", "PUT", b"anew").status, 200)
        late = self.edge("late", control)
        wait_for_index(control, ["kept", "late"])
        self.assertEqual(ask(late, "kv", "/k").body, b"anew")

    def test_removed_node(self):
        """a removed node gets nothing more, and goes on serving what it had"""
        control = self.control()
        control.deploy_source("app", VERSIONED.replace("VERSION", "v1"))
        edge = self.edge("gone", control)
        control.cli("nodes", "remove", "gone", check=True)
        control.deploy_source("app", VERSIONED.replace("VERSION", "v2"))
        wait_until(lambda: "was removed" in edge.log_text(), "it is told")
        self.assertTrue(answers(edge, "app", "v1"))

    def test_behind_retention(self):
        """an edge behind the log's retention bootstraps from a checkpoint while it serves"""
        control = self.control(config="[replication]\nlog_entries_max = 5")
        control.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        with Link(control.fleet) as link:
            edge = self.start(Edge("slow", join_words(control, via=link)))
            ask(edge, "kv", "/before", "PUT", b"1")
            link.cut()
            other = self.edge("other", control)
            for i in range(30):
                self.assertEqual(ask(other, "kv", f"/k{i}", "PUT", str(i).encode()).status, 200)
            ask(other, "kv", "/before", "DELETE")
            self.assertEqual(ask(edge, "kv", "/before").body, b"1")
            # Trimming takes a moment; before it, the log alone would do.
            late = self.edge("late", control)
            wait_until(lambda: self.bootstraps_of_a_new_node(control) > 0, "a short log")
            link.heal()
            wait_for_index(control, ["slow", "other", "late"])
            self.assertEqual(ask(edge, "kv", "/k29").body, b"29")
            self.assertEqual(ask(edge, "kv", "/before").status, 404)
            self.assertGreater(control.nodes()[0]["slow"]["bootstraps"], 0)
            edge.kill()
            edge.start()
            self.assertEqual(ask(edge, "kv", "/k29").body, b"29")
            wait_for_index(control, ["slow"])
        for server in (edge, other, late, control):
            server.stop()
        expected = verified(control)
        for server in (edge, other, late):
            self.assertEqual(verified(server), expected)

    def bootstraps_of_a_new_node(self, control):
        self.probes = getattr(self, "probes", 0) + 1
        name = f"probe{self.probes}"
        with Edge(name, join_words(control)):
            wait_for_index(control, [name])
            return control.nodes()[0][name]["bootstraps"]

    def test_no_tenant_code_in_control(self):
        """a control plane never runs what is deployed: it compiles and links it, and says so"""
        control = self.control()
        looping = control.deploy_source("loop", "while (true) {} export default { fetch() {} };",
                                        check=False)
        self.assertEqual(looping.code, 0, looping)
        broken = control.deploy_source("broken", "export default { fetch( { };", check=False)
        self.assertEqual(broken.code, 1)
        self.assertIn("index.js", broken.err)

    def test_storm(self):
        """links cut and nodes killed in a storm of writes: all end alike, and none is lost"""
        control = self.control()
        control.deploy_source("kv", WORKER, config={"kv_namespaces": [{"binding": "KV"}]})
        with Link(control.fleet) as link:
            relay = self.start(Edge("relay", join_words(control, via=link), relay=True))
            leaf = self.edge("leaf", control, upstreams=[f"https://127.0.0.1:{relay.fleet}",
                                                         f"https://127.0.0.1:{control.fleet}"])
            direct = self.edge("direct", control)
            acknowledged, stop, lock = {}, threading.Event(), threading.Lock()

            def write(edge, name):
                for i in range(100_000):
                    if stop.is_set():
                        return
                    key, value = f"{name}-{i % 50}", f"{name}{i}"
                    try:
                        made = ask(edge, "kv", f"/{key}", "PUT", value.encode())
                    except (OSError, EOFError):
                        made = None
                    with lock:
                        # What failed may have been made all the same.
                        done = made is not None and made.status == 200
                        acknowledged[key] = value if done else None

            writers = [threading.Thread(target=write, args=(edge, edge.name))
                       for edge in (relay, leaf, direct)]
            for writer in writers:
                writer.start()
            try:
                for round_number in range(3):
                    before = len(acknowledged)
                    wait_until(lambda: control.nodes()[1]["index"] > 20 * (round_number + 1),
                               "writes go on")
                    link.cut()
                    direct.kill()
                    direct.start()
                    control.kill()
                    control.start()
                    link.heal()
                    relay.kill()
                    relay.start()
                    wait_until(lambda: len(acknowledged) >= before, "writes")
            finally:
                stop.set()
                for writer in writers:
                    writer.join()
            wait_for_index(control, ["relay", "leaf", "direct"])
            for key, value in acknowledged.items():
                if value is not None:
                    for edge in (relay, leaf, direct):
                        self.assertEqual(ask(edge, "kv", f"/{key}").body, value.encode(), key)
            for server in (direct, leaf, relay, control):
                self.assertEqual(server.stop(), 0)
        expected = verified(control)
        self.assertGreater(len(acknowledged), 0)
        for edge in (relay, leaf, direct):
            self.assertEqual(verified(edge), expected)

    def test_wrong_usage(self):
        """an edge that has not joined needs --join and --token, and says so"""
        edge = Edge("x")
        self.addCleanup(edge.close)
        for words in ([], ["--join", "http://127.0.0.1:1"], ["--token", "t"],
                      ["--label", "novalue"]):
            made = subprocess.run([str(edge.binaries / "atolld"), "edge", "--data", str(edge.data),
                                   *words], capture_output=True, text=True,
                                  timeout=PATIENCE_SECONDS)
            self.assertEqual(made.returncode, 2, made)
            self.assertIn("--", made.stderr)

    def test_metrics(self):
        """both sides say how far behind they are"""
        control = self.control()
        edge = self.edge("seen", control)
        wait_for_index(control, ["seen"])
        page = urllib.request.urlopen(f"http://127.0.0.1:{edge.admin}/metrics").read().decode()
        for name in ("atoll_log_index", "atoll_log_lag_seconds", "atoll_knowledge_age_seconds"):
            self.assertIn(name, page)
        page = urllib.request.urlopen(f"http://127.0.0.1:{control.admin}/metrics").read().decode()
        self.assertIn("atoll_followers 1", page)
        status, answer = control.api("GET", "/nodes", token="atoll_" + "0" * 64)
        self.assertEqual(status, 401, json.dumps(answer))


if __name__ == "__main__":
    unittest.main()
