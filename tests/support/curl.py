"""The real curl, as an independent client of every HTTP version."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

# How each transport is asked for.
H1, H2C, H2_TLS = "h1", "h2c", "h2+tls"
TRANSPORTS = (H1, H2C, H2_TLS)


@dataclass
class Answer:
    status: int
    version: str
    headers: dict
    body: bytes
    code: int
    error: str

    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


def curl(server, host, target="/", transport=H1, method=None, headers=(), body=None, words=()):
    """One request to `host` as served by `server`; never a name looked up, never a default used."""
    secure = transport == H2_TLS
    port = server.https if secure else server.http
    url = f"{'https' if secure else 'http'}://{host}:{port}{target}"
    command = ["curl", "--silent", "--show-error", "--max-time", "120", "--path-as-is", "--globoff",
               "--noproxy", "*", "--resolve", f"{host}:{port}:127.0.0.1"]
    # The node can vouch for local names only.
    trust = ["--cacert", server.ready["ca_file"]] if host.endswith("localhost") else ["--insecure"]
    command += {H1: ["--http1.1"], H2C: ["--http2-prior-knowledge"],
                H2_TLS: ["--http2", *trust]}[transport]
    if method:
        command += ["--head"] if method == "HEAD" else ["--request", method]
    for name, value in headers:
        command += ["--header", f"{name}: {value}"]
    if body is not None:
        command += ["--data-binary", "@-"]
    with tempfile.TemporaryDirectory() as scratch:
        out, dump = Path(scratch, "body"), Path(scratch, "headers")
        made = subprocess.run(
            [*command, *words, "--output", out, "--dump-header", dump,
             "--write-out", "%{http_code} %{http_version}", url],
            input=body.encode() if isinstance(body, str) else body, capture_output=True)
        status, version = made.stdout.decode().split(" ")
        lines = dump.read_text(errors="replace").split("\n") if dump.exists() else []
        content = out.read_bytes() if out.exists() and method != "HEAD" else b""
    fields = {}
    for line in lines:
        if line.startswith("HTTP/"):
            fields = {}  # Informational responses come first; the last head counts.
        elif ":" in line:
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
    return Answer(int(status), version, fields, content, made.returncode, made.stderr.decode())
