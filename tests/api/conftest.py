"""An office, its owner's key, and a stranger's."""

from __future__ import annotations

import pytest
from django.core.cache import caches

from tests import cast
from tests.api.wire import Wire, wire_of
from tests.office import Office, open_office


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """Refusals and guesses are counted in the cache, which outlives a test."""
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


@pytest.fixture
def api(office: Office) -> Wire:
    """The owner's key, with everything that the owner may do."""
    return wire_of(office.person)


@pytest.fixture
def stranger(db: None) -> Wire:
    """The key of an owner of another organization."""
    return wire_of(cast.stranger())
