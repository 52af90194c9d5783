"""What OCSP and the CRL say of a certificate is what they say, while it is held, released and revoked."""

from __future__ import annotations

import pytest
from cryptography.x509 import ReasonFlags as Reason
from django.utils import timezone

from cas.selectors import chain_of
from certificates.models import Certificate, CrlScope, OcspResponder
from certificates.orders import RevokeOrder
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
