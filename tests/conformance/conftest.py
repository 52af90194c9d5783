"""What every conformance test stands on."""

from __future__ import annotations

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """The numbers of CAs begin anew in each test's database, and the cache would answer for those of another test."""
    for cache in caches.all():
        cache.clear()
