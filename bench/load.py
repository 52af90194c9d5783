"""Clients in processes of their own, all at once at one port, and what they saw."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import client

_CLIENT = [sys.executable, "-I", "-S", client.__file__]


class ClientBroke(Exception):
    """A client did not come to its end: the server hung up or fell silent."""


@dataclass(frozen=True)
class Load:
    """What several clients saw together."""

    seconds: float
    latencies: Sequence[float]
    failures: int
    first_failure: str
    client_cpu_seconds: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile_ms(self, percent: int) -> float:
        if len(self.latencies) < 2:
            return self.latencies[0] * 1000
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


def apply_load(
    port: int, requests: Sequence[Sequence[bytes]], *, status: int, seconds: float, once: bool = False
) -> Load:
    """Let one client for each list of requests loose, for so long or until each request was sent `once`."""
    with contextlib.ExitStack() as running:
        clients = [running.enter_context(_client(port, each, status, seconds, once)) for each in requests]
        for each in clients:
            _line(each)
        for each in clients:
            _tell(each, "go")
        reports = [json.loads(_line(each)) for each in clients]
    return Load(
        seconds=max(report["end"] for report in reports) - min(report["begin"] for report in reports),
        latencies=[latency for report in reports for latency in report["latencies"]],
        failures=sum(report["failures"] for report in reports),
        first_failure=next((report["first_failure"] for report in reports if report["first_failure"]), ""),
        client_cpu_seconds=sum(report["cpu_seconds"] for report in reports),
    )


def fetch(port: int, request: bytes) -> Any:
    """The JSON document that one request is answered with. Raises ClientBroke for any status but 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=client.PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        head, _, body = client.receive(connection).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ClientBroke(f"answered {head.splitlines()[0].decode()} {body[:600].decode()}")
    return json.loads(body)


@contextlib.contextmanager
def _client(
    port: int, requests: Sequence[bytes], status: int, seconds: float, once: bool
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(_CLIENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    job = {
        "port": port,
        "requests": [request.decode("latin-1") for request in requests],
        "status": status,
        "seconds": seconds,
        "once": once,
    }
    try:
        _tell(process, json.dumps(job))
        yield process
        process.wait(client.PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin  # noqa: S101
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout  # noqa: S101
    line = process.stdout.readline()
    if not line:
        raise ClientBroke("a client stopped in the middle of its work; the server's log knows more")
    return line
