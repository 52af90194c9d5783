"""A CA that is revoked takes everything below it with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags as Reason
from django.utils import timezone

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from cas.core.names import parse_name
from cas.core.reasons import AUTHORITY_REASONS, reason_name
from cas.models import CertificateAuthority
from cas.orders import PendingAuthorityOrder
from cas.services.pending import create_pending_authority
from certificates.models import Certificate, CrlScope, Revocation
from certificates.orders import RevokeAuthorityOrder, RevokeOrder
from certificates.services.crl import publish_crl
from certificates.services.revocation import revoke_authority, revoke_certificate
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, NotFound, Unavailable
from kernel.ref import Ref
from tests import cast
from tests.happened import happenings
from tests.office import Office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

State = Certificate.State
Status = CertificateAuthority.Status


def order(ca: CertificateAuthority, reason: Reason = Reason.ca_compromise, comment: str = "") -> RevokeAuthorityOrder:
    return RevokeAuthorityOrder(ca=Ref("pk", ca.pk), reason=reason, comment=comment)


def revoke(office: Office, ca: CertificateAuthority, reason: Reason = Reason.ca_compromise) -> CertificateAuthority:
    return revoke_authority(actor=office.owner, order=order(ca, reason))


def listed(ca: CertificateAuthority) -> set[str]:
    crl = publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=ca, scope=0))
    return {f"{entry.serial_number:x}" for entry in x509.load_der_x509_crl(bytes(crl.body))}


def test_a_stranger_and_an_operator_revoke_no_ca(office):
    with refused(NotFound, "ca-not-found"):
        revoke_authority(actor=cast.stranger().actor, order=order(office.issuing))
    operator = cast.member(office.organization, OrganizationRole.OPERATOR)
    with refused(Denied):
        revoke_authority(actor=operator.actor, order=order(office.issuing))
    assert not Revocation.objects.exists()


def test_an_intermediate_is_on_the_list_of_its_parent(office):
    assert revoke(office, office.issuing).status == Status.REVOKED
    assert listed(office.root) == {office.issuing.preferred_certificate.serial}
    assert Revocation.objects.get(ca=office.root).reason == "cACompromise"
    with refused(Unavailable, "ca-not-active"):
        office.issue()


def test_everything_below_goes_with_it(office):
    good, held, gone = (office.issue().certificate for _ in range(3))
    for row, reason in ((held, Reason.certificate_hold), (gone, Reason.affiliation_changed)):
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
    with happenings() as names:
        revoke(office, office.root)
    assert set(Certificate.objects.values_list("state", flat=True)) == {State.REVOKED}
    assert set(CertificateAuthority.objects.values_list("status", flat=True)) == {Status.REVOKED}
    assert listed(office.issuing) == {good.serial, held.serial, gone.serial}
    assert names == ["ca.revoked", "ca.revoked"]
    reasons = dict(Revocation.objects.filter(lifted_at=None, ca=office.issuing).values_list("serial", "reason"))
    assert reasons == {good.serial: "unspecified", held.serial: "unspecified", gone.serial: "affiliationChanged"}


def test_what_was_on_hold_keeps_the_date_of_its_hold(office):
    row = office.issue().certificate
    hold = RevokeOrder(certificate=Ref("pk", row.pk), reason=Reason.certificate_hold)
    revoke_certificate(actor=office.owner, order=hold)
    since = timezone.now().replace(microsecond=0) - timedelta(days=3)
    Revocation.objects.update(at=since)
    revoke(office, office.issuing)
    assert Revocation.objects.get(certificate=row, lifted_at=None).at == since
    crl = publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing, scope=0))
    (entry,) = x509.load_der_x509_crl(bytes(crl.body))
    assert entry.revocation_date_utc == since


def test_each_event_counts_what_fell(office):
    office.issue()
    office.issue()
    revoke(office, office.root, Reason.cessation_of_operation)
    root, issuing = (row.document["metadata"] for row in AuditEvent.objects.filter(name="ca.revoked").order_by("pk"))
    assert (root["certificates"], root["because_of"], root["reason"]) == (0, None, "cessationOfOperation")
    assert (issuing["certificates"], issuing["because_of"]) == (2, office.root.name)


def test_a_root_stands_on_no_list(office):
    revoke(office, office.root)
    assert listed(office.root) == {office.issuing.preferred_certificate.serial}


def test_what_was_revoked_before_keeps_its_reason(office):
    revoke(office, office.issuing, Reason.superseded)
    with happenings() as names:
        revoke(office, office.root)
    assert names == ["ca.revoked"]
    assert Revocation.objects.get(ca=office.root).reason == "superseded"


def test_a_ca_is_revoked_once(office):
    revoke(office, office.issuing)
    with refused(Conflict, "already-revoked"):
        revoke(office, office.issuing)


@pytest.mark.parametrize("reason", sorted(set(Reason) - AUTHORITY_REASONS, key=str), ids=lambda reason: reason.value)
def test_reasons_that_no_ca_can_have(office, reason):
    with invalid(("reason", "reason-not-allowed")):
        revoke(office, office.issuing, reason)


@pytest.mark.parametrize("reason", sorted(AUTHORITY_REASONS, key=str), ids=reason_name)
def test_reasons_that_a_ca_can_have(office, reason):
    revoke(office, office.issuing, reason)
    assert Revocation.objects.get(ca=office.root).reason == reason_name(reason)


@pytest.mark.parametrize(("comment", "code"), [("c" * 1001, "too-long"), ("a\0b", "unprintable")])
def test_a_comment_that_cannot_be_kept(office, comment, code):
    with invalid(("comment", code)):
        revoke_authority(actor=office.owner, order=replace(order(office.issuing), comment=comment))


def test_the_list_goes_on_after_the_ca(office):
    row = office.issue().certificate
    revoke(office, office.issuing)
    assert listed(office.issuing) == {row.serial}
    assert listed(office.issuing) == {row.serial}


def test_a_ca_that_was_never_certified_is_cancelled_and_not_revoked(office):
    wanted = PendingAuthorityOrder(
        organization=Ref("pk", office.organization.pk), name="Pending", subject=parse_name("CN=Pending")
    )
    pending = create_pending_authority(actor=office.owner, order=wanted)
    with refused(Conflict, "wrong-status"):
        revoke(office, pending)
