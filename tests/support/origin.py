"""Certificates of a test's own authority, and an origin server that uses them."""

import contextlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A certificate authority in `folder`; `file` is its own certificate."""

    def __init__(self, folder, name="Atoll test authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self.key, "-out", self.file, "-days", "30", "-subj", f"/CN={name}",
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign")

    def certificate(self, name, names, expired=False):
        """(certificate file, key file) for `names`, as DNS: and IP: alternatives."""
        validity = ["-days", 30]
        if expired:
            validity = ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"]
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                 "-addext", "subjectAltName=" + ",".join(names))
        _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                 "-out", certificate, *validity, "-copy_extensions", "copyall")
        return certificate, key


@dataclass
class Origin:
    http: int
    https: int
    h2: int


@contextlib.contextmanager
def origin(certificate, key):
    """Runs support/origin.mjs; yields its ports."""
    process = subprocess.Popen(
        ["node", str(Path(__file__).with_name("origin.mjs")), str(certificate), str(key)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield Origin(**json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def authority():
    with tempfile.TemporaryDirectory(prefix="atoll-ca-") as folder:
        yield Authority(folder)
