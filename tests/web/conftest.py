"""Browsers of three people, and a small office for them to look at."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import Client

from certificates.models import Certificate
from tests import cast
from tests.office import Office, open_office


@pytest.fixture(autouse=True)
def _nobody_tried_before():
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def office(db) -> Office:
    return open_office()


@pytest.fixture
def certificate(office: Office) -> Certificate:
    return office.issue("www.acme.test", "www.acme.test", "api.acme.test").certificate


@pytest.fixture
def root(db) -> Client:
    """A signed-in superuser."""
    return _signed_in(cast.superuser())


@pytest.fixture
def owner(office: Office) -> Client:
    """The owner of the office: a person with every right in it, and none in the admin."""
    return _signed_in(office.person.user)


def _signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.sessions.PasswordBackend")
    return client
