"""Who guesses is counted as one, from whichever of their addresses and under whichever spelling of a name they come."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.guessing import TRIES, TRIES_OF_ADDRESS, one_name
from accounts.models import OAuthClient
from accounts.services import oauth_clients, oauth_server
from tests import cast

pytestmark = pytest.mark.django_db

NETWORK = "2001:db8:7:7"
FORM = "application/x-www-form-urlencoded"


def wrong_password(name: str, address: str) -> int:
    return Client(REMOTE_ADDR=address).post("/sign-in/", {"username": name, "password": "wrong"}).status_code


def test_a_network_of_ipv6_guesses_at_one_name_as_one():
    person = cast.owner(cast.organization())
    statuses = [wrong_password(person.user.email, f"{NETWORK}::{number:x}") for number in range(TRIES + 1)]
    assert statuses == [422] * TRIES + [429]
    assert wrong_password(person.user.email, "2001:db8:7:8::1") == 422


def test_a_network_of_ipv6_tries_everybody_as_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("accounts.guessing.TRIES_OF_ADDRESS", 5)
    statuses = [wrong_password(f"person-{number}@acme.example", f"{NETWORK}::{number:x}") for number in range(7)]
    assert statuses == [422] * 5 + [429] * 2
    assert TRIES_OF_ADDRESS > 5


def test_a_network_of_ipv6_asks_for_links_as_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("web.account.passwords.MOST_ASKED", 2)
    asked = [
        Client(REMOTE_ADDR=f"{NETWORK}::{number:x}").post("/password/forgotten/", {"email": f"{number}@acme.example"})
        for number in range(4)
    ]
    assert [each.status_code for each in asked] == [200, 200, 429, 429]


# What a database finds by one name (UPPER in PostgreSQL) is one name to be guessed at.
SPELLINGS = {"capitals": "OWNER@ACME.EXAMPLE", "blanks": "  owner@acme.example "}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_name_is_one_name_however_it_is_written(spelling: str):
    assert one_name(spelling) == one_name("owner@acme.example")


@pytest.mark.parametrize(("sign", "letter"), [("\u0131", "i"), ("\u017f", "s")])
def test_letters_that_databases_take_for_others_are_the_same_name(sign: str, letter: str):
    assert one_name(f"adm{sign}n@acme.example") == one_name(f"adm{letter}n@acme.example")


def register(number: int) -> int:
    body = {"client_name": f"client {number}", "redirect_uris": ["https://app.example/callback"]}
    client = Client(REMOTE_ADDR=f"{NETWORK}::{number:x}")
    return client.post("/oauth/register", body, content_type="application/json").status_code


def test_a_network_of_ipv6_registers_applications_as_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(oauth_clients, "_MOST_OF_ADDRESS", 3)
    assert [register(number) for number in range(5)] == [201] * 3 + [429] * 2
    assert OAuthClient.objects.count() == 3


def begin_device(address: str) -> int:
    client = OAuthClient.objects.first()
    assert client is not None
    body = f"client_id={client.client_id}"
    return Client(REMOTE_ADDR=address).post("/oauth/device", body, content_type=FORM).status_code


def test_one_address_does_not_take_the_places_of_all_devices(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(oauth_server, "_MOST_OF_ADDRESS", 3)
    register(1)
    assert [begin_device("192.0.2.1") for _ in range(5)] == [200] * 3 + [429] * 2
    assert [begin_device(f"{NETWORK}::{number:x}") for number in range(4)] == [200] * 3 + [429]
    assert begin_device("192.0.2.2") == 200


# --- so many requests of one address, whatever is tried ---------------------------------------------------------------

DOORS = ("/sign-in/", "/sign-in/code/", "/password/forgotten/", "/confirm/")


@pytest.fixture
def limited(settings: Any) -> Any:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"sign-in": 3}
    return settings


@pytest.mark.parametrize("path", DOORS)
def test_forms_of_signing_in_are_limited_by_address(limited: Any, path: str):
    answers = [Client().post(path, {}) for _ in range(5)]
    assert [each.status_code == 429 for each in answers] == [False] * 3 + [True] * 2
    assert answers[-1]["Retry-After"] == "60"
    assert Client().get(path).status_code in (200, 302)
    assert Client(REMOTE_ADDR="192.0.2.9").post(path, {}).status_code != 429


def test_the_doors_of_signing_in_are_counted_together(limited: Any):
    assert [Client().post(path, {}).status_code for path in DOORS][-1] == 429


def test_asking_a_provider_counts_though_nothing_is_sent(limited: Any):
    path = "/sign-in/with/00000000-0000-4000-8000-000000000000/"
    assert [Client().get(path).status_code for _ in range(4)] == [404] * 3 + [429]


def test_that_limit_can_be_switched_off(limited: Any):
    limited.RATELIMIT_ENABLE = False
    assert 429 not in [Client().post("/sign-in/", {}).status_code for _ in range(6)]
