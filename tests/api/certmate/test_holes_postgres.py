"""CertMate issue 591 and PR 603: a renewal that ran beside a revocation erased it, and OCSP said good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from audit.events import EventName
from certificates.models import Certificate
from tests import cast
from tests.api.certmate.conftest import CERTS, Client, opened_office
from tests.api.wire import Wire
from tests.office import Office
from tests.postgres import Session, stop_before_commit

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def office() -> Office:
    return opened_office()


@pytest.fixture
def token(office: Office) -> str:
    return cast.api_key(office.person)[1]


def posting(token: str, path: str) -> Callable[[], Any]:
    """On a connection of its own, as each request is."""
    return lambda: Wire(token).post(f"{CERTS}/{path}", {})


def ocsp(token: str, made: dict[str, Any]) -> str:
    said: str = Wire(token).get(f"/api/ocsp/status/{made['serial_number']}").json()["certificate_status"]
    return said


def test_a_revocation_beside_a_renewal_is_not_lost(token: str, monkeypatch: pytest.MonkeyPatch):
    made = Client(Wire(token)).create()
    gate = stop_before_commit(monkeypatch, EventName.CERTIFICATE_ISSUED)
    renewing = Session(posting(token, f"{made['identifier']}/renew"))
    gate.wait_until_reached()
    revoking = Session(posting(token, f"{made['identifier']}/revoke"))
    gate.open()
    assert (renewing.finish().status_code, revoking.finish().status_code) == (201, 200)
    assert Certificate.objects.get(identifier=made["identifier"]).state == "revoked"
    assert ocsp(token, made) == "revoked"


def test_a_renewal_beside_a_revocation_comes_too_late(token: str, monkeypatch: pytest.MonkeyPatch):
    made = Client(Wire(token)).create()
    gate = stop_before_commit(monkeypatch, EventName.CERTIFICATE_REVOKED)
    revoking = Session(posting(token, f"{made['identifier']}/revoke"))
    gate.wait_until_reached()
    renewing = Session(posting(token, f"{made['identifier']}/renew"))
    gate.open()
    refused = renewing.finish()
    assert revoking.finish().status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (409, "CERTIFICATE_REVOKED")
    assert (Certificate.objects.count(), ocsp(token, made)) == (1, "revoked")


def test_all_at_once_renew_once_and_revoke_once(token: str):
    made = Client(Wire(token)).create()
    paths = [f"{made['identifier']}/{what}" for what in ("renew", "revoke")] * 5
    answers = Counter(session.finish().status_code for session in [Session(posting(token, path)) for path in paths])
    assert answers[200] == 1
    assert answers[201] <= 1
    assert answers[409] == 10 - answers[200] - answers[201]
    assert Certificate.objects.count() == 1 + answers[201]
    assert Certificate.objects.get(identifier=made["identifier"]).state == "revoked"
    assert ocsp(token, made) == "revoked"


def test_two_batches_at_once_have_names_of_their_own(token: str):
    body = {"headers": ["common_name"], "rows": [["same"]] * 3}
    sessions = [Session(lambda: Wire(token).post(f"{CERTS}/batch", body)) for _ in range(3)]
    made = [each["identifier"] for session in sessions for each in session.finish().json()["certificates"]]
    assert len(set(made)) == len(made) == 9
