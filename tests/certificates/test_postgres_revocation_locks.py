"""Revocations that meet: whoever comes second waits, and nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.x509 import ReasonFlags
from django.db import connection

from audit.events import EventName
from cas.models import CertificateAuthority
from certificates.models import Certificate, CrlScope, Revocation
from certificates.orders import RevokeAuthorityOrder, RevokeOrder
from certificates.services import crl, revocation
from certificates.services.crl import publish_crl
from certificates.services.responders import rotate_responder
from certificates.services.revocation import (
    AlreadyRevoked,
    release_certificate,
    revoke_authority,
    revoke_certificate,
)
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.office import Office, open_office
from tests.postgres import Gate, Session, stop_before_commit, wait_until_blocked

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

HELD, REVOKED = Certificate.State.HELD, Certificate.State.REVOKED


def revoke(office: Office, row: Certificate, reason: ReasonFlags = ReasonFlags.superseded) -> Certificate:
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=reason)
    return revoke_certificate(actor=office.owner, order=order)


def revoke_ca(office: Office, ca: CertificateAuthority) -> CertificateAuthority:
    order = RevokeAuthorityOrder(ca=Ref("pk", ca.pk), reason=ReasonFlags.cessation_of_operation)
    return revoke_authority(actor=office.owner, order=order)


@pytest.mark.parametrize(
    ("events", "first", "state_before"),
    [
        pytest.param(
            [EventName.CERTIFICATE_REVOKED], lambda office, row: revoke(office, row), None, id="a leaf is revoked"
        ),
        pytest.param(
            [EventName.CERTIFICATE_HELD],
            lambda office, row: revoke(office, row, ReasonFlags.certificate_hold),
            None,
            id="a leaf is held",
        ),
        pytest.param(
            [EventName.CERTIFICATE_RELEASED],
            lambda office, row: release_certificate(actor=office.owner, certificate=Ref("pk", row.pk)),
            HELD,
            id="a hold is lifted",
        ),
    ],
)
def test_a_leaf_changes_while_its_ca_is_revoked(
    monkeypatch: pytest.MonkeyPatch,
    events: list[EventName],
    first: Callable[[Office, Certificate], Certificate],
    state_before: str | None,
):
    office = open_office()
    row = office.issue().certificate
    if state_before == HELD:
        revoke(office, row, ReasonFlags.certificate_hold)
    gate = stop_before_commit(monkeypatch, *events)
    leaf = Session(lambda: first(office, row))
    gate.wait_until_reached()
    ca = Session(lambda: revoke_ca(office, office.issuing))
    wait_until_blocked()
    gate.open()
    leaf.finish()
    ca.finish()
    row.refresh_from_db()
    assert row.state == REVOKED
    assert Revocation.objects.filter(certificate=row, lifted_at=None).count() == 1


def test_a_leaf_is_revoked_after_its_ca(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    row = office.issue().certificate
    gate = stop_before_commit(monkeypatch, EventName.CA_REVOKED)
    ca = Session(lambda: revoke_ca(office, office.issuing))
    gate.wait_until_reached()
    leaf = Session(lambda: revoke(office, row))
    wait_until_blocked()
    gate.open()
    ca.finish()
    with pytest.raises(AlreadyRevoked):
        leaf.finish()
    assert Revocation.objects.filter(certificate=row).count() == 1


def test_a_root_is_revoked_while_its_intermediate_is(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    gate = stop_before_commit(monkeypatch, EventName.CA_REVOKED)
    intermediate = Session(lambda: revoke_ca(office, office.issuing))
    gate.wait_until_reached()
    root = Session(lambda: revoke_ca(office, office.root))
    wait_until_blocked()
    gate.open()
    intermediate.finish()
    root.finish()
    assert set(CertificateAuthority.objects.values_list("status", flat=True)) == {"revoked"}
    assert Revocation.objects.filter(ca=office.root, lifted_at=None).count() == 1


def test_a_crl_is_published_while_a_certificate_is_issued(monkeypatch: pytest.MonkeyPatch):
    """A busy CA has an issuance in flight at every moment."""
    office = open_office()
    revoke(office, office.issue().certificate)
    gate = stop_before_commit(monkeypatch, EventName.CERTIFICATE_ISSUED)
    issuing = Session(lambda: office.issue("busy.acme.test"))
    gate.wait_until_reached()
    try:
        published = publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing))
        assert published is not None
        assert published.entries == 1
    finally:
        gate.open()
    issuing.finish()


def test_a_certificate_is_issued_while_a_crl_is_kept(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    gate = stop_before_commit(monkeypatch, EventName.CRL_PUBLISHED)
    scope = CrlScope.objects.get(ca=office.issuing)
    publisher = Session(lambda: publish_crl(actor=SYSTEM, scope=scope))
    gate.wait_until_reached()
    try:
        assert Session(office.issue).finish().certificate.pk
    finally:
        gate.open()
    assert publisher.finish() is not None


def test_a_ca_is_revoked_while_a_crl_marks_its_holds(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    rows = [office.issue(f"{name}.acme.test").certificate for name in ("a", "b", "c")]
    for row in rows:
        revoke(office, row, ReasonFlags.certificate_hold)
    gate, lift = Gate(), revocation._lift
    waiting = [gate]

    def lift_and_stop(*arguments: Any) -> None:
        lift(*arguments)
        if waiting:
            waiting.pop().pass_through()

    monkeypatch.setattr(revocation, "_lift", lift_and_stop)
    ca = Session(lambda: revoke_ca(office, office.issuing))
    gate.wait_until_reached()
    scope = CrlScope.objects.get(ca=office.issuing)
    publisher = Session(lambda: publish_crl(actor=SYSTEM, scope=scope))
    wait_until_blocked()
    gate.open()
    ca.finish()
    assert publisher.finish() is not None
    last = publish_crl(actor=SYSTEM, scope=scope)
    assert last is not None
    assert last.entries == 3


def test_a_responder_is_made_while_its_ca_is_revoked(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    gate = stop_before_commit(monkeypatch, EventName.RESPONDER_ROTATED)
    responder = Session(lambda: rotate_responder(actor=SYSTEM, ca=office.issuing))
    gate.wait_until_reached()
    ca = Session(lambda: revoke_ca(office, office.root))
    wait_until_blocked()
    gate.open()
    assert responder.finish() is not None
    ca.finish()


def test_two_workers_make_one_responder(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    gate = stop_before_commit(monkeypatch, EventName.RESPONDER_ROTATED)
    first = Session(lambda: rotate_responder(actor=SYSTEM, ca=office.issuing))
    gate.wait_until_reached()
    assert rotate_responder(actor=SYSTEM, ca=office.issuing) is None
    gate.open()
    assert first.finish() is not None


def test_two_publishers_of_one_ca_mark_the_same_revocations(monkeypatch: pytest.MonkeyPatch):
    """The full CRL and a shard's carry the same rows."""
    office = open_office(crl_shards=1)
    for name in ("a", "b", "c"):
        revoke(office, office.issue(f"{name}.acme.test").certificate)
    gate, mark = Gate(), crl._mark
    waiting = [gate]

    def mark_and_stop(*arguments: Any) -> None:
        mark(*arguments)
        if waiting:
            waiting.pop().pass_through()

    monkeypatch.setattr(crl, "_mark", mark_and_stop)
    full, shard = CrlScope.objects.filter(ca=office.issuing).order_by("scope")
    first = Session(lambda: publish_crl(actor=SYSTEM, scope=full))
    gate.wait_until_reached()
    second = Session(lambda: publish_crl(actor=SYSTEM, scope=shard))
    wait_until_blocked()
    gate.open()
    assert first.finish().entries == second.finish().entries == 3
    assert not Revocation.objects.filter(first_crl=None).exists()
    assert not Revocation.objects.filter(first_shard_crl=None).exists()
    assert connection.vendor == "postgresql"
