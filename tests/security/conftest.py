"""What holds for every test of an attack: nothing of another one is remembered."""

from __future__ import annotations

import pytest
from django.core.cache import caches


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    for cache in caches.all():
        cache.clear()
