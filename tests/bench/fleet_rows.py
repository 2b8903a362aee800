"""The rows about the log and the fleet: real control planes and edges, each with its goal."""

import base64
import concurrent.futures
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from peer_process import TOP, cpu_seconds, free_port
from support import http1
from support.fleet import Control, Edge, Link, join_words
from support.server import Server

BUILD = TOP / "build/release"
FILL = BUILD / "src/store/store_fill"
MIB = 1024 * 1024
PATIENCE_SECONDS = 600
SETTINGS = {"kv_namespaces": [{"binding": "KV"}]}

# /wait/KEY?VALUE answers once KEY has VALUE here; /hits, /misses and /none are for `localread`.
WORKER = """
const KEYS = %d;
const key = () => 'k' + Math.floor(Math.random() * KEYS);
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, what, name] = url.pathname.split('/');
    if (what === 'wait') {
      for (let i = 0; i < 60_000; ++i) {
        if (await env.KV.get(name) === url.search.slice(1)) return new Response('here');
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return new Response('never', { status: 504 });
    }
    const count = Number(name);
    let found = 0;
    for (let i = 0; i < count; ++i) {
      const wanted = what === 'misses' ? key() + 'x' : key();
      if (what !== 'none' && await env.KV.get(wanted, 'arrayBuffer') !== null) ++found;
    }
    return new Response(String(found));
  },
};
"""


@dataclass
class Outcome:
    lines: list            # What is printed.
    met: bool | None       # Whether the goal is; None: it could not be judged.
    figures: dict = field(default_factory=dict)


@dataclass(frozen=True)
class FleetRow:
    name: str
    about: str
    goal: str
    run: Callable


class Delayed(Link):
    """A link on which every byte takes `seconds` longer, each way."""

    def __init__(self, port, seconds):
        self.seconds = seconds
        super().__init__(port)

    def _carry(self, source, sink):
        queue, ready = [], threading.Condition()

        def deliver():
            while True:
                with ready:
                    while not queue:
                        ready.wait()
                    due, data = queue.pop(0)
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    return self._end(source, sink)
                try:
                    sink.sendall(data)
                except OSError:
                    return self._end(source, sink)

        threading.Thread(target=deliver, daemon=True).start()
        data = b"-"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with ready:
                queue.append((time.monotonic() + self.seconds, data))
                ready.notify()

    @staticmethod
    def _end(*sockets):
        for each in sockets:
            try:
                each.shutdown(2)
            except OSError:
                pass


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def metric(server, name):
    page = urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics", timeout=60).read()
    return float(re.search(rf"^{name} (\S+)$", page.decode(), re.M)[1])


def namespace_of(server):
    return server.api("GET", "/kv/namespaces")[1]["namespaces"][0]["id"]


def fill(server, kind, namespace, count, size):
    """Fills a stopped node's replica; see src/store/store_fill.cc."""
    subprocess.run([FILL, server.data, kind, namespace, str(count), str(size)], check=True)


