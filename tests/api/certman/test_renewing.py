"""Renewing, and asking again under an `Idempotency-Key`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.grants import GrantOrder
from api.models import IdempotencyRecord
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.services.revocation import revoke_certificate
from kernel.ref import Ref
from tests import cast, pki
from tests.api.certman.desk import PASSPHRASE, Workspace, error_of, issued, wish
from tests.api.wire import Wire, wire_of
from tests.pki import sans_of

pytestmark = pytest.mark.django_db

CERTIFICATES = "/v1/certificates"
DAY = timedelta(days=1)
KEY = "once-only-4711"


def path(made: dict[str, Any]) -> str:
    return f"{CERTIFICATES}/{made['certificate']['id']}/renew"


def read(made: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made["certificate"]["certificate_pem"].encode())


def lifetime(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc + timedelta(seconds=1)


def csr(number: int = 0) -> str:
    return pki.make_csr(pki.a_key(number=number), "CN=csr.example.com", ("csr.example.com",))


def by_csr(workspace: Workspace, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"caId": str(workspace.issuing.public_id), "mode": "csr", "csrPem": csr(number), **more}


def made_by_csr(wire: Wire, workspace: Workspace, **more: Any) -> dict[str, Any]:
    answer = wire.post(CERTIFICATES, by_csr(workspace, **more))
    assert answer.status_code == 200, answer.content
    made: dict[str, Any] = answer.json()
    return made


def renewed(wire: Wire, made: dict[str, Any], body: Any = None, **headers: str) -> dict[str, Any]:
    answer = wire.post(path(made), body, **headers)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


# --- renewing ---------------------------------------------------------------------------------------------------------


@pytest.mark.row("C93")
def test_renewing_needs_the_right_to_issue_at_this_ca(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)
    reading = workspace.key(
        GrantOrder(workspace.issuing.pk, can_revoke=True), GrantOrder(workspace.root.pk, can_issue=True)
    )
    elsewhere = workspace.key(GrantOrder(workspace.root.pk, can_issue=True))
    assert error_of(reading.post(path(made)), 403)
    assert error_of(elsewhere.post(path(made)), 404) == error_of(wire_of(cast.stranger()).post(path(made)), 404)
    assert Certificate.objects.count() == 1


@pytest.mark.row("C94", "C95", "C97", "C99")
def test_a_managed_certificate_gets_a_new_key_and_the_same_properties(workspace: Workspace, key: Wire):
    more = {"sanDns": ["www.example.com"], "sanIp": ["10.0.0.5"], "keyAlgorithm": "ECDSA-P384", "validityDays": 100}
    first = issued(key, workspace.issuing, **more)
    second = renewed(key, first)
    assert list(second) == ["certificate", "privateKey", "message"]
    old, new = read(first), read(second)
    assert (new.subject, sans_of(new), lifetime(new)) == (old.subject, sans_of(old), 100 * DAY)
    assert new.public_key().curve.name == "secp384r1"
    assert new.public_key() != old.public_key()
    assert second["privateKey"].startswith("-----BEGIN PRIVATE KEY-----")
    # The old one goes on.
    assert [row["revoked_at"] for row in key.get(CERTIFICATES).json()["certificates"]] == [None, None]
    assert Certificate.objects.latest("pk").replaces == Certificate.objects.earliest("pk")


@pytest.mark.row("C97")
def test_another_validity_up_to_397_days(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)
    assert lifetime(read(renewed(key, made, {"validityDays": 397}))) == 397 * DAY
    for days in (0, 398, "30"):
        assert "validityDays: " in error_of(key.post(path(made), {"validityDays": days}), 400)


@pytest.mark.row("C96")
def test_what_came_by_csr_needs_a_new_one(workspace: Workspace, key: Wire):
    first = made_by_csr(key, workspace)
    assert error_of(key.post(path(first)), 400).startswith("csrPem: ")
    second = renewed(key, first, {"csrPem": csr(1)})
    assert "privateKey" not in second
    assert read(second).public_key() == pki.a_key(number=1).public_key()
    assert sans_of(read(second)) == ["csr.example.com"]
    assert "csrPem: " in error_of(key.post(path(first), {"csrPem": "nonsense"}), 400)


def test_it_can_be_renewed_as_often_as_an_answer_is_lost(workspace: Workspace, key: Wire):
    """Managed renewals are not remembered, so whoever has lost a key must get another one."""
    first = issued(key, workspace.issuing)
    serials = {renewed(key, first)["certificate"]["serial_number"] for _ in range(3)}
    assert len(serials) == 3


@pytest.mark.row("C99")
def test_what_was_revoked_is_not_renewed(workspace: Workspace, key: Wire):
    # The document says nothing of it, and knows no 409.
    made = issued(key, workspace.issuing)
    assert key.post(f"{CERTIFICATES}/{made['certificate']['id']}/revoke").status_code == 200
    assert "revoked" in error_of(key.post(path(made)), 400)


@pytest.mark.row("C98")
def test_a_locked_ca_renews_with_its_passphrase(locked: Workspace):
    key = locked.key()
    made = issued(key, locked.issuing, caPassphrase=PASSPHRASE)
    assert "passphrase" in error_of(key.post(path(made)), 400)
    assert "passphrase" in error_of(key.post(path(made), {"caPassphrase": "not this one at all"}), 403)
    assert renewed(key, made, {"caPassphrase": PASSPHRASE})["privateKey"]


# --- asking again -----------------------------------------------------------------------------------------------------


def keyed(wire: Wire, address: str, body: Any, name: str = KEY) -> Any:
    return wire.post(address, body, **{"Idempotency-Key": name})


@pytest.mark.row("C82")
def test_in_csr_mode_the_same_key_and_body_are_answered_alike(workspace: Workspace, key: Wire):
    body = by_csr(workspace)
    first = keyed(key, CERTIFICATES, body)
    assert first.status_code == 200, first.content
    again = keyed(key, CERTIFICATES, json.dumps(body, indent=2).encode())
    assert (again.status_code, again.content, again["Content-Type"]) == (200, first.content, "application/json")
    assert Certificate.objects.count() == 1
    # Without the header, and with another one, it is another request.
    assert key.post(CERTIFICATES, body).json()["certificate"]["id"] != first.json()["certificate"]["id"]
    assert keyed(key, CERTIFICATES, body, "other").json()["certificate"]["id"] != first.json()["certificate"]["id"]


@pytest.mark.row("C82")
def test_a_key_of_somebody_else_is_another_key(workspace: Workspace, key: Wire):
    first, second = keyed(key, CERTIFICATES, by_csr(workspace)), keyed(workspace.key(), CERTIFICATES, by_csr(workspace))
    assert first.json()["certificate"]["id"] != second.json()["certificate"]["id"]


@pytest.mark.row("C83")
def test_it_is_remembered_for_a_day(workspace: Workspace, key: Wire):
    first = keyed(key, CERTIFICATES, by_csr(workspace))
    left = IdempotencyRecord.objects.get().expires_at - timezone.now()
    assert abs(left - timedelta(hours=24)) < timedelta(seconds=60)
    IdempotencyRecord.objects.update(expires_at=timezone.now())
    later = keyed(key, CERTIFICATES, by_csr(workspace))
    assert later.json()["certificate"]["id"] != first.json()["certificate"]["id"]


@pytest.mark.row("C84")
@pytest.mark.parametrize("name", [KEY, "two, with a comma", "\u00fc"])
def test_in_managed_mode_the_header_means_nothing(workspace: Workspace, key: Wire, name):
    made = [keyed(key, CERTIFICATES, wish(workspace.issuing), name).json() for _ in range(2)]
    assert made[0]["certificate"]["id"] != made[1]["certificate"]["id"]
    assert made[0]["privateKey"] != made[1]["privateKey"]
    other = [renewed(key, made[0], **{"Idempotency-Key": name})["privateKey"] for _ in range(2)]
    assert other[0] != other[1]
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.row("C85")
def test_the_same_key_with_another_body_is_refused(workspace: Workspace, key: Wire):
    # The document does not say how; 400 would say that asking again is of no use, so it is 409.
    assert keyed(key, CERTIFICATES, by_csr(workspace)).status_code == 200
    assert "another body" in error_of(keyed(key, CERTIFICATES, by_csr(workspace, 1)), 409)
    assert Certificate.objects.count() == 1


@pytest.mark.row("C82")
def test_what_failed_is_not_remembered(workspace: Workspace, key: Wire):
    assert error_of(keyed(key, CERTIFICATES, by_csr(workspace, validityDays=500)), 400)
    assert keyed(key, CERTIFICATES, by_csr(workspace)).status_code == 200
    assert "Idempotency-Key: " in error_of(keyed(key, CERTIFICATES, by_csr(workspace), "two, with a comma"), 400)


@pytest.mark.row("C98")
def test_a_renewal_by_csr_is_answered_alike(workspace: Workspace, key: Wire):
    made = made_by_csr(key, workspace)
    body = {"csrPem": csr(1)}
    first, second = (keyed(key, path(made), body) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    assert Certificate.objects.count() == 2
    # The certificate is revoked meanwhile: the answer of before is given all the same.
    old = Certificate.objects.earliest("pk")
    order = RevokeOrder(certificate=Ref("pk", old.pk), reason=x509.ReasonFlags.superseded)
    revoke_certificate(actor=workspace.person.actor, order=order)
    assert keyed(key, path(made), body).content == first.content


def test_nothing_else_takes_a_key(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)["certificate"]["id"]
    for _ in range(2):
        answer = keyed(key, f"{CERTIFICATES}/{made}/revoke", {})
    assert error_of(answer, 400)
    assert not IdempotencyRecord.objects.exists()
