"""An office whose issuing CA answers CertMate's clients, and those who speak to it."""

from __future__ import annotations

from typing import Any

import pytest

from cas.orders import Dialect
from cas.services.standing import enable_dialect
from kernel.ref import Ref
from tests.api.wire import Wire
from tests.office import Office, open_office
from tests.remembered import remembered

CERTS = "/api/client-certs"


@remembered
def _opened(name: str = "ACME") -> Office:
    office = open_office(name)
    enable_dialect(actor=office.owner, ca=Ref("pk", office.issuing.pk), dialect=Dialect.CERTMATE)
    return office


@pytest.fixture
def office(db: None) -> Office:
    return _opened()


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
