"""The cache as relying parties may lean on it: a help while it is there. Without it every answer is made anew.

It is a cache of its own, so that what anybody may ask for takes no room from what must be remembered.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from django.core.cache import caches

log = logging.getLogger(__name__)

_CACHE: Final = "public"


def get(key: str) -> Any:
    """What was kept; None where nothing was, or where the cache cannot be reached."""
    try:
        return caches[_CACHE].get(key)
    except Exception:
        # Whatever client the cache has. A CRL that cannot be fetched stops more than a slow one.
        log.warning("public answers are made without a cache", exc_info=True)
        return None


def keep(key: str, value: Any, seconds: int) -> None:
    """Keep it if that can be done."""
    try:
        caches[_CACHE].set(key, value, seconds)
    except Exception:
        log.warning("a public answer was not kept: no cache", exc_info=True)
