"""An office whose issuing CA answers CertMate's clients, and those who speak to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cas.core.general_names import general_name
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from certificates.models import Certificate
from certificates.orders import IssueOrder, Managed
from certificates.services.issuance import issue_at_once
from kernel.ref import Ref
from tests.api.wire import Wire
from tests.office import Office, open_office
from tests.remembered import remembered

CERTS = "/api/client-certs"


@remembered
def opened_office(name: str = "ACME") -> Office:
    office = open_office(name)
    enable_dialect(actor=office.owner, ca=Ref("pk", office.issuing.pk), dialect=Dialect.CERTMATE)
    return office


@pytest.fixture
def office(db: None) -> Office:
    return opened_office()


@pytest.fixture
def kept(office: Office) -> Certificate:
    """A certificate for a host, by a template whose role keeps keys."""
    return kept_certificate(office, "example.com")


def kept_certificate(office: Office, *names: str, **changes: Any) -> Certificate:
    """The client CA keeps keys; a server's certificate by it does for these tests."""
    order = IssueOrder(
        template="certmate.client",
        key=Managed(KeyAlgorithm.ECDSA_P256),
        subject=parse_name(f"CN={names[0]}"),
        sans=tuple(general_name(name) for name in names),
    )
    return issue_at_once(actor=office.owner, order=replace(order, **changes)).certificate


@pytest.fixture
def client(api: Wire) -> Client:
    return Client(api)


class Client:
    """What a script for CertMate does."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def create(self, common_name: str = "user@example.com", **body: Any) -> dict[str, Any]:
        answer = self.wire.post(f"{CERTS}/create", {"common_name": common_name} | body)
        assert answer.status_code == 201, answer.content
        made: dict[str, Any] = answer.json()
        return made
