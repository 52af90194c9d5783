"""Sweeps that wait for servers which tenants have named: these must not keep every thread of a worker waiting.

A server that is slow on purpose could otherwise keep the audit log from being sealed and CRLs from being signed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

_SLOW: Final = threading.BoundedSemaphore(max(1, settings.WORKER_THREADS // 2))
_lock: Final = threading.Lock()
_under_way: Final[set[str]] = set()


@contextmanager
def turn(name: str) -> Iterator[bool]:
    """Whether it is this sweep's turn in this process: one of its name at a time, and half of the threads for all.

    Whoever has none leaves it: the next sweep comes in seconds.
    """
    if not _begin(name):
        yield False
        return
    try:
        yield True
    finally:
        with _lock:
            _under_way.discard(name)
        _SLOW.release()


def _begin(name: str) -> bool:
    with _lock:
        if name in _under_way or not _SLOW.acquire(blocking=False):
            return False
        _under_way.add(name)
        return True
