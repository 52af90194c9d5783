"""With the cache gone, nobody guesses at a passphrase; what needs none goes on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts import guessing
from accounts.guessing import Tries, take_all
from kernel.secret import Secret
from tests import cast
from tests.api.wire import wire_of
from tests.office import open_office
from web import sign_in

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


@pytest.mark.django_db
def test_however_many_try_a_password_at_once_ten_are_tried(monkeypatch: pytest.MonkeyPatch):
    """Each of them begins while all before it are still being looked at."""
    tried: list[str] = []
    answers: list[int] = []

    def slow(request: Any, *, username: str, password: str) -> None:
        tried.append(password)
        guess(len(tried) + 1)

    def guess(number: int) -> None:
        form = {"username": "owner@acme.example", "password": f"guess {number}"}
        answers.append(Client().post("/sign-in/", form).status_code)

    monkeypatch.setattr(sign_in, "authenticate", slow)
    guess(1)
    assert len(tried) == guessing.TRIES
    assert answers == [429] + [422] * guessing.TRIES


@pytest.mark.django_db
def test_who_knows_the_password_is_not_counted_as_guessing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guessing, "TRIES_OF_NAME", guessing.TRIES + 2)
    monkeypatch.setattr(guessing, "TRIES_OF_ADDRESS", guessing.TRIES + 2)
    person = cast.owner(cast.organization())
    form = {"username": person.user.email, "password": cast.PASSWORD}
    for _ in range(guessing.TRIES + 3):
        assert Client().post("/sign-in/", form).status_code == 302


def test_one_address_that_guesses_does_not_use_up_the_tries_of_others():
    here, everywhere = Tries.of("here", "a", most=2), Tries.of("everywhere", "b", most=3)
    assert [take_all([here, everywhere]) for _ in range(9)] == [True] * 2 + [False] * 7
    assert take_all([everywhere])
    assert not take_all([everywhere])
