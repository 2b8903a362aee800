"""coldstart: the first byte of tenants that nobody has called before."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from askers import first_byte, spread
from peer_process import TOP
from crowd import AtollCrowd, WorkerdCrowd
from support import http1
from support.npm import installed

APPS = TOP / "tests/integration/apps"
SMALL = "export default {{ fetch: () => new Response('Hello, World! {}') }};\n"
LARGE = """
import * as hono from 'hono';
import * as z from 'zod/mini';
import * as jose from 'jose';
import { parse, print } from 'graphql';
const app = new hono.Hono();
const Body = z.object({ name: z.string(), at: z.optional(z.date()) });
app.get('/', (c) => c.text(Body.parse({ name: 'Hello, World!' }).name));
app.get('/query', (c) => c.text(print(parse(c.req.query('q')))));
app.get('/names', (c) => c.json([...Object.keys(jose), ...Object.keys(hono)]));
export default app;
"""
COUNTS = {"small": 200, "large": 60}
GOALS_MS = {"small": 0.6, "large": 5}


def _sources(size):
    if size == "small":
        return {f"t{n}": SMALL.format(n) for n in range(COUNTS[size] + 1)}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "node_modules").symlink_to(installed(APPS), target_is_directory=True)
        Path(folder, "app.js").write_text(LARGE)
        subprocess.run(["esbuild", "--bundle", "--format=esm", "--log-level=error",
                        "--outfile=out.js", "app.js"], cwd=folder, check=True)
        text = Path(folder, "out.js").read_text()
    return {f"t{n}": f"// tenant {n}\n{text}" for n in range(COUNTS[size] + 1)}


def _call_each(crowd, tenants):
    """First bytes, and the server's CPU per tenant; the first tenant warms up what all share."""
    first, *others = tenants
    http1.request(crowd.port(first), crowd.host(first))
    latencies, cpu = [], crowd.cpu_seconds()
    for name in others:
        with http1.Connection(crowd.port(name)) as connection:
            time.sleep(0.02)  # The machine's pause between two cold starts.
            latencies.append(first_byte(connection, crowd.host(name)))
    time.sleep(1)
    cpu = crowd.cpu_seconds() - cpu
    return {"ms": spread(latencies), "cpu_ms": round(cpu / len(others) * 1e3, 2)}


def _atoll(size):
    """Never called since they were deployed; then again after a restart of the node."""
    crowd = AtollCrowd()
    tenants = _sources(size)
    try:
        crowd.start(tenants)
        found = {"atoll": _call_each(crowd, tenants)}
        crowd.restart()
        found["atoll, restarted"] = _call_each(crowd, tenants)
        for name in ("lookup", "isolate", "compile", "evaluate"):
            seconds = crowd.metrics().get(f'atoll_cold_start_{name}_seconds_total{{shard="0"}}')
            starts = crowd.metric("atoll_cold_starts_total")
            if seconds is not None and starts:
                found["atoll, restarted"][f"{name}_ms"] = round(seconds / starts * 1e3, 3)
    finally:
        crowd.stop()
    return found


def _workerd(size):
    """It makes all isolates at its start: what that takes of CPU belongs to a cold start too."""
    tenants, load_cpu = _sources(size), {}
    for count in (1, len(tenants)):
        crowd = WorkerdCrowd()
        (crowd.folder / "spin.wasm").write_bytes(bytes.fromhex("0061736d01000000"))
        try:
            some = dict(list(tenants.items())[:count])
            crowd.start(some)
            load_cpu[count] = crowd.cpu_seconds()
            if count > 1:
                found = _call_each(crowd, some)
        finally:
            crowd.stop()
    found["load_cpu_ms"] = round(
        (load_cpu[len(tenants)] - load_cpu[1]) / (len(tenants) - 1) * 1e3, 2)
    return {"workerd": found}


class ColdStart:
    name = "coldstart"
    about = "first byte of never-called tenants, a small script and a bundle of some 300 KB"

    def run(self, options):
        results = {}
        for size in COUNTS:
            results[size] = {}
            for label, measure in (("atoll", _atoll), ("workerd", _workerd)):
                if label not in options.peers:
                    continue
                try:
                    results[size] |= measure(size)
                except (RuntimeError, OSError) as error:
                    results[size][label] = {"absent": str(error).split("\n")[0]}
                print(f"    coldstart {size} {label}: {results[size]}", file=sys.stderr, flush=True)
        return {"goals_ms": GOALS_MS, "results": results, "lines": self._lines(results)}

    def _lines(self, results):
        lines = []
        for size, entries in results.items():
            for label, entry in entries.items():
                if "absent" in entry:
                    lines.append(f"{size} {label}: {entry['absent']}")
                    continue
                ms, goal = entry["ms"], GOALS_MS[size]
                verdict = "" if label == "workerd" else \
                    f"; goal p50 {goal} ms " + ("met" if ms["p50"] <= goal else "MISSED")
                more = ", ".join(f"{k} {v}" for k, v in entry.items() if k != "ms")
                lines.append(f"{size} {label}: p50 {ms['p50']} ms, p99 {ms['p99']} ms, "
                             f"{more}{verdict}")
            theirs, ours = entries.get("workerd", {}), entries.get("atoll", {})
            if "ms" in theirs and "ms" in ours:
                total = theirs["load_cpu_ms"] + theirs["cpu_ms"]
                lines.append(
                    f"{size}: p50 {ours['ms']['p50'] / theirs['ms']['p50']:.2f}x workerd's first "
                    f"call of an isolate made at its start, CPU {ours['cpu_ms'] / total:.2f}x "
                    "workerd's load and call" + (" (LOSES)" if ours["cpu_ms"] > total else ""))
        return lines
