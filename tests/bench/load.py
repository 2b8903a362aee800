"""One measured run: load from a pinned generator, requests counted by it, CPU by the kernel."""

import re
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from contestants import LOAD_CPU
from support import http1


@dataclass
class Sample:
    micros: float      # Server CPU per operation (a request is one, mostly).
    requests: int
    per_second: float
    foreign: float     # CPUs' worth of work by others meanwhile; noise to know of.

    def json(self):
        return asdict(self)


class LoadError(Exception):
    """The generator saw errors: the figure would mean nothing."""


def check(contestant, row):
    """Why `contestant` cannot run `row`, or None: its answer is compared with the expected one."""
    if row.protocol == "h2":
        made = subprocess.run(
            ["curl", "-s", "--max-time", "10", "--http2-prior-knowledge", "-w", "%{http_version}",
             "-H", f"Host: {row.hosts()[0]}", f"http://127.0.0.1:{contestant.port}/"],
            capture_output=True)
        return None if made.stdout == row.answer + b"2" else "does not speak it in the clear"
    if row.handler == "kv":
        _ask(contestant, row, "PUT", row.answer)
    try:
        answer = _ask(contestant, row, row.method, row.body)
    except (OSError, EOFError, ValueError) as error:
        return f"failed: {error}"
    if answer.status != 200 or answer.body != row.answer:
        return f"answered {answer.status} {answer.body[:60]!r}"
    for host in row.hosts()[1:]:  # Warm, as the first one is now.
        http1.request(contestant.port, host, "/", row.method, row.headers.items(), row.body)
    return None


def _ask(contestant, row, method, body):
    return http1.request(contestant.port, row.hosts()[0], "/", method, row.headers.items(), body)


def _busy_seconds():
    """CPU time of the whole machine so far."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[:8])
    return (user + nice + system + irq + soft + steal) / 100


def wait_for_quiet(seconds):
    """Waits until others use less than a tenth of a CPU, for `seconds` at the most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = _busy_seconds()
        time.sleep(0.5)
        if (_busy_seconds() - before) / 0.5 < 0.1:
            return


def measure(contestant, row, seconds):
    with tempfile.TemporaryDirectory() as scratch:
        command = _h2load(contestant, row, seconds, scratch) if row.protocol == "h2" else \
            _wrk(contestant, row, seconds, scratch)
        cpu, busy, start = contestant.cpu_seconds(), _busy_seconds(), time.monotonic()
        load = subprocess.Popen(["taskset", "-c", str(LOAD_CPU), *command],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out, _ = load.communicate(timeout=seconds * 4 + 60)
        elapsed = time.monotonic() - start
        cpu = contestant.cpu_seconds() - cpu
        busy = _busy_seconds() - busy
    requests = _requests(row, out)
    # The generator keeps its CPU busy by itself; the rest of the machine is others' work.
    foreign = max(0.0, busy - cpu - elapsed) / elapsed
    micros = cpu / (requests * row.operations) * 1e6
    return Sample(micros, requests, requests / elapsed, round(foreign, 2))


def _requests(row, out):
    if row.protocol == "h2":
        found = re.search(r"(\d+) succeeded, (\d+) failed", out)
        if not found or not int(found[1]):
            raise LoadError(out[-400:])
        if int(found[2]) * 1000 > int(found[1]):  # The last ones are cut off by the clock.
            raise LoadError(f"{found[2]} requests failed")
        return int(found[1])
    found = re.search(r"(\d+) requests in", out)
    if not found or not int(found[1]) or "Non-2xx" in out:
        raise LoadError(out[-400:])
    if errors := re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", out):
        if sum(map(int, errors.groups())) > 0:
            raise LoadError(errors[0])
    return int(found[1])


def _wrk(contestant, row, seconds, scratch):
    script = Path(scratch, "row.lua")
    Path(scratch, "body").write_bytes(row.body)
    lines = [f'wrk.method = "{row.method}"', f'wrk.headers["Host"] = "{row.hosts()[0]}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in row.headers.items()]
    if row.body:
        lines += [f'local file = io.open("{scratch}/body", "rb")', 'wrk.body = file:read("*a")',
                  "file:close()"]
    if row.tenants > 1:
        # Each is prepared once, when its turn first comes: all of them in one call are more than
        # the generator's stack holds.
        lines += ["local requests, at = {}, -1", "function request()",
                  f"  at = (at + 1) % {row.tenants}", "  if not requests[at] then",
                  '    wrk.headers["Host"] = "t" .. at .. ".localhost"',
                  "    requests[at] = wrk.format()", "  end", "  return requests[at]", "end"]
    script.write_text("\n".join(lines) + "\n")
    return ["wrk", "-t1", f"-c{row.connections}", f"-d{seconds}s", "--timeout", "30s",
            "-s", str(script), f"http://127.0.0.1:{contestant.port}/"]


def _h2load(contestant, row, seconds, _scratch):
    return ["h2load", "-t1", "-c8", "-m16", f"-D{seconds}", "--warm-up-time=0",
            "-H", f":authority: {row.hosts()[0]}", f"http://127.0.0.1:{contestant.port}/"]
