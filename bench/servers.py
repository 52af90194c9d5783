"""Which web server: the same small Django behind each, on loopback, with a pool of PostgreSQL connections.

    python -m bench.servers [SECONDS]

Servers that are not installed are left out (`pip install gunicorn waitress uvicorn` brings them). The client is one
process that keeps 16 connections busy for a few seconds, so that figures compare servers and are no capacity plan.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.servers import free_port, postgresql

CONNECTIONS = 16
STALLED = 32
WARM_UP_SECONDS = 1.0
PATHS = {"read": "/read", "sign": "/sign"}
_WSGI, _ASGI = "bench.site:wsgi", "bench.site:asgi"
_GRANIAN = ("granian", "--no-ws", "--log-level", "warning", "--http", "1", "--port", "{port}", "--interface")


@dataclass(frozen=True)
class Candidate:
    name: str
    module: str
    arguments: tuple[str, ...]
    prefix: str = ""


CANDIDATES = (
    Candidate("granian wsgi, 4 threads", "granian", (*_GRANIAN, "wsgi", "--blocking-threads", "4", _WSGI)),
    Candidate("granian wsgi, 8 threads", "granian", (*_GRANIAN, "wsgi", "--blocking-threads", "8", _WSGI)),
    Candidate(
        "granian wsgi, 2 × 4 threads",
        "granian",
        (*_GRANIAN, "wsgi", "--workers", "2", "--blocking-threads", "4", _WSGI),
    ),
    Candidate(
        "gunicorn gthread, 8 threads", "gunicorn", ("gunicorn", "-b", "127.0.0.1:{port}", "--threads", "8", _WSGI)
    ),
    Candidate(
        "gunicorn gthread, 2 × 4 threads",
        "gunicorn",
        ("gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "--threads", "4", _WSGI),
    ),
    Candidate("waitress, 8 threads", "waitress", ("waitress", "--listen", "127.0.0.1:{port}", "--threads", "8", _WSGI)),
    Candidate("granian asgi", "granian", (*_GRANIAN, "asginl", _ASGI), "/async"),
    Candidate("uvicorn asgi", "uvicorn", ("uvicorn", "--port", "{port}", "--log-level", "warning", _ASGI), "/async"),
)


@dataclass
class Measured:
    seconds: float
    latencies: list[float] = field(default_factory=list)
    failures: int = 0

    def row(self) -> str:
        if len(self.latencies) < 100:
            return f"- | - | - | {self.failures}"
        percentiles = statistics.quantiles(self.latencies, n=100)
        rate = len(self.latencies) / self.seconds
        return f"{rate:,.0f} | {percentiles[49] * 1000:.1f} | {percentiles[98] * 1000:.1f} | {self.failures}"


class Client:
    """Keeps connections busy with one request each until the time is over."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._selector = selectors.DefaultSelector()
        self._state: dict[socket.socket, tuple[float, bytes]] = {}

    def run(self, seconds: float) -> Measured:
        measured = Measured(seconds)
        for _ in range(CONNECTIONS):
            self._open()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for key, _ in self._selector.select(timeout=0.5):
                self._receive(key.fileobj, measured)  # type: ignore[arg-type]
        for connection in list(self._state):
            self._close(connection)
        return measured

    def _open(self) -> None:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ)
        self._ask(connection)

    def _ask(self, connection: socket.socket) -> None:
        self._state[connection] = (time.perf_counter(), b"")
        connection.sendall(self._request)

    def _close(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._state[connection]
        connection.close()

    def _receive(self, connection: socket.socket, measured: Measured) -> None:
        started, received = self._state[connection]
        try:
            chunk = connection.recv(65536)
        except OSError:
            chunk = b""
        if not chunk:
            measured.failures += 1
            self._close(connection)
            self._open()
            return
        received += chunk
        self._state[connection] = (started, received)
        if _is_complete(received):
            measured.latencies.append(time.perf_counter() - started)
            measured.failures += not received.startswith(b"HTTP/1.1 200")
            self._ask(connection)


def _is_complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


@contextlib.contextmanager
def serving(candidate: Candidate, environment: dict[str, str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", *(word.format(port=port) for word in candidate.arguments)]
    process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def stalled_clients(port: int) -> Iterator[None]:
    """Clients that begin a request and do not end it, as a bad network or a bad person has it."""
    with contextlib.ExitStack() as connections:
        for _ in range(STALLED):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(b"GET /read HTTP/1.1\r\nHost: localhost\r\n")
        yield


def main(seconds: float) -> None:
    print("| server | what | requests/s | p50 ms | p99 ms | failures |\n|---|---|---|---|---|---|")
    with postgresql() as database:
        environment = {**os.environ, "DATABASE_URL": database.url}
        for candidate in CANDIDATES:
            if importlib.util.find_spec(candidate.module) is None:
                continue
            with serving(candidate, environment) as port:
                for what, path in PATHS.items():
                    Client(port, candidate.prefix + path).run(WARM_UP_SECONDS)
                    measured = Client(port, candidate.prefix + path).run(seconds)
                    print(f"| {candidate.name} | {what} | {measured.row()} |", flush=True)
                with stalled_clients(port):
                    measured = Client(port, candidate.prefix + "/read").run(seconds)
                print(f"| {candidate.name} | read, {STALLED} stalled clients | {measured.row()} |", flush=True)


if __name__ == "__main__":
    main(min(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0, 60.0))
