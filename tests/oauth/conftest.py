"""An office, and an application that has registered itself."""

from __future__ import annotations

import pytest
from django.core.cache import caches

from tests.oauth.desk import Desk, open_desk


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """Refusals and guesses are counted in the cache, which outlives a test."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def desk(db: None) -> Desk:
    return open_desk()
