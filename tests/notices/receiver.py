"""A receiver of messages on this machine, which answers as it is told to."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from accounts.models import Organization
from accounts.services.private_ranges import allow_private_range
from tests import cast


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_by(self, secret: str) -> bool:
        """As the documentation tells receivers to check it, in words of their own."""
        signed = b".".join(
            [self.headers["Chancery-Event-Id"].encode(), self.headers["Chancery-Timestamp"].encode(), self.body]
        )
        right = "v1=" + hmac.new(secret.encode(), signed, sha256).hexdigest()
        return right in self.headers["Chancery-Signature"].split(",")


@dataclass
class Receiver:
    """`status` and `headers` are how it answers from now on."""

    address: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append(Received(dict(self.headers.items()), body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{server.server_port}/hook/canary-path"
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def allow_loopback(organization: Organization) -> None:
    """What stands behind us is reached by whom a superuser lets."""
    allow_private_range(actor=cast.SUPERUSER, organization=organization, network="127.0.0.0/8")
