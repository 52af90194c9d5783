"""Whether tasks are done: the clock asks for a sign of life, and a worker leaves it where web servers find it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from django.core.cache import caches
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# The clock asks every ten seconds.
SILENT_AFTER: Final = timedelta(minutes=1)
_KEY: Final = "worker-alive"


def show_life(*, at: datetime) -> None:
    caches["shared"].set(_KEY, at.timestamp(), timeout=None)


def last_sign_of_life() -> datetime | None:
    """When a worker has last done what the clock asked for; None where nobody knows of any."""
    try:
        seconds = caches["shared"].get(_KEY)
    except RedisError:
        log.warning("the cache does not say whether workers live")
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def is_silent(*, at: datetime) -> bool:
    last = last_sign_of_life()
    return last is None or at - last > SILENT_AFTER
