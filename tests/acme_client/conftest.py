"""Orders at a strict ACME server on this machine, which finds our answers where the world would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.utils import timezone

from accounts.services.private_ranges import allow_private_range
from acme_client.models import AcmeAccount, AcmeChallenge, AcmeOrder
from acme_client.orders import AccountOrder, PublicOrder
from acme_client.services.accounts import register_account
from acme_client.services.advancing import advance_due
from acme_client.services.names import grant_name
from acme_client.services.orders import start_order
from acme_client.solvers import SOLVERS, Presented
from acme_client.solvers.dns01 import record_name, record_value
from certificates.orders import Managed
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests import cast
from tests.office import Office, open_office
from tests.pebble import Pebble, running_pebble

SUFFIX = "shop.test"
MOST_ROUNDS = 60


@pytest.fixture(scope="session")
def pebble() -> Iterator[Pebble]:
    """Every fourth nonce is refused, so that nobody gets by without asking again; ten in a row never are."""
    with running_pebble(WFE_NONCEREJECT="25", ALTERNATE_ROOTS="1") as running:
        yield running


@dataclass
class Publisher:
    """Every way of proving a name, by the servers that Pebble looks at; it remembers what stands in public."""

    pebble: Pebble
    kind: str
    standing: set[str]

    def present(self, challenge: AcmeChallenge) -> Presented:
        self.standing.add(challenge.token)
        if self.kind == "dns-01":
            self.pebble.tell("set-txt", host=f"{record_name(challenge)}.", value=record_value(challenge))
        elif self.kind == "tls-alpn-01":
            self.pebble.tell("add-tlsalpn01", host=challenge.host, content=challenge.key_authorization)
        else:
            self.pebble.tell("add-http01", token=challenge.token, content=challenge.key_authorization)
        return Presented(record_name=record_name(challenge) if self.kind == "dns-01" else "")

    def is_ready(self, challenge: AcmeChallenge) -> bool:
        return True

    def clean(self, challenge: AcmeChallenge) -> None:
        self.standing.discard(challenge.token)


@dataclass(frozen=True)
class Desk:
    """An office with an account at Pebble, and a name that is its own."""

    office: Office
    pebble: Pebble
    account: AcmeAccount

    def order(self, *names: str, challenge_type: str = "http-01", **changes: object) -> AcmeOrder:
        wanted = {"key": Managed(), **changes}
        account, names = Ref("pk", self.account.pk), names or (f"www.{SUFFIX}",)
        order = PublicOrder(account=account, names=names, challenge_type=challenge_type, **wanted)
        return start_order(actor=self.office.owner, order=order)


@pytest.fixture
def published(pebble: Pebble, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """What stands in public, by challenge; our own solvers have tests of their own."""
    standing: dict[str, set[str]] = {kind: set() for kind in SOLVERS}
    for kind in standing:
        monkeypatch.setitem(SOLVERS, kind, Publisher(pebble, kind, standing[kind]))
    return standing


@pytest.fixture
def desk(db: None, pebble: Pebble, published: dict[str, set[str]]) -> Desk:
    office = open_office()
    return open_desk(office, pebble)


def open_desk(office: Office, pebble: Pebble, **changes: object) -> Desk:
    """The account is registered, and the names below `SUFFIX` are the organization's."""
    may_ask_loopback(office)
    for suffix in (SUFFIX, "127.0.0.1"):
        grant_name(actor=cast.SUPERUSER, organization=Ref("pk", office.organization.pk), suffix=suffix)
    account = register_account(actor=office.owner, order=account_order(office, pebble, **changes))
    return Desk(office, pebble, registered(account))


def registered(account: AcmeAccount) -> AcmeAccount:
    advance()
    account.refresh_from_db()
    return account


def may_ask_loopback(office: Office) -> None:
    allow_private_range(actor=cast.SUPERUSER, organization=office.organization, network="127.0.0.0/8")


def account_order(office: Office, pebble: Pebble, **changes: object) -> AccountOrder:
    fields = {
        "organization": Ref("pk", office.organization.pk),
        "name": "Pebble",
        "provider": "custom",
        "environment": "production",
        "email": "certificates@acme.test",
        "directory_url": pebble.url,
        "server_roots": pebble.roots,
        "agrees_to_terms": True,
    }
    return AccountOrder(**{**fields, **changes})


def advance() -> int:
    """What a sweep does, with no time to wait in between."""
    make_due()
    return advance_due(actor=SYSTEM)


def make_due() -> None:
    for model in (AcmeOrder, AcmeAccount):
        model.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def carried_out(order: AcmeOrder) -> AcmeOrder:
    """The order when there is nothing to do any more; what fails now and then is tried again."""
    for _round in range(MOST_ROUNDS):
        advance()
        order.refresh_from_db()
        if order.due_at is None:
            return order
        time.sleep(0.1)
    raise AssertionError(f"{order.status}: {order.last_error}")
