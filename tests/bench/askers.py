"""Clients of the studies: at a fixed rate whatever the server does, one after another, or once."""

import multiprocessing
import os
import resource
import select
import socket
import threading
import time

from support import http1


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def spread(seconds):
    """{"p50": ms, ...} of latencies in seconds."""
    found = sorted(seconds)
    if not found:
        return None
    return {key: round(percentile(found, share) * 1e3, 3)
            for key, share in (("p50", .5), ("p99", .99), ("p99.9", .999), ("max", 1))}


def ahead_of_others():
    """A generator that waits for its turn on the CPU would measure itself."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


class SteadyClient:
    """`rate` requests a second, each on a connection that has nothing else to do, from a process
    of its own. A request's time is counted from when it was due."""

    def __init__(self, port, host, expected, rate=1000):
        self.port, self.expected, self.rate = port, expected, rate
        self.request = f"GET /quiet HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    def run(self, seconds):
        """(latencies in seconds, failures); one that is not answered at all is a failure,
        and in the latencies with the time it was waited for."""
        receiving, sending = multiprocessing.Pipe(False)
        process = multiprocessing.Process(target=self._work, args=(sending, seconds))
        process.start()
        sending.close()
        try:
            return receiving.recv()
        except EOFError:
            raise RuntimeError("the load generator broke") from None
        finally:
            process.join()

    def _work(self, pipe, seconds):
        ahead_of_others()
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        # A timer of its own: epoll's is good to a millisecond only.
        self.events, timer = select.epoll(), os.timerfd_create(time.CLOCK_MONOTONIC)
        self.events.register(timer, select.EPOLLIN)
        self.open, self.busy, self.latencies, self.failures = {}, {}, [], 0
        self.free = [self._connect() for _ in range(8)]
        start, sent, total = time.monotonic() + 0.05, 0, int(seconds * self.rate)
        patience = start + seconds + 5
        while sent < total or (self.busy and time.monotonic() < patience):
            now = time.monotonic()
            while sent < total and start + sent / self.rate <= now:
                self._send(start + sent / self.rate)
                sent += 1
            due = start + sent / self.rate if sent < total else now + 0.1
            os.timerfd_settime(timer, initial=max(1e-6, due - time.monotonic()))
            for number, _ in self.events.poll():
                if number == timer:
                    os.read(timer, 8)
                else:
                    self._receive(self.open[number])
        # As late as they are by now, at the least.
        self.latencies += [time.monotonic() - due for due, _ in self.busy.values()]
        pipe.send((self.latencies, self.failures + len(self.busy)))

    def _connect(self):
        made = socket.create_connection(("127.0.0.1", self.port), 5)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open[made.fileno()] = made
        self.events.register(made, select.EPOLLIN)
        return made

    def _send(self, due):
        try:
            connection = self.free.pop() if self.free else self._connect()
            connection.sendall(self.request)
        except OSError:
            self.failures += 1
            return
        self.busy[connection] = (due, b"")

    def _receive(self, connection):
        due, answer = self.busy.pop(connection, (None, b""))
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        answer += data
        ok = bool(data) and answer.startswith(b"HTTP/1.1 200")
        if due is None or not ok:  # A connection closed while idle is no failure.
            self.failures += due is not None
            if connection in self.free:
                self.free.remove(connection)
            del self.open[connection.fileno()]
            self.events.unregister(connection)
            connection.close()
        elif answer.endswith(self.expected):
            self.latencies.append(time.monotonic() - due)
            self.free.append(connection)
        else:
            self.busy[connection] = (due, answer)


class Asker(threading.Thread):
    """Asks the given (port, host, path) in turn, one at a time, until stop(); counts statuses."""

    def __init__(self, targets):
        super().__init__(daemon=True)
        self.targets, self.statuses, self.stopping = list(targets), {}, False

    def run(self):
        at = 0
        while not self.stopping:
            port, host, path = self.targets[at % len(self.targets)]
            at += 1
            try:
                status = http1.request(port, host, path).status
            except (OSError, EOFError, ValueError, AttributeError):
                status = "broken"
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status != 200:
                time.sleep(0.02)

    def stop(self):
        self.stopping = True


def first_byte(connection, host):
    """Seconds until the first byte of an answer to GET / on an open connection (http1's)."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    start = time.monotonic()
    connection.socket.sendall(request)
    connection.buffer += connection.socket.recv(65536)
    elapsed = time.monotonic() - start
    answer = connection.read_response()
    if answer.status != 200:
        raise RuntimeError(f"{host} answered {answer.status} {answer.body[:80]!r}")
    return elapsed