def wait_for(condition, what, seconds=PATIENCE_SECONDS, pause=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(pause)


# ---- commit ----

def wrk_rate(port, connections, seconds, path, method, headers, body_lua):
    """Requests a second that were answered 2xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        lines = [f'wrk.method = "{method}"']
        lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        lines += ["local count = 0", "function request()", "  count = (count + 1) % 10000",
                  body_lua, "end"]
        script.write("\n".join(lines) + "\n")
        script.flush()
        out = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s",
             script.name, f"http://127.0.0.1:{port}{path}"],
            capture_output=True, text=True, timeout=seconds * 4 + 60).stdout
    if "Non-2xx" in out or not (found := re.search(r"Requests/sec:\s+([\d.]+)", out)):
        raise RuntimeError(out[-300:])
    return float(found[1])


def atoll_commits(writers, seconds):
    with Control(build=BUILD, config="[control]\ncalls_per_second = 0") as control:
        control.deploy_source("kv", WORKER % 1, config=SETTINGS)
        path = f"/api/v1/kv/namespaces/{namespace_of(control)}/values/"
        return wrk_rate(int(control.control.rsplit(":", 1)[1]), writers, seconds, path, "PUT",
                        {"Authorization": f"Bearer {control.token}"},
                        f'  return wrk.format(nil, "{path}k" .. count, nil, "{"v" * 100}")')


def started(command, port, folder):
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: process.poll() is not None or answers(port), f"{command[0]} answers", 60)
    except RuntimeError:
        process.kill()
        process.wait()
        raise
    if process.poll() is not None:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return process


def answers(port):
    try:
        http1.Connection(port).close()
        return True
    except OSError:
        return False


def beside(command_of, measure):
    """One peer's rate, or in words why there is none. Its data lies on the same disk as ours."""
    folder = tempfile.mkdtemp(prefix="atoll-bench-")
    port = free_port()
    command = command_of(folder, port)
    try:
        if not shutil.which(command[0]):
            return f"{command[0]} is not installed"
        process = started(command, port, folder)
        try:
            return measure(port)
        finally:
            process.terminate()
            process.wait(30)
    except (RuntimeError, OSError) as error:
        return str(error).strip().splitlines()[-1]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def etcd_commits(writers, seconds):
    """By its JSON gateway, which is what an HTTP client can speak."""
    def command(folder, port):
        peer = f"http://127.0.0.1:{free_port()}"
        own = f"http://127.0.0.1:{port}"
        return ["etcd", "--data-dir", f"{folder}/data", "--listen-client-urls", own,
                "--advertise-client-urls", own, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
    value = base64.b64encode(b"v" * 100).decode()
    # All keys begin alike, so that their base64 is made by replacing its end.
    key = base64.b64encode(b"key-").decode().rstrip("=")[:4]
    body = (f"""  return wrk.format(nil, nil, nil, '{{"key":"{key}' .. """
            f"""string.format("%04d", count) .. '","value":"{value}"}}')""")
    return beside(command, lambda port: wrk_rate(
        port, writers, seconds, "/v3/kv/put", "POST", {"Content-Type": "application/json"}, body))


def redis_commits(writers, seconds):
    def command(folder, port):
        return ["redis-server", "--port", str(port), "--dir", folder, "--save", "",
                "--appendonly", "yes", "--appendfsync", "always"]

    def measure(port):
        count, took = 200 * writers, 0.0
        while True:
            begun = time.monotonic()
            out = subprocess.run(
                ["redis-benchmark", "-p", str(port), "-c", str(writers), "-n", str(count), "-d",
                 "100", "-r", "10000", "-t", "set", "--csv"], capture_output=True, text=True,
                check=True, timeout=PATIENCE_SECONDS).stdout
            took = time.monotonic() - begun
            if took >= seconds / 2:
                return float(out.strip().splitlines()[-1].split(",")[1].strip('"'))
            count = int(count * max(2, seconds / max(took, 0.05)))
    return beside(command, measure)


def commit(options):
    rates = {}
    for writers in (1, 16, 256):
        rates[writers] = {name: measure(writers, options.seconds) for name, measure in (
            ("atoll", atoll_commits), ("etcd", etcd_commits), ("redis", redis_commits))}
    lines = []
    for writers, all_rates in rates.items():
        words = [f"{name} {rate:.0f}/s" if isinstance(rate, float) else f"{name}: {rate}"
                 for name, rate in all_rates.items()]
        lines.append(f"{writers:3} writers: " + ", ".join(words))
    judged = [r for r in rates.values() if isinstance(r["etcd"], float)]
    met = all(r["atoll"] >= r["etcd"] for r in judged) if judged else None
    return Outcome(lines, met, {str(writers): r for writers, r in rates.items()})


# ---- propagation ----

def propagated(control, edges, namespace, turns):
    """Milliseconds from the acknowledgment of a put to its being read, of each edge and turn."""
    connections = [http1.Connection(edge.http) for edge in edges]
    api = http1.Connection(int(control.control.rsplit(":", 1)[1]))
    samples = []

    def seen(connection):
        answer = connection.read_response()
        if answer.status != 200:
            raise RuntimeError(f"an edge answered {answer.status} {answer.body[:80]!r}")
        return time.monotonic()

    with concurrent.futures.ThreadPoolExecutor(len(edges)) as pool:
        for turn in range(turns + 5):
            value = f"turn{turn}"
            for connection in connections:
                connection.send(f"GET /wait/moving?{value} HTTP/1.1\r\nHost: kv.localhost\r\n\r\n")
            arrivals = [pool.submit(seen, connection) for connection in connections]
            time.sleep(0.01)
            api.send(f"PUT /api/v1/kv/namespaces/{namespace}/values/moving HTTP/1.1\r\n"
                     f"Host: localhost\r\nAuthorization: Bearer {control.token}\r\n"
                     f"Content-Length: {len(value)}\r\n\r\n{value}")
            answer = api.read_response()
            committed = time.monotonic()
            if answer.status not in (200, 204):
                raise RuntimeError(f"the put was answered {answer.status} {answer.body[:80]!r}")
            all_seen = [arrival.result() for arrival in arrivals]
            if turn >= 5:  # The first ones warm up.
                samples += [max(0.0, at - committed) * 1000 for at in all_seen]
    for connection in (*connections, api):
        connection.close()
    return samples


def propagation_of(followers, delay, turns):
    with Control(build=BUILD) as control:
        control.deploy_source("kv", WORKER % 1, config=SETTINGS)
        namespace = namespace_of(control)
        edges = []
        with Delayed(control.fleet, delay) as slow:
            try:
                for number in range(followers):
                    words = join_words(control, via=slow if delay else None)
                    edges.append(Edge(f"e{number}", words, shards=1, build=BUILD).start())
                return propagated(control, edges, namespace, turns)
            finally:
                for edge in edges:
                    edge.close()


def propagation(options):
    lines, figures, met = [], {}, True
    counts = [1, 10] + ([100] if options.full else [])
    for followers, delay in [(count, 0) for count in counts] + [(1, 0.05)]:
        samples = propagation_of(followers, delay, max(20, 400 // followers))
        p50, p99 = percentile(samples, 0.5), percentile(samples, 0.99)
        name = f"{followers} followers" + (f", {delay * 1000:.0f} ms away" if delay else "")
        if delay:
            less = delay * 1000
            lines.append(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms; less the way: "
                         f"{p50 - less:.1f}, {p99 - less:.1f}")
        else:
            lines.append(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
            met = met and p99 <= 20
        figures[name] = {"p50_ms": p50, "p99_ms": p99, "samples": len(samples)}
    return Outcome(lines, met, figures)


# ---- catchup ----

def catchup(options):
    count = options.entries
    with Control(build=BUILD, config="[replication]\nlog_entries_max = 100000000") as control:
        control.deploy_source("kv", WORKER % 1, config=SETTINGS)
        namespace = namespace_of(control)
        with Edge("behind", join_words(control), shards=1, build=BUILD) as edge:
            edge.stop()
            control.stop()
            fill(control, "entries", namespace, count, 32)
            control.start()
            before = [cpu_seconds(control.pid)]
            edge.start()
            begun, first = time.monotonic(), metric(edge, "atoll_log_index")
            before.append(cpu_seconds(edge.pid))
            end = control.nodes()[1]["index"]
            wait_for(lambda: metric(edge, "atoll_log_index") >= end, "the log's end")
            seconds = time.monotonic() - begun
            cpu = [cpu_seconds(p.pid) - b for p, b in zip((control, edge), before, strict=True)]
    rate = (end - first) / seconds
    each = [used * 1e6 / (end - first) for used in cpu]
    return Outcome([f"{end - first:.0f} entries in {seconds:.2f} s: {rate:.0f}/s; CPU an entry: "
                    f"control plane {each[0]:.1f} us, edge {each[1]:.1f} us"], rate >= 100_000,
                   {"entries_per_second": rate, "seconds": seconds})


# ---- bootstrap ----

def dd_through_tls(count):
    """Bytes a second of a file that goes to another by way of TLS on loopback."""
    with tempfile.TemporaryDirectory(prefix="atoll-bench-") as folder:
        source, sink = Path(folder, "source"), Path(folder, "sink")
        subprocess.run(["dd", "if=/dev/urandom", f"of={source}", "bs=1M", f"count={count}"],
                       check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out",
                        "cert.pem", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-days", "2"], cwd=folder, check=True,
                       capture_output=True)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(Path(folder, "cert.pem"), Path(folder, "key.pem"))
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.load_verify_locations(Path(folder, "cert.pem"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            begun = time.monotonic()
            sender = threading.Thread(target=send_file, args=(source, listener, server))
            sender.start()
            bare = socket.create_connection(listener.getsockname())
            with client.wrap_socket(bare, server_hostname="localhost") as near, \
                    open(sink, "wb") as out:
                while data := near.recv(MIB):
                    out.write(data)
            sender.join()
            seconds = time.monotonic() - begun
        return source.stat().st_size / seconds


def send_file(path, listener, context):
    with context.wrap_socket(listener.accept()[0], server_side=True) as far, \
            open(path, "rb") as source:
        while data := source.read(MIB):
            far.sendall(data)


def bootstrap(options):
    with Control(build=BUILD, config="[replication]\nlog_entries_max = 5") as control:
        control.deploy_source("kv", WORKER % 1, config=SETTINGS)
        namespace = namespace_of(control)
        with Edge("new", join_words(control), shards=1, build=BUILD) as edge:
            edge.stop()
            control.stop()
            # Each value is there twice: as a row, and in its entry until the log is trimmed.
            fill(control, "keys", namespace, options.megabytes, MIB)
            control.start()
            time.sleep(5)  # The log is trimmed in the background, and nothing reports that.
            begun = time.monotonic()
            edge.start()
            end = control.nodes()[1]["index"]
            wait_for(lambda: metric(edge, "atoll_log_index") >= end, "the checkpoint", pause=0.005)
            seconds = time.monotonic() - begun
            size = replica_bytes(edge)
    rate, bare = size / seconds, dd_through_tls(max(64, size // MIB))
    share = rate / bare
    return Outcome([f"{size / MIB:.0f} MiB in {seconds:.2f} s: {rate / MIB:.0f} MiB/s; dd through "
                    f"loopback TLS {bare / MIB:.0f} MiB/s: {share * 100:.0f} %"], share >= 0.7,
                   {"bytes_per_second": rate, "dd_bytes_per_second": bare})


def replica_bytes(node):
    return sum(f.stat().st_size for d in node.data.glob("replica*") for f in d.rglob("*")
               if f.is_file() and f.suffix in (".sst", ".blob"))


# ---- localread ----

def latency(server, path, seconds):
    """(p50, p99) in microseconds of a request, one after the other."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('wrk.headers["Host"] = "kv.localhost"\n'
                     'function done(s, latency, r) io.write(string.format("P %f %f\\n", '
                     "latency:percentile(50), latency:percentile(99))) end\n")
        script.flush()
        out = subprocess.run(["wrk", "-t1", "-c1", f"-d{seconds}s", "-s", script.name,
                              f"http://127.0.0.1:{server.http}{path}"], capture_output=True,
                             text=True, check=True).stdout
    found = re.search(r"^P (\S+) (\S+)$", out, re.M)
    return float(found[1]), float(found[2])


def cpu_per_read(server, what, seconds):
    cpu, requests = cpu_seconds(server.pid), 0
    begun = time.monotonic()
    with http1.Connection(server.http) as connection:
        while time.monotonic() - begun < seconds:
            connection.send(f"GET /{what}/200 HTTP/1.1\r\nHost: kv.localhost\r\n\r\n")
            answer = connection.read_response()
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status} {answer.body[:80]!r}")
            requests += 1
    return (cpu_seconds(server.pid) - cpu) / (requests * 200) * 1e6


def localread(options):
    with Server(shards=1, build=BUILD) as server:
        server.deploy_source("kv", WORKER % options.keys, config=SETTINGS)
        namespace = namespace_of(server)
        server.stop()
        fill(server, "keys", namespace, options.keys, 100)
        filters = json.loads(subprocess.run([FILL, server.data, "filters"], check=True,
                                            capture_output=True, text=True).stdout)
        server.start()
        for what in ("hits", "misses"):  # Warm: what fits in the block cache is there.
            cpu_per_read(server, what, options.seconds * 2)
        p = {what: latency(server, f"/{what}/1", options.seconds)
             for what in ("none", "hits", "misses")}
        base = cpu_per_read(server, "none", options.seconds)
        cpu = {what: cpu_per_read(server, what, options.seconds) - base
               for what in ("hits", "misses")}
    lines = [f"{what}: a request with one read p50 {p[what][0]:.0f} us, p99 {p[what][1]:.0f} us "
             f"(without: {p['none'][0]:.0f}, {p['none'][1]:.0f}); CPU {cpu[what]:.2f} us a read"
             for what in ("hits", "misses")]
    each = filters["filter_bytes"] / max(1, filters["rows"])
    lines.append(f"{options.keys} keys; Bloom filters: {each:.2f} bytes a key")
    return Outcome(lines, p["hits"][0] - p["none"][0] < 1000 and p["misses"][1] < 7000,
                   {"latency_us": p, "cpu_us": cpu, "filters": filters})


FLEET_ROWS = [
    FleetRow("commit", "synced commits a second by 1, 16 and 256 writers, beside etcd and Redis",
             "no fewer than etcd", commit),
    FleetRow("propagation", "from a commit's acknowledgment to its being read by a script",
             "p99 <= 20 ms without delay", propagation),
    FleetRow("catchup", "an edge that is many small entries behind", ">= 100,000 entries/s",
             catchup),
    FleetRow("bootstrap", "a store fetched as a checkpoint", ">= 70 % of dd through loopback TLS",
             bootstrap),
    FleetRow("localread", "KV reads by a script, of random keys",
             "a hit adds less than 1 ms to the median, a miss is answered in 7 ms at p99",
             localread),
]


def add_options(parser):
    parser.add_argument("--full", action="store_true",
                        help="the fleet's rows at full size: 100 followers, 2 GB, 10 million keys")
    parser.add_argument("--entries", type=int, help="how far `catchup` is behind (1,000,000)")
    parser.add_argument("--megabytes", type=int, help="what `bootstrap` fetches (256; 2048)")
    parser.add_argument("--keys", type=int, help="what `localread` reads of (1 million; 10)")


def complete(options):
    options.entries = options.entries or 1_000_000
    options.megabytes = options.megabytes or (2048 if options.full else 256)
    options.keys = options.keys or (10_000_000 if options.full else 1_000_000)


def said(row, outcome):
    verdict = {True: "met", False: "NOT MET", None: "not judged"}[outcome.met]
    return [f"{row.name:12} {row.about}", *(f"{'':12} {line}" for line in outcome.lines),
            f"{'':12} goal: {row.goal}: {verdict}"]


def run(names, options, out):
    """Runs the named rows (all, if none is), writes a file for each and returns what to print."""
    names = names or [row.name for row in FLEET_ROWS]
    if not any(row.name in names for row in FLEET_ROWS):
        return []
    complete(options)
    subprocess.run([TOP / "tools/build", "release", "src/store/store_fill"], check=True)
    lines = []
    for row in FLEET_ROWS:
        if row.name not in names:
            continue
        print(f"    {row.name} ...", file=sys.stderr, flush=True)
        outcome = row.run(options)
        lines += said(row, outcome)
        (out / f"{row.name}.json").write_text(json.dumps(
            {"row": row.name, "about": row.about, "goal": row.goal, "met": outcome.met,
             "figures": outcome.figures, "said": outcome.lines}, indent=1) + "\n")
    return lines
