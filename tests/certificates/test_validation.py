"""Certificates judged by an organization: its own CAs, its anchors, its register, and what it has fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils import timezone

from accounts import outbound
from accounts.services.features import set_features
from cas.core.formats import to_der, to_pem
from cas.core.general_names import general_name
from cas.models import CertificateAuthority
from cas.orders import TrustAnchorOrder
from cas.services.anchors import add_trust_anchors
from certificates.models import Crl
from certificates.orders import RevokeAuthorityOrder, RevokeOrder
from certificates.services.ocsp import answer_ocsp
from certificates.services.revocation import revoke_authority, revoke_certificate
from certificates.services.validation import validate_certificate
from certificates.validation_orders import ValidationOrder
from kernel.errors import Denied, Invalid, NotFound, Unlicensed
from kernel.permissions import Grant, Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db
STRANGER = "Umbrella"


@pytest.fixture
def office() -> Office:
    return open_office()


def order_about(office: Office, *certificates, **changes) -> ValidationOrder:
    certificate, *chain = certificates
    return replace(
        ValidationOrder(
            certificate=to_pem(certificate).encode(),
            chain=to_pem(*chain).encode(),
            organization=Ref("pk", office.organization.pk),
        ),
        **changes,
    )


def verdict_on(office: Office, *certificates, **changes):
    return validate_certificate(actor=office.owner, order=order_about(office, *certificates, **changes))


def elsewhere_issued():
    return pki.issue()


def codes(findings) -> list[str]:
    return [each.code for each in findings]


def test_a_stranger_learns_nothing_by_asking(office):
    issued = office.issue().x509
    stranger = cast.owner(cast.organization(STRANGER))
    with pytest.raises(NotFound):
        validate_certificate(actor=stranger.actor, order=order_about(office, issued))
    theirs = order_about(office, issued, organization=Ref("pk", stranger.organization.pk))
    verdict = validate_certificate(actor=stranger.actor, order=theirs)
    assert (codes(verdict.errors), verdict.trusted_anchor, len(verdict.chain)) == (["issuer-missing"], None, 1)


def test_whoever_may_not_read_certificates_may_not_have_them_judged(office):
    actor = replace(office.owner, permissions=frozenset({Permission.AUDIT_READ}))
    with pytest.raises(Denied):
        validate_certificate(actor=actor, order=order_about(office, office.issue().x509))


def test_our_own_certificate_needs_no_chain(office):
    verdict = verdict_on(
        office,
        office.issue().x509,
        purpose=ExtendedKeyUsageOID.SERVER_AUTH,
        peer_name=general_name("www.acme.test"),
        require_status=True,
    )
    assert (verdict.valid, verdict.not_revoked, verdict.errors, verdict.warnings) == (True, True, (), ())
    assert [each.subject.rfc4514_string() for each in verdict.chain][1:] == [
        "CN=ACME Issuing CA,O=ACME",
        "CN=ACME Root,O=ACME",
    ]


def test_a_revocation_is_known_from_the_moment_of_its_answer(office):
    issued = office.issue()
    revoke_certificate(
        actor=office.owner,
        order=RevokeOrder(certificate=Ref("pk", issued.certificate.pk), reason=ReasonFlags.key_compromise),
    )
    verdict = verdict_on(office, issued.x509)
    assert (verdict.valid, verdict.chain_valid, verdict.not_revoked) == (False, True, False)
    assert "keyCompromise" in str(verdict.errors[0].message)
    before = verdict_on(office, issued.x509, at=timezone.now() - timedelta(seconds=1))
    assert "revoked" not in codes(before.errors)
    assert verdict_on(office, issued.x509, check_revocation=False).valid


def test_a_revoked_ca_takes_what_it_issued_with_it(office):
    issued = office.issue().x509
    revoke_authority(
        actor=office.owner,
        order=RevokeAuthorityOrder(ca=Ref("pk", office.issuing.pk), reason=ReasonFlags.ca_compromise),
    )
    verdict = verdict_on(office, issued)
    assert (1, "revoked") in [(each.position, each.code) for each in verdict.errors]


def test_a_revoked_root_is_no_anchor(office):
    issued = office.issue().x509
    revoke_authority(
        actor=office.owner,
        order=RevokeAuthorityOrder(ca=Ref("pk", office.root.pk), reason=ReasonFlags.ca_compromise),
    )
    verdict = verdict_on(office, issued)
    assert verdict.trusted_anchor is None
    assert "untrusted-root" in codes(verdict.errors)


def test_elsewhere_is_trusted_where_an_anchor_says_so(office):
    leaf, authority, root = elsewhere_issued(), pki.intermediate(), pki.root()
    shown = (leaf, authority.certificate)
    assert codes(verdict_on(office, *shown, at=pki.NOW).errors) == ["issuer-missing"]
    order = TrustAnchorOrder(
        organization=Ref("pk", office.organization.pk), certificates=to_pem(root.certificate).encode()
    )
    add_trust_anchors(actor=office.owner, order=order)
    verdict = verdict_on(office, *shown, at=pki.NOW)
    assert (verdict.valid, verdict.trusted_anchor, verdict.not_revoked) == (True, root.certificate, None)
    assert codes(verdict.warnings) == ["revocation-unknown", "revocation-unknown"]
    assert codes(verdict_on(office, *shown, at=pki.NOW, require_status=True).errors) == ["revocation-unknown"] * 2


def test_anchors_in_the_request_count_alone(office):
    root = pki.root().certificate
    mine = verdict_on(office, office.issue().x509, trust_anchors=to_pem(root).encode())
    assert "untrusted-root" in codes(mine.errors)
    theirs = (elsewhere_issued(), pki.intermediate().certificate)
    assert verdict_on(office, *theirs, trust_anchors=to_pem(root).encode(), at=pki.NOW).valid


def test_a_certificate_of_a_ca_from_outside_is_no_anchor(office):
    CertificateAuthority.objects.filter(pk=office.root.pk).update(key=None)
    assert verdict_on(office, office.issue().x509).trusted_anchor is None


def test_who_is_let_to_one_ca_may_ask_about_its_certificates(office):
    order = order_about(office, office.issue().x509)
    reading = Grant(office.issuing.pk, frozenset({Permission.CERTIFICATES_READ}))
    assert validate_certificate(actor=replace(office.owner, grants=(reading,)), order=order).valid
    issuing = Grant(office.issuing.pk, frozenset({Permission.CERTIFICATES_ISSUE}))
    with pytest.raises(Denied):
        validate_certificate(actor=replace(office.owner, grants=(issuing,)), order=order)


UNREADABLE = {
    "certificate": {"certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
    "chain": {"chain": b"no certificate"},
    "trust_anchors": {"trust_anchors": b"\x30\x03\x02\x01\x01"},
    "crls[0]": {"crls": (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",)},
}


@pytest.mark.parametrize("field", UNREADABLE)
def test_what_cannot_be_read_at_all_is_named(office, field):
    with pytest.raises(Invalid) as refusal:
        verdict_on(office, office.issue().x509, **UNREADABLE[field])
    assert [error.field for error in refusal.value.errors] == [field]


# --- asking elsewhere -------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch, office):
    """Another organization's CAs, whose responder and CRLs answer; and what was asked of them."""
    other = open_office(STRANGER)
    asked: list[str] = []

    def ask(url, *, body=None, **_request):
        asked.append(url)
        ca = other.issuing if other.issuing.slug in url else other.root
        if body is not None:
            answer = answer_ocsp(
                ca_id=ca.pk, issuer=ca.preferred_certificate.certificate, request=body, now=timezone.now()
            )
            return outbound.Answer(200, {}, answer.body)
        return outbound.Answer(200, {}, bytes(Crl.objects.filter(scope__ca=ca).latest("pk").body))

    monkeypatch.setattr("certificates.revocation_sources.ask", ask)
    order = TrustAnchorOrder(
        organization=Ref("pk", office.organization.pk),
        certificates=to_pem(other.root.preferred_certificate.certificate).encode(),
    )
    add_trust_anchors(actor=office.owner, order=order)
    return other, asked


