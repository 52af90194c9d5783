"""A CA with several certificates: renewed, crossed, preferred, revoked one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags
from django.test import Client

from accounts.roles import OrganizationRole
from cas.chains import chain_of, chains_of
from cas.core.keys import KeyAlgorithm
from cas.core.names import constraint_name, parse_name
from cas.models import BlockedKey, CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import CrossOrder
from cas.services.authorities import disable_ca
from cas.services.ca_certificates import cross_certify, prefer_certificate, renew_authority
from certificates.models import Crl, Revocation
from certificates.orders import RevokeAuthorityOrder
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.ca_certificates import revoke_ca_certificate
from certificates.services.revocation import AlreadyRevoked, revoke_authority
from kernel.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.happened import happenings
from tests.office import Office, authority_order, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
Status = CertificateAuthority.Status
YEAR = timedelta(days=365)


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def new_root(office: Office) -> CertificateAuthority:
    return found(office, "New Root")


def found(office: Office, name: str, **wishes: object) -> CertificateAuthority:
    return establish_authority(actor=office.owner, order=authority_order(office.organization, name, **wishes))


def cross(office: Office, ca: CertificateAuthority, issuer: CertificateAuthority, **wishes: object) -> CaCertificate:
    order = CrossOrder(ca=Ref("pk", ca.pk), issuer=Ref("pk", issuer.pk), **wishes)
    return cross_certify(actor=office.owner, order=order)


def prefer(office: Office, row: CaCertificate) -> CaCertificate:
    return prefer_certificate(actor=office.owner, ca=row.ca, fingerprint=row.fingerprint)


def revoke(office: Office, row: CaCertificate, reason: ReasonFlags = ReasonFlags.superseded) -> CaCertificate:
    return revoke_ca_certificate(actor=office.owner, ca=row.ca, fingerprint=row.fingerprint, reason=reason)


def revoke_ca(office: Office, ca: CertificateAuthority) -> None:
    order = RevokeAuthorityOrder(ca=Ref("pk", ca.pk), reason=ReasonFlags.cessation_of_operation)
    revoke_authority(actor=office.owner, order=order)


def own(ca: CertificateAuthority) -> CaCertificate:
    return CaCertificate.objects.get(ca=ca, preferred=True)


def names(ca: CertificateAuthority) -> list[list[str]]:
    return [[each.name for each in chain.authorities] for chain in chains_of(ca)]


def on_crl(ca: CertificateAuthority, serial: str) -> bool:
    publish_everything(actor=cast.SUPERUSER, ca=ca)
    newest = Crl.objects.filter(scope__ca=ca).order_by("-number")[0]
    crl = x509.load_der_x509_crl(bytes(newest.body))
    return crl.get_revoked_certificate_by_serial_number(int(serial, 16)) is not None


# --- strangers and those who may not ----------------------------------------------------------------------------------


def test_a_stranger_touches_no_certificate_of_a_ca(office, new_root):
    stranger = cast.stranger().actor
    row = cross(office, office.root, new_root)
    theirs = open_office("Third").root
    for ca, issuer in ((office.root, new_root), (theirs, new_root), (office.root, theirs)):
        with refused(NotFound, "ca-not-found"):
            cross_certify(actor=stranger, order=CrossOrder(ca=Ref("pk", ca.pk), issuer=Ref("pk", issuer.pk)))
    with refused(NotFound, "ca-not-found"):
        order = CrossOrder(ca=Ref("pk", office.root.pk), issuer=Ref("pk", theirs.pk))
        cross_certify(actor=cast.SUPERUSER, order=order)
    with refused(Denied):
        renew_authority(actor=stranger, ca=office.root)
    with refused(Denied):
        prefer_certificate(actor=stranger, ca=office.root, fingerprint=row.fingerprint)
    with refused(Denied):
        revoke_ca_certificate(
            actor=stranger, ca=office.root, fingerprint=row.fingerprint, reason=ReasonFlags.superseded
        )
    assert not Revocation.objects.exists()


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_change_what_a_ca_stands_on(office, new_root, role):
    member = cast.member(office.organization, role).actor
    row = cross(office, office.root, new_root)
    with refused(Denied):
        cross_certify(actor=member, order=CrossOrder(ca=Ref("pk", new_root.pk), issuer=Ref("pk", office.root.pk)))
    with refused(Denied):
        renew_authority(actor=member, ca=office.root)
    with refused(Denied):
        prefer_certificate(actor=member, ca=office.root, fingerprint=row.fingerprint)
    with refused(Denied):
        revoke_ca_certificate(actor=member, ca=office.root, fingerprint=row.fingerprint, reason=ReasonFlags.superseded)


# --- crosses and chains -----------------------------------------------------------------------------------------------


def test_a_cross_certificate_is_one_more_chain(office, new_root):
    with happenings() as events:
        row = cross(office, new_root, office.root)
    assert events == ["ca_certificate.crossed"]
    made, before = row.certificate, own(new_root).certificate
    made.verify_directly_issued_by(own(office.root).certificate)
    assert (made.subject, made.public_key()) == (before.subject, before.public_key())
    identifiers = {c.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value for c in (made, before)}
    assert len(identifiers) == 1
    assert (row.kind, row.preferred) == ("cross", False)
    assert IssuedSerial.objects.get(ca=office.root, serial=row.serial).kind == "cross"
    assert names(new_root) == [["New Root"], ["New Root", "ACME Root"]]
    assert made.not_valid_after_utc <= own(office.root).certificate.not_valid_after_utc


def test_chains_begin_with_the_preferred_one(office, new_root):
    row = cross(office, office.root, new_root)
    assert names(office.issuing) == [["ACME Issuing CA", "ACME Root"], ["ACME Issuing CA", "ACME Root", "New Root"]]
    prefer(office, row)
    assert names(office.issuing) == [["ACME Issuing CA", "ACME Root", "New Root"], ["ACME Issuing CA", "ACME Root"]]
    assert [each.name for each in chain_of(office.issuing).authorities] == names(office.issuing)[0]
    office.root.refresh_from_db()
    assert office.root.parent == new_root
    issued = office.issue()
    assert issued.chain[-1] == own(new_root).certificate


def test_two_roots_that_cross_each_other_go_round_in_no_circle(office, new_root):
    there, back = cross(office, office.root, new_root), cross(office, new_root, office.root)
    assert names(office.root) == [["ACME Root"], ["ACME Root", "New Root"]]
    prefer(office, there)
    with refused(Conflict, "chain-loop"):
        prefer(office, back)
    assert names(new_root) == [["New Root"], ["New Root", "ACME Root"]]


def test_chains_are_bounded():
    office = open_office()
    roots = [found(office, f"Root {number}") for number in range(5)]
    for ca in roots:
        for issuer in roots:
            if ca != issuer:
                cross(office, ca, issuer)
    assert len(chains_of(roots[0])) == 16
    assert all(len(set(chain.authorities)) == len(chain.authorities) for chain in chains_of(roots[0]))


def test_a_thicket_of_crosses_is_left_after_a_while(office):
    """All of them lead back to where the search began, in some million ways."""
    cas = [
        found(office, f"CA {number}", parent=Ref("pk", office.root.pk), validity=YEAR, path_length=5)
        for number in range(9)
    ]
    for ca in cas:
        for issuer in cas:
            if ca != issuer:
                cross(office, ca, issuer, path_length=4)
    cross(office, office.root, cas[0], path_length=3)
    assert chains_of(office.root)[0].authorities == (office.root,)


def test_a_cross_obeys_the_chain_above_and_its_own_limits(office, new_root):
    with invalid(("issuer", "path-too-long")):
        cross(office, new_root, office.issuing)
    with invalid(("validity", "beyond-issuer")):
        cross(office, new_root, office.root, validity=99 * YEAR)
    limited = cross(office, new_root, office.root, path_length=0, permitted_names=(constraint_name("acme.test"),))
    found_limits = limited.certificate.extensions
    assert found_limits.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert found_limits.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees


def test_nobody_crosses_itself_nor_with_a_blocked_key(office, new_root):
    with invalid(("public_key", "same-as-issuer")):
        cross(office, new_root, new_root)
    BlockedKey.objects.create(key_hash=new_root.key_hash, organization=office.organization, reason="lost")
    with invalid(("ca", "blocked-key")):
        cross(office, new_root, office.root)


def test_a_locked_issuer_crosses_with_its_passphrase(office):
    locked = found(office, "Locked", passphrase=PASSPHRASE)
    with refused(Unavailable, "ca-locked"):
        cross(office, office.root, locked)
    assert cross(office, office.root, locked, issuer_passphrase=PASSPHRASE).issuer == locked
    disable_ca(actor=office.owner, ca=locked)
    with refused(Unavailable, "ca-not-active"):
        cross(office, office.root, locked, issuer_passphrase=PASSPHRASE)


def test_an_old_root_certifies_its_successor_of_the_same_name(office):
    """New with old (RFC 4210 4.4.1): self-issued, so it takes no place in the chain."""
    old = found(office, "G1", subject=parse_name("CN=Root"), path_length=0)
    new = found(office, "G2", subject=parse_name("CN=Root"), key_algorithm=KeyAlgorithm.ECDSA_P384)
    row = cross(office, new, old)
    assert row.certificate.issuer == row.certificate.subject
    assert row.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_a_chain_that_does_not_hold_is_not_preferred(office, new_root):
    row = cross(office, office.root, new_root)
    CaCertificate.objects.filter(pk=row.pk).update(der=bytes(own(office.issuing).der))
    row = CaCertificate.objects.get(pk=row.pk)
    with pytest.raises(Invalid, match="not signed by"):
        prefer(office, row)


# --- renewal ----------------------------------------------------------------------------------------------------------


def test_a_renewed_root_is_the_same_ca_for_longer(office):
    before = own(office.root).certificate
    with happenings() as events:
        row = renew_authority(actor=office.owner, ca=office.root, validity=20 * YEAR)
    assert events == ["ca_certificate.renewed"]
    after = own(office.root).certificate
    assert after == row.certificate
    assert (after.subject, after.public_key()) == (before.subject, before.public_key())
    assert after.not_valid_after_utc - after.not_valid_before_utc == 20 * YEAR - timedelta(seconds=1)
    after.verify_directly_issued_by(after)
    own(office.issuing).certificate.verify_directly_issued_by(after)
    office.issue()
    assert CaCertificate.objects.filter(ca=office.root).count() == 2


def test_a_renewed_intermediate_keeps_its_limits(office):
    ca = found(
        office,
        "Limited",
        parent=Ref("pk", office.root.pk),
        validity=YEAR,
        path_length=3,
        permitted_names=(constraint_name("acme.test"),),
        extended_key_usage=(x509.ExtendedKeyUsageOID.SERVER_AUTH,),
    )
    before = own(ca).certificate
    after = renew_authority(actor=office.owner, ca=ca).certificate
    for kind in (x509.BasicConstraints, x509.NameConstraints, x509.ExtendedKeyUsage, x509.SubjectKeyIdentifier):
        assert after.extensions.get_extension_for_class(kind) == before.extensions.get_extension_for_class(kind)
    assert after.serial_number != before.serial_number
    assert after.issuer == before.issuer


def test_a_renewal_ends_with_the_ca_above(office):
    """Its parent has less time left than it had when it was made."""
    row = renew_authority(actor=office.owner, ca=office.issuing, validity=None)
    assert row.not_after <= own(office.root).not_after
    with invalid(("validity", "beyond-issuer")):
        renew_authority(actor=office.owner, ca=office.issuing, validity=99 * YEAR)


def test_a_locked_root_renews_itself_with_its_passphrase(office):
    locked = found(office, "Locked", passphrase=PASSPHRASE)
    with refused(Unavailable, "ca-locked"):
        renew_authority(actor=office.owner, ca=locked)
    renew_authority(actor=office.owner, ca=locked, issuer_passphrase=PASSPHRASE)


def test_what_is_out_of_service_is_not_renewed(office):
    disable_ca(actor=office.owner, ca=office.issuing)
    with refused(Conflict, "wrong-status"):
        renew_authority(actor=office.owner, ca=office.issuing)


def test_the_public_address_gives_the_renewed_certificate(office):
    row = renew_authority(actor=office.owner, ca=office.root)
    assert Client().get(f"/ca/{office.root.slug}.crt").content == bytes(row.der)


# --- revoking one of several ------------------------------------------------------------------------------------------


def test_a_cross_is_revoked_alone(office, new_root):
    row = cross(office, office.root, new_root)
    with happenings() as events:
        revoke(office, row)
    assert events == ["ca_certificate.revoked"]
    assert on_crl(new_root, row.serial)
    office.root.refresh_from_db()
    assert office.root.status == Status.ACTIVE
    assert names(office.root) == [["ACME Root"]]
    office.issue()
    with refused(AlreadyRevoked):
        revoke(office, row)
    with refused(Conflict, "certificate-revoked"):
        prefer(office, row)


def test_a_preferred_one_that_is_revoked_gives_way_to_another(office, new_root):
    row = prefer(office, cross(office, office.root, new_root))
    revoke(office, row)
    office.root.refresh_from_db()
    assert (own(office.root).kind, office.root.parent) == ("self-signed", None)
    office.issue()


def test_the_only_certificate_is_not_revoked_alone(office):
    with refused(Conflict, "only-certificate"):
        revoke(office, own(office.issuing))


def test_a_root_s_word_about_itself_stands_on_no_list(office, new_root):
    cross(office, office.root, new_root)
    with refused(Conflict, "foreign-issuer"):
        revoke(office, own(office.root))


def test_a_ca_is_never_on_hold(office, new_root):
    row = cross(office, office.root, new_root)
    with invalid(("reason", "reason-not-allowed")):
        revoke(office, row, ReasonFlags.certificate_hold)


def test_no_such_certificate(office):
    with refused(NotFound, "ca-certificate-not-found"):
        prefer_certificate(actor=office.owner, ca=office.root, fingerprint="00" * 32)


def test_a_ca_that_stands_elsewhere_outlives_the_one_above(office, new_root):
    row = prefer(office, cross(office, office.root, new_root))
    issued = office.issue().certificate
    revoke_ca(office, new_root)
    office.root.refresh_from_db()
    issued.refresh_from_db()
    assert (office.root.status, office.root.parent, issued.state) == (Status.ACTIVE, None, "issued")
    assert on_crl(new_root, row.serial)
    assert names(office.issuing) == [["ACME Issuing CA", "ACME Root"]]
    office.issue()


def test_a_cross_that_nobody_prefers_falls_with_its_issuer_too(office, new_root):
    row = cross(office, office.root, new_root)
    revoke_ca(office, new_root)
    assert on_crl(new_root, row.serial)
    row.refresh_from_db()
    assert row.revoked_at is not None
    office.issue()


def test_a_revoked_ca_falls_on_every_list_it_stands_on(office, new_root):
    second = found(office, "Second Root")
    rows = [cross(office, office.issuing, issuer) for issuer in (new_root, second)]
    revoke_ca(office, office.issuing)
    assert on_crl(new_root, rows[0].serial)
    assert on_crl(second, rows[1].serial)
    assert on_crl(office.root, own(office.issuing).serial)


def test_what_has_nothing_but_the_revoked_ca_falls_with_it(office):
    renew_authority(actor=office.owner, ca=office.issuing)
    revoke_ca(office, office.root)
    office.issuing.refresh_from_db()
    assert office.issuing.status == Status.REVOKED
    assert Revocation.objects.filter(ca=office.root).count() == 2
