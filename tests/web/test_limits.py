"""How often somebody may send forms."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as Unreachable

from accounts import rates
from accounts.roles import OrganizationRole
from tests import cast
from tests.office import Office
from tests.web.people import browser_of
from web.limits import LIMITS
from web.urls import urlpatterns

NEW, BATCH, TAG = "/certificates/new/", "/certificates/new/batch/", "/certificates/tag-many/"


@pytest.fixture
def limited(settings: Any) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"general": 4, "issue": 2, "batch": 1}


def statuses(client: Client, path: str, times: int) -> list[int]:
    return [client.post(path).status_code for _ in range(times)]


def test_what_issues_has_a_lower_limit_of_its_own(owner: Client, limited: None) -> None:
    assert statuses(owner, NEW, 3)[-1] == 429
    assert 429 not in statuses(owner, TAG, 4)


def test_a_batch_has_the_lowest(owner: Client, limited: None) -> None:
    first, second = statuses(owner, BATCH, 2)
    assert (first == 429, second) == (False, 429)


def test_who_sent_too_much_is_told_when_to_come_again(owner: Client, limited: None) -> None:
    for _ in range(2):
        owner.post(NEW)
    refused = owner.post(NEW)
    seconds = int(refused["Retry-After"])
    assert 1 <= seconds <= 60
    assert refused["RateLimit-Policy"] == '"issue";q=2;w=60'
    assert f"Wait {seconds} seconds." in refused.content.decode()


def test_looking_costs_nothing(owner: Client, limited: None) -> None:
    assert {owner.get(NEW).status_code for _ in range(6)} == {200}


def test_one_person_takes_nothing_from_another(owner: Client, office: Office, limited: None) -> None:
    assert statuses(owner, NEW, 3)[-1] == 429
    other = browser_of(cast.member(office.organization, OrganizationRole.OPERATOR).user)
    assert other.post(NEW).status_code != 429


def test_forms_of_the_administration_are_counted_too(root: Client, limited: None) -> None:
    assert statuses(root, "/admin/no-such-page/", 5) == [404, 404, 404, 404, 429]


def test_with_the_cache_gone_they_pass(owner: Client, limited: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise Unreachable("no cache")

    monkeypatch.setattr(rates, "get_usage", gone)
    assert 429 not in statuses(owner, NEW, 3)


def test_every_limit_is_of_an_address_that_there_is() -> None:
    assert set(LIMITS) <= {each.name for each in urlpatterns}
