"""A control plane, edges and relays as processes of the test's own, and links that it can cut."""

import json
import socket
import subprocess
import threading

from support.server import PATIENCE_SECONDS, Server, wait_until


class Control(Server):
    """`atolld control`. Its addresses stay the same over restarts."""

    role = "control"
    listeners = ("control", "admin", "fleet")

    def addresses(self):
        if not self.ready:
            return super().addresses()
        return {name: self.ready[name] for name in self.listeners}

    def join_token(self, *words):
        return self.cli("nodes", "token", *words, check=True).out.strip()

    def nodes(self):
        status, answer = self.api("GET", "/nodes")
        assert status == 200, answer
        return {node["name"]: node for node in answer["nodes"]}, answer["log"]


class Edge(Server):
    """`atolld edge`. `join` is how it is to join; later starts do without."""

    role = "edge"
    listeners = ("http", "admin")

    def __init__(self, name, join=(), upstreams=(), relay=False, **more):
        super().__init__(**more)
        self.name = name
        self.join = list(join)
        self.first = list(self.extra)
        if relay:
            self.listeners = ("http", "admin", "fleet")
        for upstream in upstreams:
            self.first += ["--upstream", upstream]
        self.extra = [*self.first, "--name", name, *self.join]

    def addresses(self):
        kept = {name: self.ready[name] for name in self.listeners} if self.ready else {}
        return {"https": "", **(kept or super().addresses())}

    def start(self, **more):
        super().start(**more)
        self.extra = self.first  # It knows who it is from now on.
        return self


class Link:
    """A TCP proxy on a port of its own, to be cut: at once, or into silence."""

    def __init__(self, port):
        self.target = port
        self.up = True
        self.silent = False
        self.sockets = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        # shutdown() wakes the thread that accepts; close() alone does not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def cut(self):
        with self.lock:
            self.up = False
            for each in self.sockets:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.sockets.clear()

    def heal(self):
        self.up = True

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.lock:
                if not self.up:
                    near.close()
                    far.close()
                    continue
                self.sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def join_words(control, *words, via=None):
    """What makes an edge join: by the control API's address, or by way of a link."""
    return ["--join", via.url if via else control.control, "--token", control.join_token(*words)]


def verified(server):
    """What verify-log says of a stopped node: index, history, hash and the digest of every row."""
    made = subprocess.run([str(server.binaries / "atolld"), "verify-log", "--data",
                           str(server.data)], capture_output=True, text=True,
                          timeout=PATIENCE_SECONDS)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def wait_for_index(control, names, seconds=PATIENCE_SECONDS):
    """Until each of the nodes reports the control plane's own position."""
    def all_there():
        nodes, log = control.nodes()
        return all(nodes[n].get("index") == log["index"] and nodes[n].get("hash") == log["hash"]
                   for n in names)
    wait_until(all_there, f"{names} at the log's end", seconds)
