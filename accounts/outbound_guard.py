"""The same judgement as `accounts.outbound`, for libraries that open their own sockets.

Python tells about every socket that is about to connect or to send (PEP 578). Inside `guarded` each of those addresses
is judged at that moment: names have been resolved by then, so that nothing can mean something else a moment later.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from accounts.outbound import Network, OutboundError, judged
from kernel.text import _

PATIENCE_SECONDS: Final = 30.0
_MOST_CONNECTIONS: Final = 100
_EVENTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


@dataclass(slots=True)
class _Guard:
    private_ranges: tuple[Network, ...]
    deadline: float
    # A second handle on every connection: libraries wrap theirs in TLS, and hold on to them.
    connections: list[socket.socket] = field(default_factory=list)
    is_over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_guard: Final[ContextVar[_Guard | None]] = ContextVar("guard", default=None)


@contextmanager
def guarded(private_ranges: Collection[Network] = (), *, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """What this thread connects to inside is public or in `private_ranges`; after `patience` seconds it is cut off.

    Judged is the thread that came in, not those that it starts. Sockets that were connected before are not touched, and
    proxies are not asked. A library that asks for another address is stopped by OutboundError, or by what it makes of
    it; one that is cut off sees its connections end.
    """
    _stand_guard()
    guard = _Guard(tuple(private_ranges), time.monotonic() + patience)
    watchdog = threading.Timer(patience, _cut, [guard])
    watchdog.daemon = True
    token = _guard.set(guard)
    watchdog.start()
    try:
        yield
    finally:
        _guard.reset(token)
        watchdog.cancel()
        with guard.lock:
            guard.is_over = True
            for each in guard.connections:
                each.close()


@functools.cache
def _stand_guard() -> None:
    """Once in a process: a hook cannot be taken away again."""
    # A proxy would go wherever it is told to, and nobody would have judged that.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    sys.addaudithook(_judge)


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    guard = _guard.get()
    if guard is None:
        return
    connection, place = arguments
    if place is None:
        # `sendmsg` on a socket that is connected, and was judged when it was.
        return
    if time.monotonic() >= guard.deadline:
        raise OutboundError(_("it took too long"))
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        raise OutboundError(_("only addresses of the internet are connected to"))
    try:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
    except ValueError as error:
        # Resolved by the socket itself: nobody would have judged what it stands for.
        raise OutboundError(_("%(name)s is no address"), name=str(place[0])[:80]) from error
    judged([address], guard.private_ranges)
    if event == "socket.connect":
        _remember(guard, connection)


def _remember(guard: _Guard, connection: socket.socket) -> None:
    with guard.lock:
        if guard.is_over or len(guard.connections) >= _MOST_CONNECTIONS:
            raise OutboundError(_("there are too many connections"))
        guard.connections.append(socket.socket(connection.family, connection.type, fileno=os.dup(connection.fileno())))


def _cut(guard: _Guard) -> None:
    with guard.lock:
        guard.is_over = True
        for each in guard.connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
