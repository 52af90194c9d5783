"""Revocation of certificates: for every reason, on hold and off it, once and for all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags as Reason
from cryptography.x509 import ocsp
from django.utils import timezone

from accounts.roles import OrganizationRole
from audit import services as audit
from cas.core.csr import read_csr
from cas.core.reasons import CODES, LEAF_REASONS, reason_name
from cas.models import BlockedKey
from cas.services.authorities import disable_ca
from certificates.models import Certificate, CrlScope, Revocation
from certificates.orders import RevokeOrder
from certificates.services.crl import publish_crl
from certificates.services.ocsp import answer_ocsp
from certificates.services.revocation import release_certificate, revoke_certificate
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, NotFound
from kernel.ref import Ref
from tests import cast, pki
from tests.happened import happenings, last_event
from tests.office import Office, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

State = Certificate.State
HOLD = Reason.certificate_hold
HOUR = timedelta(hours=1)


def revoke(office: Office, row: Certificate, reason: Reason = Reason.superseded, **facts: object) -> Certificate:
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=reason, **facts)
    return revoke_certificate(actor=office.owner, order=order)


def release(office: Office, row: Certificate) -> Certificate:
    return release_certificate(actor=office.owner, certificate=Ref("pk", row.pk))


def crl_entry(office: Office, row: Certificate) -> x509.RevokedCertificate | None:
    """What the next CRL of the issuing CA says of the certificate."""
    crl = publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing, scope=0))
    return x509.load_der_x509_crl(bytes(crl.body)).get_revoked_certificate_by_serial_number(int(row.serial, 16))


def ocsp_answer(office: Office, row: Certificate) -> ocsp.OCSPResponse:
    issuer = office.issuing.preferred_certificate.certificate
    question = ocsp.OCSPRequestBuilder().add_certificate(row.body.x509, issuer, SHA256()).build()
    answer = answer_ocsp(
        ca_id=office.issuing.pk, issuer=issuer, request=question.public_bytes(Encoding.DER), now=timezone.now()
    )
    return ocsp.load_der_ocsp_response(answer.body)


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_revokes_and_releases_nothing(office):
    row = office.issue().certificate
    stranger = cast.stranger().actor
    order = RevokeOrder(certificate=Ref("serial", row.serial), reason=Reason.superseded)
    with refused(NotFound, "certificate-not-found"):
        revoke_certificate(actor=stranger, order=order)
    revoke(office, row, HOLD)
    with refused(NotFound, "certificate-not-found"):
        release_certificate(actor=stranger, certificate=Ref("pk", row.pk))
    row.refresh_from_db()
    assert row.state == State.HELD


REVOKERS = {OrganizationRole.OWNER, OrganizationRole.OPERATOR}


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role not in REVOKERS])
def test_only_owners_and_operators_revoke(office, role):
    row = office.issue().certificate
    person = cast.member(office.organization, role)
    with refused(Denied):
        revoke_certificate(
            actor=person.actor, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=Reason.superseded)
        )
    assert not Revocation.objects.exists()


# --- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(LEAF_REASONS - {HOLD}, key=CODES.get), ids=reason_name)
def test_every_reason_stands_in_register_crl_and_ocsp(office, reason):
    row = revoke(office, office.issue().certificate, reason, comment="as decided on Monday")
    assert row.state == State.REVOKED
    revocation = Revocation.objects.get()
    assert (revocation.reason, revocation.comment) == (reason_name(reason), "as decided on Monday")
    answer = ocsp_answer(office, row)
    assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
    entry = crl_entry(office, row)
    assert entry.revocation_date_utc == answer.revocation_time_utc == revocation.at
    if reason is Reason.unspecified:
        assert list(entry.extensions) == []  # RFC 5280 5.3.1: absent rather than unspecified
    else:
        assert answer.revocation_reason == reason
        assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == reason


@pytest.mark.parametrize("reason", sorted(set(Reason) - LEAF_REASONS, key=str), ids=lambda each: each.value)
def test_reasons_that_no_leaf_can_have(office, reason):
    row = office.issue().certificate
    with invalid(("reason", "reason-not-allowed")):
        revoke(office, row, reason)
    assert not Revocation.objects.exists()


def test_a_leaf_is_blamed_on_its_ca_only_where_the_order_says_that_it_may(office):
    row = revoke(office, office.issue().certificate, Reason.ca_compromise, may_blame_ca=True)
    assert ocsp_answer(office, row).revocation_reason == Reason.ca_compromise
    with invalid(("reason", "reason-not-allowed")):
        revoke(office, office.issue().certificate, Reason.aa_compromise, may_blame_ca=True)


def test_since_when_the_key_is_thought_to_be_lost(office):
    since = (timezone.now() - 3 * HOUR).replace(microsecond=0)
    row = revoke(office, office.issue().certificate, Reason.key_compromise, invalidity=since)
    invalidity = crl_entry(office, row).extensions.get_extension_for_class(x509.InvalidityDate).value
    assert invalidity.invalidity_date_utc == since


def test_a_key_is_not_lost_in_the_future(office):
    with invalid(("invalidity_date", "in-the-future")):
        revoke(office, office.issue().certificate, invalidity=timezone.now() + HOUR)


@pytest.mark.parametrize(("comment", "code"), [("c" * 1001, "too-long"), ("a\0b", "unprintable")])
def test_a_comment_that_cannot_be_kept(office, comment, code):
    row = office.issue().certificate
    with invalid(("comment", code)):
        revoke(office, row, comment=comment)


# --- once and for all -------------------------------------------------------------------------------------------------


def test_it_is_told_once(office):
    row = office.issue().certificate
    with happenings() as names:
        revoke(office, row, Reason.superseded, comment="renewed")
    assert names == ["certificate.revoked"]
    document = last_event().document
    assert document["id"] == Revocation.objects.get().event
    assert document["resource"]["serial"] == row.serial
    assert (document["metadata"]["reason"], document["metadata"]["comment"]) == ("superseded", "renewed")


def test_where_the_log_cannot_be_written_nothing_is_revoked(office, monkeypatch):
    def fail(*_args: object, **_facts: object) -> None:
        raise OSError("the log is full")

    row = office.issue().certificate
    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(OSError, match="the log is full"):
        revoke(office, row)
    row.refresh_from_db()
    assert (row.state, Revocation.objects.count()) == (State.ISSUED, 0)


@pytest.mark.parametrize("again", [Reason.key_compromise, HOLD], ids=reason_name)
def test_what_is_revoked_stays_so(office, again):
    row = revoke(office, office.issue().certificate)
    with refused(Conflict, "already-revoked"):
        revoke(office, row, again)
    with refused(Conflict, "already-revoked"):
        release(office, row)
    assert Revocation.objects.get().reason == "superseded"


def test_the_expired_can_be_revoked(office):
    row = office.issue().certificate
    Certificate.objects.update(not_after=timezone.now() - HOUR)
    assert revoke(office, row).state == State.REVOKED
    assert crl_entry(office, row) is not None


def test_what_a_disabled_ca_issued_can_be_revoked(office):
    row = office.issue().certificate
    disable_ca(actor=office.owner, ca=office.issuing)
    revoke(office, row)
    assert ocsp_answer(office, row).certificate_status == ocsp.OCSPCertStatus.REVOKED


def test_what_was_issued_elsewhere_is_revoked_elsewhere(office):
    row = office.issue().certificate
    Certificate.objects.update(ca=None)
    with refused(Conflict, "foreign-issuer"):
        revoke(office, row)


# --- on hold ----------------------------------------------------------------------------------------------------------


def test_a_hold_is_said_and_taken_back(office):
    row = office.issue().certificate
    with happenings() as names:
        assert revoke(office, row, HOLD).state == State.HELD
        assert crl_entry(office, row) is not None
        assert ocsp_answer(office, row).revocation_reason == HOLD
        assert release(office, row).state == State.ISSUED
        assert crl_entry(office, row) is None
        assert ocsp_answer(office, row).certificate_status == ocsp.OCSPCertStatus.GOOD
    assert [name for name in names if name != "crl.published"] == ["certificate.held", "certificate.released"]


def test_a_hold_that_becomes_final_keeps_its_date(office):
    row = revoke(office, office.issue().certificate, HOLD)
    since = timezone.now().replace(microsecond=0) - 5 * HOUR
    Revocation.objects.update(at=since)
    revoke(office, row, Reason.key_compromise)
    assert ocsp_answer(office, row).revocation_time_utc == since
    assert crl_entry(office, row).revocation_date_utc == since


def test_a_certificate_is_held_once_at_a_time_and_may_be_held_again(office):
    row = revoke(office, office.issue().certificate, HOLD)
    with refused(Conflict, "already-on-hold"):
        revoke(office, row, HOLD)
    release(office, row)
    with refused(Conflict, "not-on-hold"):
        release(office, row)
    assert revoke(office, row, HOLD).state == State.HELD
    assert Revocation.objects.count() == 2
    assert crl_entry(office, row) is not None


# --- lost keys --------------------------------------------------------------------------------------------------------


def test_a_lost_key_is_not_certified_again(office):
    key = read_csr(pki.make_csr(subject="CN=www.acme.test"))
    revoke(office, office.issue(key=key).certificate, Reason.key_compromise)
    with invalid(("public_key", "forbidden-key")):
        office.issue(key=key)
    other = open_office("Umbrella")
    other.issue(key=key)


def test_a_key_that_was_not_lost_may_be_used_again(office):
    key = read_csr(pki.make_csr(subject="CN=www.acme.test"))
    revoke(office, office.issue(key=key).certificate, Reason.superseded)
    office.issue(key=key)
    assert not BlockedKey.objects.exists()


def test_a_key_may_be_lost_with_two_certificates(office):
    key = read_csr(pki.make_csr(subject="CN=www.acme.test"))
    rows = [office.issue(key=key).certificate for _ in range(2)]
    for row in rows:
        revoke(office, row, Reason.key_compromise)
    assert BlockedKey.objects.count() == 1
