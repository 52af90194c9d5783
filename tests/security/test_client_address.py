"""Behind a proxy, the address that counts is the client's: not the proxy's, and not what the client says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.services.api_keys import create_api_key
from audit.events import EventName
from audit.models import AuditEvent
from kernel.permissions import Permission
from pkiproject.proxies import client_address
from tests import cast

PROXY = "172.18.0.5"

ADDRESSES = {
    "one proxy": ("198.51.100.7", 1, "198.51.100.7"),
    "one proxy, and a client that makes one up": ("10.0.0.1, 198.51.100.7", 1, "198.51.100.7"),
    "two proxies": ("198.51.100.7, 10.0.0.2", 2, "198.51.100.7"),
    "two proxies, and a client that makes one up": ("10.0.0.1,198.51.100.7,10.0.0.2", 2, "198.51.100.7"),
    "IPv6": ("2001:DB8::7", 1, "2001:db8::7"),
    "nothing": ("", 1, ""),
    "fewer than there are proxies": ("198.51.100.7", 2, ""),
    "no address": ("unknown", 1, ""),
    "something longer": ("198.51.100.7 10.0.0.1", 1, ""),
}


@pytest.mark.parametrize(("forwarded", "proxies", "client"), ADDRESSES.values(), ids=ADDRESSES)
def test_the_address_is_the_one_that_the_outermost_proxy_wrote(forwarded: str, proxies: int, client: str):
    assert client_address(forwarded, proxies) == client


@pytest.fixture
def token(db: None) -> str:
    """A key that works from one network, in which the proxy does not stand."""
    owner = cast.owner(cast.organization())
    made = create_api_key(
        actor=owner.actor,
        organization=owner.organization,
        owner=owner.user,
        name="ci",
        permissions=[Permission.CERTIFICATES_READ],
        allowed_cidrs=["198.51.100.0/24"],
    )
    return made.token.reveal().decode()


def ask(token: str, forwarded: str | None, *, peer: str = PROXY) -> int:
    extra: dict[str, Any] = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    headers = {"Authorization": f"Bearer {token}"}
    return Client().get("/api/v2/certificates", headers=headers, REMOTE_ADDR=peer, **extra).status_code


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [("198.51.100.7", 200), ("203.0.113.9", 401), ("198.51.100.7, 203.0.113.9", 401), (None, 401)],
)
def test_a_key_goes_by_the_clients_address(token, settings, forwarded, status):
    settings.TRUSTED_PROXIES = 1
    assert ask(token, forwarded) == status


def test_without_proxies_nobody_says_where_they_come_from(token, settings):
    settings.TRUSTED_PROXIES = 0
    assert ask(token, "198.51.100.7", peer="203.0.113.9") == 401
    assert ask(token, "203.0.113.9", peer="198.51.100.7") == 200


def test_one_client_does_not_lock_a_name_for_the_others_behind_the_proxy(settings, db):
    settings.TRUSTED_PROXIES = 1
    root = cast.superuser()

    def try_password(password: str, client: str) -> HttpResponse:
        form = {"username": root.email, "password": password}
        answer: Any = Client().post("/sign-in/", form, REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=client)
        return answer

    statuses = [try_password("wrong", "203.0.113.9").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    assert try_password(cast.PASSWORD, "198.51.100.7").status_code == 302


def test_the_log_names_the_client(token, settings, transactional_db):
    settings.TRUSTED_PROXIES = 1
    ask("pkf_" + "a" * 32, "203.0.113.9")
    assert AuditEvent.objects.filter(name=EventName.CREDENTIAL_REFUSED).get().document["ip"] == "203.0.113.9"


def test_the_middleware_stands_before_everything_that_asks_for_the_address(settings):
    rest = settings.MIDDLEWARE[settings.MIDDLEWARE.index("pkiproject.proxies.ClientAddress") :]
    assert {"api.common.trace.TraceId", "api.request_log.RequestLog"} <= set(rest)
