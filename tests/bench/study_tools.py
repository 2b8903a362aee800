"""tools: what a developer waits for: the command's start, a save in dev, a deploy of a megabyte.

Wall time, for that is what is waited for; beside Cloudflare's wrangler on the same machine, which
deploys to the same node."""

import json
import os
import queue
import resource
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from askers import percentile
from peer_process import TOP, free_port
from support import http1
from support.server import Server, wait_until
from support.wrangler import Wrangler

STARTS = 20
SAVES = {"atoll": 30, "wrangler": 15}
DEPLOYS = 7
BUNDLE_BYTES = 1024 * 1024
PAUSE_SECONDS = 0.5  # Between two saves: a person does not save before the last one is there.
GOALS_MS = {"start": 20, "save": 200}

WORKER = """interface Answer { word: string }
const answer: Answer = { word: "WORD" };
export default { fetch: (): Response => new Response(answer.word) };
"""


def figures(seconds):
    found = sorted(seconds)
    return {key: round(percentile(found, share) * 1e3, 1)
            for key, share in (("p50", .5), ("p95", .95))} | {"count": len(found)}


def timed(call):
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


def starts(command, env, count):
    """Wall seconds of each run, and CPU seconds of one in the mean."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    walls = [timed(lambda: subprocess.run(command, env=env, check=True, capture_output=True))
             for _ in range(count)]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**figures(walls), "cpu_ms": round(cpu / count * 1e3, 1)}


def make_project(folder):
    folder.mkdir()
    (folder / "wrangler.json").write_text(json.dumps(
        {"name": "saved", "main": "index.ts", "compatibility_date": "2026-01-01"}))
    save(folder, "first")


def save(folder, word):
    """As editors do: a new file in the old one's place."""
    part = folder / ".index.part"
    part.write_text(WORKER.replace("WORD", word))
    part.rename(folder / "index.ts")


def answers(port, word):
    try:
        return http1.request(port, f"localhost:{port}").text() == word
    except (OSError, EOFError, ValueError):
        return False


def end(process):
    """As Ctrl-C does, with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def saves(command, env, port_of, count):
    """From a save to its first answer, in seconds each."""
    with tempfile.TemporaryDirectory(prefix="atoll-bench-") as scratch:
        folder = Path(scratch, "saved")
        make_project(folder)
        process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   start_new_session=True)
        lines = queue.Queue()
        reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout])
        reader.start()
        try:
            port = port_of(lines)
            wait_until(lambda: answers(port, "first"), "the first answer", 60)
            taken = []
            for number in range(count):
                time.sleep(PAUSE_SECONDS)
                save(folder, f"word{number}")
                begin = time.monotonic()
                while not answers(port, f"word{number}"):
                    if time.monotonic() - begin > 30:
                        raise RuntimeError("a save was never served")
                    time.sleep(0.002)
                taken.append(time.monotonic() - begin)
            return figures(taken)
        finally:
            end(process)
            reader.join()
            process.stdout.close()


def atoll_port(lines):
    while (line := json.loads(lines.get(timeout=60)))["event"] != "ready":
        pass
    return int(line["url"].rsplit(":", 1)[1].strip("/"))


def deploys(folder, run):
    """Of a megabyte that is another one each time."""
    taken = []
    for number in range(DEPLOYS):
        text = "x" * (BUNDLE_BYTES - 200)
        (folder / "index.js").write_text(
            f"const text = '{number}{text}';\n"
            "export default { fetch: () => new Response(String(text.length)) };\n")
        taken.append(timed(run))
    return figures(taken)


class Tools:
    name = "tools"
    about = "what a developer waits for, ms: start, save to served in dev, deploy of 1 MB"

    def run(self, options):
        report = {}
        with Server(shards=1, build=TOP / "build/release") as server:
            atoll = str(server.binaries / "atoll")
            wrangler = Wrangler(server)
            folder = wrangler.project("large", "", no_bundle=True)
            report["start"] = {
                "atoll": starts([atoll, "--version"], dict(os.environ), STARTS),
                "wrangler": starts([*wrangler.command, "--version"], wrangler.env, 3)}
            report["deploy"] = {
                "atoll": deploys(folder, lambda: server.deploy(folder)),
                "wrangler": deploys(folder, lambda: wrangler.run("deploy", cwd=folder))}
            report["save"] = {"atoll": saves([atoll, "dev", "--json", "--port", "0"],
                                             dict(os.environ), atoll_port, SAVES["atoll"])}
            port = free_port()
            command = [*wrangler.command, "dev", "--port", str(port), "--ip", "127.0.0.1"]
            try:
                report["save"]["wrangler"] = saves(command, wrangler.env, lambda lines: port,
                                                   SAVES["wrangler"])
            except (RuntimeError, AssertionError) as error:
                report["save"]["wrangler"] = {"absent": str(error).split("\n")[0]}
        return {"unit": "ms", "results": report, "lines": list(self.lines(report))}

    @staticmethod
    def lines(report):
        for what, results in report.items():
            words = []
            for name, entry in results.items():
                if "absent" in entry:
                    words.append(f"{name}: {entry['absent']}")
                    continue
                cpu = f", cpu {entry['cpu_ms']}" if "cpu_ms" in entry else ""
                words.append(f"{name} p50 {entry['p50']} p95 {entry['p95']}{cpu}")
            goal = f" (goal {GOALS_MS[what]})" if what in GOALS_MS else ""
            yield f"{what}{goal}: " + "; ".join(words)