def shown_of(other: Office, issued) -> tuple:
    return (issued.x509, other.issuing.preferred_certificate.certificate)


def test_nobody_is_asked_unless_the_question_says_so(office, elsewhere):
    other, asked = elsewhere
    assert verdict_on(office, *shown_of(other, other.issue())).not_revoked is None
    assert asked == []


def test_what_is_not_known_here_is_asked_elsewhere(office, elsewhere):
    other, asked = elsewhere
    issued = other.issue()
    assert verdict_on(office, *shown_of(other, issued), fetch=True).not_revoked is True
    assert len(asked) == 2
    revoke_certificate(
        actor=other.owner,
        order=RevokeOrder(certificate=Ref("pk", issued.certificate.pk), reason=ReasonFlags.superseded),
    )
    assert codes(verdict_on(office, *shown_of(other, issued), fetch=True).errors) == ["revoked"]


def test_a_licence_may_forbid_it(office, elsewhere):
    other, asked = elsewhere
    set_features(actor=cast.SUPERUSER, organization=office.organization, features=[])
    with pytest.raises(Unlicensed):
        verdict_on(office, *shown_of(other, other.issue()), fetch=True)
    assert asked == []


def test_addresses_in_certificates_of_strangers_are_not_asked(office, monkeypatch):
    asked = []
    monkeypatch.setattr("certificates.revocation_sources.ask", lambda url, **_request: asked.append(url))
    other = open_office(STRANGER)
    verdict_on(office, *shown_of(other, other.issue()), fetch=True)
    assert asked == []


def test_who_does_not_answer_is_named(office, elsewhere, monkeypatch):
    other, _asked = elsewhere

    def ask(url, **_request):
        raise outbound.OutboundError("the server cannot be asked: it took too long")

    monkeypatch.setattr("certificates.revocation_sources.ask", ask)
    verdict = verdict_on(office, *shown_of(other, other.issue()), fetch=True)
    assert (verdict.valid, verdict.not_revoked) == (True, None)
    assert codes(verdict.warnings).count("fetch-failed") == 4


def test_the_guard_stands_before_plain_addresses_too():
    with pytest.raises(outbound.OutboundError, match="no public address"):
        outbound.ask("http://127.0.0.1:9/x.crl", plain=True)
    with pytest.raises(outbound.OutboundError, match="no https address"):
        outbound.ask("http://crl.example.com/x.crl")


def test_der_is_read_as_well_as_pem(office):
    issued = office.issue().x509
    assert verdict_on(office, issued, certificate=to_der(issued)).valid
