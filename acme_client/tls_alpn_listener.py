"""Answers tls-alpn-01 (RFC 8737): a handshake with the right certificate for whoever asks for `acme-tls/1`; no more."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.db import DatabaseError, close_old_connections

from acme_client.challenge_selectors import tls_alpn_answer
from acme_client.tls_alpn_signing import challenge_certificate

log = logging.getLogger(__name__)

_PROTOCOL: Final = "acme-tls/1"
_PATIENCE: Final = 10.0
_MOST_AT_ONCE: Final = 32
_BACKLOG: Final = 64


class TlsAlpnListener:
    """Listens at `address`; `serve` answers until `stop` is called from another thread or a signal handler."""

    def __init__(self, address: str, port: int) -> None:
        """Raises OSError where it cannot listen there."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.create_server((address, port), family=family, backlog=_BACKLOG)
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._is_stopped = threading.Event()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def serve(self) -> None:
        self._socket.settimeout(0.5)
        with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
            while not self._is_stopped.is_set():
                try:
                    connection, _client = self._socket.accept()
                except TimeoutError:
                    continue
                except OSError:
                    # A client that has gone away again, or no more handles for a while.
                    self._is_stopped.wait(0.1)
                    continue
                self._hand_over(pool, connection)
        self._socket.close()

    def stop(self) -> None:
        self._is_stopped.set()

    def _hand_over(self, pool: ThreadPoolExecutor, connection: socket.socket) -> None:
        """Whoever comes while all places are taken is sent away: servers ask again."""
        if not self._places.acquire(blocking=False):
            connection.close()
            return
        pool.submit(_answer, connection).add_done_callback(lambda _future: self._places.release())


def _answer(connection: socket.socket) -> None:
    try:
        connection.settimeout(_PATIENCE)
        with _context(_choose).wrap_socket(connection, server_side=True):
            pass
    except OSError as error:
        log.debug("a handshake was not finished: %s", type(error).__name__)
    finally:
        connection.close()


def _choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> int | None:
    """Gives the connection the certificate for the name that is asked for, or ends it with an alert (RFC 6066)."""
    host = _host(name or "")
    try:
        answer = tls_alpn_answer(host) if host else None
    except DatabaseError:
        log.exception("a challenge could not be answered")
        return int(ssl.ALERT_DESCRIPTION_INTERNAL_ERROR)
    finally:
        close_old_connections()
    if answer is None:
        return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
    connection.context = _answering(host, answer)
    return None


def _host(name: str) -> str:
    """In lower case; an address where it is one's name in the reverse tree (RFC 8738 section 6)."""
    host = name.lower().removesuffix(".")
    labels = host.split(".")
    try:
        if host.endswith(".in-addr.arpa"):
            return str(ipaddress.IPv4Address(".".join(reversed(labels[:-2]))))
        if host.endswith(".ip6.arpa"):
            return str(ipaddress.IPv6Address(int("".join(reversed(labels[:-2])), 16)))
    except ValueError:
        return ""
    return host if host.isprintable() else ""


@lru_cache(maxsize=64)
def _answering(host: str, key_authorization: str) -> ssl.SSLContext:
    context = _context(None)
    with tempfile.TemporaryDirectory(prefix="chancery-tls-alpn-") as folder:
        # The library reads certificates from files alone; this one proves nothing to anybody but the CA that asks.
        path = Path(folder) / "challenge.pem"
        path.write_bytes(challenge_certificate(host, key_authorization))
        context.load_cert_chain(path)
    return context


def _context(choose: Callable[..., int | None] | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([_PROTOCOL])
    if choose is not None:
        context.sni_callback = choose
    return context
