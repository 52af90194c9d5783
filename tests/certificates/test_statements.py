"""What OCSP and the CRL say of a certificate is what they say, while it is held, released and revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags as Reason
from django.utils import timezone

from cas.chains import chain_of
from certificates import statements
from certificates.models import Certificate, CrlScope, OcspResponder, Revocation
from certificates.orders import RevokeOrder
from certificates.selectors import newest_crl_about
from certificates.services.crl import publish_crl
from certificates.services.revocation import release_certificate, revoke_certificate
from certificates.statements import crl_statement, ocsp_statement
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db


def told(office: Office, row: Certificate) -> tuple[str, str, bool, bool]:
    """OCSP: status and reason; the CRL: whether it is listed, and whether that is behind."""
    ocsp = ocsp_statement(row, chain_of(office.issuing).certificates[0], at=timezone.now())
    crl = crl_statement(row)
    assert ocsp is not None
    assert crl is not None
    assert ocsp.this_update <= timezone.now() < ocsp.next_update
    assert (ocsp.revoked_at is not None) == (ocsp.status == "revoked")
    return ocsp.status, ocsp.reason, crl.is_listed, crl.is_behind


def publish(office: Office, shard: int) -> None:
    publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing, scope=shard))


@pytest.mark.parametrize("shards", [0, 1])
def test_through_a_whole_life(shards):
    office = open_office(crl_shards=shards)
    row = office.issue().certificate
    certificate = Ref("pk", row.pk)

    def revoke(reason: Reason) -> None:
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=certificate, reason=reason))

    assert told(office, row) == ("good", "", False, False)
    revoke(Reason.certificate_hold)
    assert told(office, row) == ("revoked", "certificateHold", False, True)
    publish(office, shards)
    assert told(office, row) == ("revoked", "certificateHold", True, False)
    release_certificate(actor=office.owner, certificate=certificate)
    assert told(office, row) == ("good", "", True, True)
    publish(office, shards)
    assert told(office, row) == ("good", "", False, False)
    revoke(Reason.certificate_hold)
    release_certificate(actor=office.owner, certificate=certificate)
    assert told(office, row) == ("good", "", False, True)
    revoke(Reason.superseded)
    assert told(office, row) == ("revoked", "superseded", False, True)
    publish(office, shards)
    assert told(office, row) == ("revoked", "superseded", True, False)


def test_where_nobody_answers():
    office = open_office()
    row = office.issue().certificate
    OcspResponder.objects.filter(ca=office.issuing).delete()
    assert ocsp_statement(row, chain_of(office.issuing).certificates[0], at=timezone.now()) is None


@pytest.mark.parametrize("shards", [0, 1])
def test_what_has_ended_is_carried_once_more_and_then_goes(shards, monkeypatch):
    """And nobody reads the list for that, which may be long (RFC 5280 3.3)."""
    office = open_office(crl_shards=shards)
    row = office.issue().certificate
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=Reason.superseded)
    revoke_certificate(actor=office.owner, order=order)
    publish(office, shards)
    ended = timezone.now() - timedelta(seconds=1)
    Certificate.objects.filter(pk=row.pk).update(not_after=ended)
    Revocation.objects.filter(serial=row.serial).update(not_after=ended)
    row.refresh_from_db()
    told_by_list = statements._stands_on

    def is_listed() -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(statements, "_stands_on", lambda *_: pytest.fail("the list was read"))
            found = crl_statement(row)
        crl = newest_crl_about(office.issuing.pk, row.serial)
        assert found is not None
        assert crl is not None
        assert found.is_listed == told_by_list(crl.pk, crl.sha256, row.serial)
        return found.is_listed

    seen = [is_listed()]
    for _number in range(3):
        publish(office, shards)
        seen.append(is_listed())
    assert seen in ([True, False, False, False], [True, True, False, False])
