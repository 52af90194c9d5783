"""A reverse proxy that does to answers what networks do: it refuses, loses and invents.

`POST /__faults` with `{"faults": […]}` says what happens to the next requests, one fault each, and begins to count
anew; `GET /__faults` tells what has come since. sdk/scenario/README.md has the kinds of faults.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTROL = "/__faults"
# Of one hop (RFC 9110 section 7.6.1), and those that this proxy writes itself.
_NOT_HANDED_ON = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
_PATIENCE_SECONDS = 120


@dataclass
class Seen:
    """What has come since the faults were said."""

    faults: list[Any] = field(default_factory=list)
    requests: int = 0
    keys: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    sent: Any = None

    def told(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "keys": list(dict.fromkeys(self.keys)),
            "agents": list(dict.fromkeys(self.agents)),
            "sent": self.sent,
            "left": self.faults,
        }


class FaultyProxy(ThreadingHTTPServer):
    """On a free port of the loopback interface, before the server on `port`."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = port
        self.lock = threading.Lock()
        self.seen = Seen()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up, too; whatever else goes wrong here, the client sees."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def faulty_proxy(port: int) -> Iterator[FaultyProxy]:
    with FaultyProxy(port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def __getattr__(self, name: str) -> Any:
        """`do_GET` and so on: every method is handled alike."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Not on the terminal."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            self._control(body)
            return
        fault = self._note(body)
        if fault is None:
            self._answer(*self._ask(body))
        elif fault == "refused":
            self._hang_up()
        elif fault == "lost":
            self._ask(body)
            self._hang_up()
        else:
            self._invent(fault if isinstance(fault, dict) else {"status": fault})

    def _control(self, body: bytes) -> None:
        with self.server.lock:
            if self.command == "POST":
                self.server.seen = Seen(faults=json.loads(body)["faults"])
            told = json.dumps(self.server.seen.told()).encode()
        self._answer(200, [("Content-Type", "application/json")], told)

    def _note(self, body: bytes) -> Any:
        """What shall happen to this request; None: nothing."""
        with self.server.lock:
            seen = self.server.seen
            seen.requests += 1
            seen.keys += self.headers.get_all("Idempotency-Key") or []
            seen.agents += self.headers.get_all("User-Agent") or []
            seen.sent = json.loads(body) if body else None
            return seen.faults.pop(0) if seen.faults else None

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.upstream, timeout=_PATIENCE_SECONDS)
        with contextlib.closing(connection):
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_HANDED_ON}
            connection.request(self.command, self.path, body=body or None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _NOT_HANDED_ON:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _invent(self, fault: dict[str, Any]) -> None:
        """An answer as a proxy gives it, that knows nothing of problem documents."""
        headers = [("Content-Type", "text/html")]
        if "retry_after" in fault:
            headers.append(("Retry-After", str(fault["retry_after"])))
        self._answer(fault["status"], headers, b"<html><h1>Not now</h1></html>")

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
