"""What holds for every test of the register."""

from __future__ import annotations

import pytest
from django.core.cache import caches

from tests.office import Office, open_office


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    """Numbers of rows come again when a test's transaction is rolled back, and the cache would take one for another."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def office() -> Office:
    return open_office()
