"""The test applications, ready to be deployed: a copy beside its npm packages."""

import contextlib
import shutil
import tempfile
from pathlib import Path

from support.npm import installed

APPS = Path(__file__).resolve().parents[1] / "integration" / "apps"


@contextlib.contextmanager
def project(name):
    """A copy of integration/apps/<name> that finds its packages in a node_modules above it."""
    with tempfile.TemporaryDirectory(prefix="atoll-app-") as folder:
        Path(folder, "node_modules").symlink_to(installed(APPS), target_is_directory=True)
        copy = Path(folder, name)
        shutil.copytree(APPS / name, copy)
        yield copy
