"""An atolld of the test's own: started on free ports, spoken to, and always stopped by its pid."""

import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
# How long a start, a stop or an answer may take on a loaded machine before a test calls it stuck.
PATIENCE_SECONDS = 120 if os.environ.get("ATOLL_BUILD") == "asan" else 60
LONG = bool(os.environ.get("ATOLL_TEST_LONG"))


def build_directory():
    return TOP / "build" / os.environ.get("ATOLL_BUILD", "release")


def sanitized():
    """Whether the server under test carries a sanitizer (its memory figures mean little then)."""
    return build_directory().name in ("asan", "tsan")


def _port(address):
    """The port in "127.0.0.1:8080", "http://127.0.0.1:8080" or an address object; None if none."""
    if not address:
        return None
    return urllib.parse.urlsplit(address if "//" in address else f"//{address}").port


@dataclass
class CliResult:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


class Server:
    """`atolld standalone` with a data directory that lives as long as this object.

    Use as a context manager. `extra` are further command-line words; `config` is the text of an
    edge-config file; `env` are further environment variables.
    """

    def __init__(self, extra=(), config=None, shards=2, build=None, env=None,
                 allow_networks="127.0.0.0/8 ::1"):
        self.scratch = Path(tempfile.mkdtemp(prefix="atoll-test-"))
        self.data = self.scratch / "data"
        self.extra = list(extra)
        # The origins of tests are on this machine.
        file = self.scratch / "node.toml"
        file.write_text(f'{config or ""}\n[outbound]\nallow_networks = "{allow_networks}"\n')
        self.extra += ["--config", str(file)]
        self.shards = shards
        self.env = {**os.environ, **(env or {})}
        self.binaries = Path(build) if build else build_directory()
        self.process = None
        self.ready = {}

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    role = "standalone"
    listeners = ("http", "https", "control", "admin")

    def addresses(self):
        return {listener: "127.0.0.1:0" for listener in self.listeners}

    def start(self, pinned_to=None):
        """Starts (again, on the same data) and returns once it serves."""
        command = [str(self.binaries / "atolld"), self.role, "--data", str(self.data)]
        for listener, address in self.addresses().items():
            command += [f"--{listener}", address]
        command += ["--shards", str(self.shards), *self.extra]
        if pinned_to is not None:
            command = ["taskset", "-c", str(pinned_to), *command]
        self.log = open(self.scratch / "atolld.log", "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log, cwd=self.scratch, env=self.env)
        self.ready = json.loads(self._ready_line())
        self.http = _port(self.ready.get("http"))
        self.https = _port(self.ready.get("https"))
        self.admin = _port(self.ready.get("admin"))
        self.fleet = _port(self.ready.get("fleet"))
        self.pid = self.ready["pid"]
        if self.ready.get("control"):
            self.control = f"http://127.0.0.1:{_port(self.ready['control'])}"
            self.token = Path(self.ready["token_file"]).read_text().strip()
        return self

    def _ready_line(self):
        deadline = time.monotonic() + PATIENCE_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            left = max(0, deadline - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                raise RuntimeError(f"atolld did not get ready:\n{self.log_text()}")
            byte = os.read(self.process.stdout.fileno(), 4096)
            if not byte:
                raise RuntimeError(f"atolld exited with {self.process.wait()}:\n{self.log_text()}")
            line += byte
        return line

    def log_text(self, limit=8000):
        path = self.scratch / "atolld.log"
        return path.read_text(errors="replace")[-limit:] if path.exists() else ""

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM, and the exit code of the drain that follows."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self._reap()

    def kill(self):
        """kill -9."""
        self.process.kill()
        self._reap()

    def _reap(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def close(self):
        """Ends it however it is, and removes what it wrote. Fails if a sanitizer complained."""
        try:
            if self.alive():
                code = self.stop()
                if sanitized() and code != 0:
                    raise RuntimeError(f"atolld exited with {code}:\n{self.log_text()}")
        finally:
            if os.environ.get("ATOLL_TEST_KEEP"):
                print(f"kept {self.scratch}")
            else:
                shutil.rmtree(self.scratch, ignore_errors=True)

    # ---- what it is asked ----

    def cli(self, *words, cwd=None, check=False, text=None):
        """Runs the atoll command against this node, as its owner."""
        env = {**os.environ, "ATOLL_URL": self.control, "ATOLL_TOKEN": self.token}
        made = subprocess.run([str(self.binaries / "atoll"), *map(str, words)], cwd=cwd, env=env,
                              input=text, capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS * 2)
        result = CliResult(made.returncode, made.stdout, made.stderr)
        if check and result.code != 0:
            raise RuntimeError(f"atoll {' '.join(map(str, words))}: {result}\n{self.log_text()}")
        return result

    def deploy(self, path, *words):
        """`atoll deploy PATH`, which must succeed."""
        return self.cli("deploy", path, *words, check=True)

    def deploy_source(self, name, source, files=None, config=None, check=True, token=None):
        """Makes a project of one main module (and `files`), and deploys it under `name`."""
        folder = self.scratch / "projects" / name
        more = ["--token", token] if token else []
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"name": name, "main": "index.js", "compatibility_date": "2026-01-01",
                    **(config or {})}
        (folder / "wrangler.json").write_text(json.dumps(settings))
        if source is not None:
            (folder / "index.js").write_text(source)
        for file, content in (files or {}).items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.cli("deploy", folder, *more, check=check)

    def make_tenant(self, name):
        """A tenant, and an owner's token of it."""
        self.cli("tenants", "create", name, check=True)
        made = self.cli("tokens", "create", "owner", "--role", "owner", "--tenant", name,
                        check=True)
        return made.out.strip()

    def api(self, method, path, body=None, token=None):
        """(status, JSON or bytes) of one call of the control API; `path` begins below /api/v1."""
        data, headers = body, {"Authorization": f"Bearer {token or self.token}"}
        if isinstance(body, (dict, list)):
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        port = _port(self.control)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, "/api/v1" + path, data, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if "json" in (answer.getheader("content-type") or ""):
            content = json.loads(content)
        return answer.status, content

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Polls `condition` until it is true; for states that nothing reports."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return value
