"""A CA that is revoked or disabled while it issues: nothing commits under it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509 import ReasonFlags

from audit.events import EventName
from cas.models import CertificateAuthority, IssuedSerial
from cas.services.authorities import create_authority, disable_ca
from certificates.models import Certificate, Revocation
from certificates.orders import RevokeAuthorityOrder
from certificates.services import crl
from certificates.services.revocation import revoke_authority
from kernel.actor import SYSTEM
from kernel.errors import Unavailable
from kernel.ref import Ref
from tests.office import Office, authority_order, open_office
from tests.postgres import Session, start_child, stop_before_commit, wait_for, wait_until_blocked

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PROCESSES = 3


def revoke(office: Office, ca: CertificateAuthority) -> None:
    order = RevokeAuthorityOrder(ca=Ref("pk", ca.pk), reason=ReasonFlags.ca_compromise)
    revoke_authority(actor=office.owner, order=order)


def issue_until(office: Office, folder: Path, take_out_of_service: Callable[[], None]) -> tuple[set[str], int]:
    """Several processes issue, then the CA goes: the serials that they answered, and how many rows there were then."""
    issued_before = Certificate.objects.count()
    child = start_child(folder, "issue-until-refused", office.person.user.pk, office.template.pk, PROCESSES)

    def all_are_at_it() -> bool:
        has_begun = len(list(folder.glob("issuing-*"))) == PROCESSES
        return has_begun and Certificate.objects.count() > issued_before + PROCESSES

    wait_for(lambda: all_are_at_it() or child.process.poll() is not None)
    take_out_of_service()
    rows = Certificate.objects.count()
    answered = child.finish().split()
    assert len(answered) == len(set(answered))
    return set(answered), rows


@pytest.mark.parametrize("which", ["issuing", "root"])
def test_nothing_commits_after_a_ca_was_revoked(tmp_path: Path, which: str):
    office = open_office()
    answered, rows_then = issue_until(office, tmp_path, lambda: revoke(office, getattr(office, which)))
    certificates = Certificate.objects.filter(ca=office.issuing)
    assert certificates.count() == rows_then
    assert set(certificates.values_list("serial", flat=True)) == answered
    assert len(answered) > PROCESSES
    assert set(certificates.values_list("state", flat=True)) == {Certificate.State.REVOKED}
    open_revocations = Revocation.objects.filter(ca=office.issuing, lifted_at=None)
    assert set(open_revocations.values_list("serial", flat=True)) == answered
    leaves = IssuedSerial.objects.filter(ca=office.issuing, kind=IssuedSerial.Kind.LEAF)
    assert set(leaves.values_list("serial", flat=True)) == answered
    published = crl.publish_crl(actor=SYSTEM, scope=office.issuing.crl_scopes.get(scope=0))
    assert published is not None
    assert published.entries == len(answered)
    with pytest.raises(Unavailable):
        office.issue()


def test_nothing_commits_after_a_ca_was_disabled(tmp_path: Path):
    office = open_office()
    answered, rows_then = issue_until(office, tmp_path, lambda: disable(office))
    certificates = Certificate.objects.filter(ca=office.issuing)
    assert certificates.count() == rows_then
    assert set(certificates.values_list("serial", flat=True)) == answered
    assert set(certificates.values_list("state", flat=True)) == {Certificate.State.ISSUED}


def test_no_ca_appears_below_one_that_was_revoked_meanwhile(monkeypatch: pytest.MonkeyPatch):
    """Whoever comes first: a new CA is either refused, or revoked with the one above it."""
    office = open_office()
    gate = stop_before_commit(monkeypatch, EventName.CA_CREATED)
    order = authority_order(
        office.organization, "Late CA", parent=Ref("pk", office.root.pk), validity=timedelta(days=365)
    )
    creating = Session(lambda: create_authority(actor=office.owner, order=order))
    gate.wait_until_reached()
    revoking = Session(lambda: revoke(office, office.root))
    wait_until_blocked()
    gate.open()
    late = creating.finish()
    revoking.finish()
    late.refresh_from_db()
    assert late.status == CertificateAuthority.Status.REVOKED
    serial = late.certificates.get().serial
    assert Revocation.objects.filter(ca=office.root, serial=serial, lifted_at=None).exists()
    with pytest.raises(Unavailable):
        create_authority(actor=office.owner, order=replace(order, name="Later CA"))


def test_a_ca_goes_out_of_service_before_those_who_come_later(monkeypatch: pytest.MonkeyPatch):
    """Issuances share the CA: if a later one could join an earlier one, revoking a busy CA would wait for ever."""
    office = open_office()
    gate = stop_before_commit(monkeypatch, EventName.CERTIFICATE_ISSUED)
    earlier = Session(lambda: office.issue("earlier.acme.test"))
    gate.wait_until_reached()
    revoking = Session(lambda: revoke(office, office.root))
    wait_until_blocked()
    later = Session(lambda: office.issue("later.acme.test"))
    wait_until_blocked(sessions=2)
    gate.open()
    row = earlier.finish().certificate
    revoking.finish()
    with pytest.raises(Unavailable):
        later.finish()
    row.refresh_from_db()
    assert row.state == Certificate.State.REVOKED


def disable(office: Office) -> None:
    disable_ca(actor=office.owner, ca=office.issuing)
