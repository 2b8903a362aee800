"""Servers with many tenants: what the studies run. A tenant is a name and a module's source."""

import http.client
import json
import shutil
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peer_process import PEERS, TOP, PeerProcess, free_port
from support import http1
from support.npm import installed
from support.server import Server, _port

HELLO = b"Hello, World!"
START_SECONDS = 120


class Crowd(PeerProcess):
    """A server with tenants; each is reached at `port(name)` under the host name `host(name)`."""

    name = ""

    def __init__(self):
        super().__init__(PEERS / "crowd")

    def start(self, tenants):
        """`tenants`: {name: source}, in a folder with peers/crowd's files beside them."""
        for name, source in tenants.items():
            (self.folder / f"{name}.js").write_text(source)
        self.ports = self.pick_ports(list(tenants))
        self.spawn(self.command(tenants))
        deadline = time.monotonic() + START_SECONDS
        first = next(iter(tenants))
        while True:
            try:
                http1.request(self.port(first), self.host(first), "/quiet")
                return self
            except (OSError, EOFError, AssertionError, ValueError):
                if not self.alive() or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not start") from None
                time.sleep(0.05)

    def host(self, name):
        return f"{name}.localhost"

    def alive(self):
        return self.process.poll() is None

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid()}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")


class WorkerdCrowd(Crowd):
    """A service and a socket for each tenant, in one process; it loads all of them at its start."""

    name = "workerd"

    def pick_ports(self, names):
        probes = [socket.socket() for _ in names]  # Open together, so that no two are the same.
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = [probe.getsockname()[1] for probe in probes]
        for probe in probes:
            probe.close()
        return dict(zip(names, ports))

    def port(self, name):
        return self.ports[name]

    def command(self, tenants):
        lines = ['using Workerd = import "/workerd/workerd.capnp";',
                 "const config :Workerd.Config = (", "  services = ["]
        for name in tenants:
            lines.append(f'    (name = "{name}", worker = (modules = ['
                         f'(name = "{name}.js", esModule = embed "{name}.js"), '
                         '(name = "harm.js", esModule = embed "harm.js"), '
                         '(name = "spin.wasm", wasm = embed "spin.wasm")], '
                         'bindings = [(name = "UNSAFE", unsafeEval = void)], '
                         'compatibilityDate = "2026-01-01")),')
        lines += ["  ],", "  sockets = ["]
        for name, port in self.ports.items():
            lines.append(f'    (name = "{name}", address = "127.0.0.1:{port}", http = (), '
                         f'service = "{name}"),')
        lines += ["  ],", ");"]
        (self.folder / "crowd.capnp").write_text("\n".join(lines) + "\n")
        return [installed(PEERS) / "@cloudflare/workerd-linux-64/bin/workerd", "serve",
                "--experimental", "crowd.capnp"]


class DenoCrowd(Crowd):
    """A web worker for each tenant, made when it is first asked."""

    name = "deno"

    def pick_ports(self, names):
        return free_port()

    def port(self, _name):
        return self.ports

    def command(self, _tenants):
        return [installed(PEERS) / "@deno/linux-x64-glibc/deno", "run", "--no-config",
                "--allow-net", "--allow-read", "deno_main.js", str(self.ports), str(self.folder)]


class AtollCrowd(Crowd):
    """One shard. `settings` are lines of the configuration; deployed through the control API."""

    name = "atoll"

    def __init__(self, settings="", shards=1):
        super().__init__()
        self.server = Server(shards=shards, build=TOP / "build/release", config=settings)

    def start(self, tenants, restart=False):
        self.server.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda item: self.deploy(*item), tenants.items()))
        if restart:
            self.restart()
        return self

    def restart(self):
        """The same tenants, none of them warm."""
        self.server.stop()
        self.server.start()

    def deploy(self, name, source):
        parts = {"metadata": ("application/json", json.dumps(
            {"main_module": f"{name}.js", "compatibility_date": "2026-01-01"}).encode()),
            f"{name}.js": ("application/javascript+module", source.encode())}
        for file, kind in (("harm.js", "application/javascript+module"),
                           ("spin.wasm", "application/wasm")):
            if f"./{file}" in source:
                parts[file] = (kind, (self.folder / file).read_bytes())
        boundary, body = uuid.uuid4().hex, b""
        for part, (kind, content) in parts.items():
            body += (f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; '
                     f'filename="{part}"\r\nContent-Type: {kind}\r\n\r\n').encode()
            body += content + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        connection = http.client.HTTPConnection("127.0.0.1", _port(self.server.control))
        connection.request("POST", f"/api/v1/scripts/{name}/deploy", body, {
            "Authorization": f"Bearer {self.server.token}",
            "Content-Type": f"multipart/form-data; boundary={boundary}"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"deploy of {name}: {answer.status} {text[:300]!r}")

    def port(self, _name):
        return self.server.http

    def alive(self):
        return self.server.alive()

    def pid(self):
        return self.server.pid

    def metrics(self):
        """{name or name{label="value"}: value}"""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.admin)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                found[key] = float(value)
        return found

    def metric(self, name):
        """Summed over its labels."""
        return sum(v for k, v in self.metrics().items() if k.split("{")[0] == name)

    def stop(self):
        self.server.close()
        shutil.rmtree(self.folder, ignore_errors=True)
