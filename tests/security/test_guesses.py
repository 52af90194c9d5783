"""With the cache gone, nobody guesses at a passphrase; what needs none goes on."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.secret import Secret
from tests.api.wire import wire_of
from tests.office import open_office

PASSPHRASE = "a passphrase of some length"


@pytest.mark.django_db
def test_passphrases_are_refused_without_a_cache_and_other_calls_pass(settings: Any):
    locked, other = open_office(passphrase=Secret(PASSPHRASE)), open_office("Umbrella")
    settings.CACHES = {
        name: {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
        for name in settings.CACHES
    }
    body = {"template_code": "web-tls", "common_name": "www.acme.test"}
    refused = wire_of(locked.person).post("/api/v2/certificates", body | {"passphrase": PASSPHRASE})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (503, "guesses-not-counted")
    assert wire_of(other.person).post("/api/v2/certificates", body).status_code == 201
