"""A server under measurement as a process: its folder, its CPU time and its end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
TOP = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of one process: all its threads, those gone included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(pid):
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += descendants(int(child))
    return found


class PeerProcess:
    """Runs in a folder of its own that begins as a copy of `files`. A subclass sets `process`."""

    def __init__(self, files):
        self.folder = Path(tempfile.mkdtemp(prefix="atoll-bench-"))
        shutil.copytree(files, self.folder, dirs_exist_ok=True)
        self.process = None

    def spawn(self, command):
        self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        """Of the process and all its children. Time of a child that ended counts nowhere."""
        return sum(cpu_seconds(pid) for pid in descendants(self.pid()))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
