"""The cache as relying parties may lean on it: a help while it is there. Without it every answer is made anew.

It is a cache of its own, so that what anybody may ask for takes no room from what must be remembered. It keeps bytes
and JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.core.cache import caches

Value = TypeVar("Value")
log = logging.getLogger(__name__)

_SHARED: Final = "public"
_HERE: Final = "public-here"
# What a process has once read is not fetched again for so long. Keys name their values for good: see those who keep.
_SECONDS_HERE: Final = 60
_LONGEST_HERE: Final = 16 * 1024


def get(key: str, read: Callable[[Any], Value]) -> Value | None:
    """What `read` makes of what was kept; None where nothing was, where it fails, or where the cache is away."""
    try:
        kept = caches[_HERE].get(key)
        if kept is None:
            kept = caches[_SHARED].get(key)
            if kept is not None:
                _keep_here(key, kept, _SECONDS_HERE)
        return None if kept is None else read(kept)
    except Exception:
        # Whatever client the cache has. A CRL that cannot be fetched stops more than a slow one.
        log.warning("public answers are made without a cache", exc_info=True)
        return None


def as_bytes(kept: Any) -> bytes:
    """Raises TypeError."""
    if not isinstance(kept, bytes):
        raise TypeError("these are no bytes")
    return kept


def keep(key: str, value: Any, seconds: int) -> None:
    """Keep bytes or JSON if that can be done. What a key stands for must stay true for so many seconds."""
    try:
        caches[_SHARED].set(key, value, seconds)
        _keep_here(key, value, min(seconds, _SECONDS_HERE))
    except Exception:
        log.warning("a public answer was not kept: no cache", exc_info=True)


def _keep_here(key: str, value: Any, seconds: int) -> None:
    if not isinstance(value, str | bytes) or len(value) <= _LONGEST_HERE:
        caches[_HERE].set(key, value, seconds)
