"""Headless Chromium: what a person would see of a page."""

import html
import re
import subprocess
import tempfile
from pathlib import Path

from support.png import pixels
from support.server import PATIENCE_SECONDS

# It would look around in a network that tests have not.
_QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-dev-shm-usage", "--no-proxy-server", "--force-color-profile=srgb")


def _chromium(url, *words):
    with tempfile.TemporaryDirectory(prefix="atoll-browser-") as profile:
        made = subprocess.run(
            ["chromium", *_QUIET, f"--user-data-dir={profile}", *words, url],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS * 2)
    if made.returncode != 0:
        raise AssertionError(f"chromium ended with {made.returncode}:\n{made.stderr[-2000:]}")
    return made.stdout


def text_of(url):
    """What of the page is no markup, once it is loaded."""
    document = _chromium(url, "--dump-dom")
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", document, flags=re.DOTALL))


def pixels_of(url):
    """What the page looks like: (width, height, rows of RGB(A) tuples)."""
    with tempfile.TemporaryDirectory(prefix="atoll-screen-") as folder:
        shot = Path(folder, "screen.png")
        _chromium(url, f"--screenshot={shot}", "--window-size=400,300")
        return pixels(shot.read_bytes())
