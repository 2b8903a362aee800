"""npm packages by a committed lock file, installed once per content of that file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path


def cache_directory():
    """Where everything that is made once and kept lives (tools/env uses the same)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "atoll")


def installed(folder):
    """The node_modules directory for `folder`'s package.json and package-lock.json.

    Made by `npm ci` on first use; two first users at once wait for one another. No package's own
    scripts are run.
    """
    folder = Path(folder)
    manifests = [folder / "package.json", folder / "package-lock.json"]
    key = hashlib.sha256(b"".join(m.read_bytes() for m in manifests)).hexdigest()[:16]
    home = cache_directory() / f"npm-{key}"
    modules = home / "node_modules"
    if modules.is_dir():
        return modules
    home.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{home}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if modules.is_dir():
            return modules
        part = Path(f"{home}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for manifest in manifests:
            shutil.copy(manifest, part)
        made = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=part, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if made.returncode != 0:
            raise RuntimeError(f"npm ci failed for {folder}:\n{made.stdout}{made.stderr}")
        shutil.rmtree(home, ignore_errors=True)
        part.rename(home)  # Last: a directory that is there is whole.
    return modules
