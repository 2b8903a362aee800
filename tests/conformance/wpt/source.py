"""The Web Platform Tests, as Debian's source package of nodejs carries them.

Fetched by apt on first use, with a state directory of its own and the environment's own sources;
the archive's checksum is pinned here. Kept under the cache directory by that checksum.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from support.npm import cache_directory

PACKAGE = "nodejs"
VERSION = "24.21.0+dfsg+~cs24.13.4-1"
ARCHIVE = "nodejs_24.21.0+dfsg+~cs24.13.4.orig.tar.xz"
SHA256 = "e6e0d1a00dfc9e31ab2b074fd99979a48be17c18e8e3edc14306736069bb8f54"


def root():
    """The suite's directory, made on first use; two first users at once wait for one another."""
    home = cache_directory() / f"wpt-{SHA256[:16]}"
    if home.is_dir():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{home}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if home.is_dir():
            return home
        part = Path(f"{home}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        archive = downloaded(part)
        tree = part / "tree"
        tree.mkdir()
        command("tar", "-xJf", archive, "-C", tree, "--wildcards", "--strip-components=4",
                "*/test/fixtures/wpt")
        tree.rename(home)  # Last: a directory that is there is whole.
        shutil.rmtree(part)
    return home


def downloaded(folder):
    """The archive in `folder`, its checksum as pinned."""
    sources = source_lines()
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(sources)
    options = [f"-o{key}={value}" for key, value in {
        "Dir::Etc::SourceList": folder / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": folder, "Dir::State::Lists": folder / "lists",
        "Dir::State::status": folder / "status", "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none", "Acquire::Retries": "3",
        # The archive's copy may be a frozen one.
        "Acquire::Check-Valid-Until": "false",
        "APT::Sandbox::User": "root",
    }.items()]
    command("apt-get", "-qq", *options, "update")
    command("apt-get", "-qq", *options, "source", "--download-only", f"{PACKAGE}={VERSION}",
            cwd=folder)
    archive = folder / ARCHIVE
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        raise RuntimeError(f"{ARCHIVE} has the checksum {found}, expected {SHA256}")
    return archive


def source_lines():
    """deb-src lines for wherever this system's packages come from."""
    lines = []
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.list")]
    for file in filter(Path.exists, files):
        for line in file.read_text().splitlines():
            if line.startswith("deb "):
                lines.append(re.sub("^deb ", "deb-src ", line))
    for file in Path("/etc/apt/sources.list.d").glob("*.sources"):
        for stanza in file.read_text().split("\n\n"):
            field = dict(re.findall(r"^(\w[\w-]*): *(.*)$", stanza, re.M))
            if "deb" in field.get("Types", "").split():
                signed = f"[signed-by={field['Signed-By']}] " if "Signed-By" in field else ""
                for suite in field["Suites"].split():
                    for uri in field["URIs"].split():
                        lines.append(f"deb-src {signed}{uri} {suite} {field['Components']}")
    return "\n".join(lines) + "\n"


def command(*words, cwd=None):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} failed, for the Web Platform Tests of {PACKAGE} {VERSION} "
                           f"(pinned in {Path(__file__).name}):\n{done.stdout}{done.stderr}")
