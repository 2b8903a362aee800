"""`atoll dev` as a program that a test talks to."""

import json
import queue
import signal
import subprocess
import threading

from support.server import PATIENCE_SECONDS, build_directory


class Dev:
    """One running `atoll dev --json`."""

    def __init__(self, folder, *words):
        self.process = subprocess.Popen(
            [str(build_directory() / "atoll"), "dev", "--json", "--port", "0", *words], cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def wait_for(self, event):
        while (line := self.lines.get(timeout=PATIENCE_SECONDS)) is not None:
            if line["event"] == event:
                return line
        raise AssertionError(f"it ended without {event}: {self.process.stderr.read()}")

    def stop(self):
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_SECONDS)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code
