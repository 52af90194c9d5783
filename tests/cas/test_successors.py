"""One CA goes on where another ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from accounts.roles import OrganizationRole
from cas.chains import chain_of
from cas.core.keys import KeyAlgorithm
from cas.core.names import constraint_name, parse_name
from cas.models import CaCertificate, CertificateAuthority, ProfileVersion, Template
from cas.orders import SuccessorOrder
from cas.services.authorities import retire_ca
from cas.services.pending import sign_authority_csr
from cas.services.successors import move_templates
from cas.services.templates import retire_template
from certificates.services.authorities import complete_authority, establish_authority, establish_successor
from kernel.errors import Conflict, Denied
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, elsewhere
from tests.cas.test_pending import pending
from tests.elsewhere import pem
from tests.happened import happenings, last_event
from tests.office import Office, authority_order, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")


@pytest.fixture
def office() -> Office:
    return open_office()


def succeed(office: Office, ca: CertificateAuthority, name: str = "G2", **wishes: object) -> CertificateAuthority:
    return establish_successor(actor=office.owner, ca=ca, order=SuccessorOrder(name=name, **wishes))


def certificate(ca: CertificateAuthority) -> x509.Certificate:
    return CaCertificate.objects.get(ca=ca, preferred=True).certificate


# --- strangers and those who may not ----------------------------------------------------------------------------------


def test_a_stranger_succeeds_nobody_and_takes_no_template(office):
    stranger, successor = cast.stranger().actor, succeed(office, office.issuing)
    with refused(Denied):
        establish_successor(actor=stranger, ca=office.issuing, order=SuccessorOrder(name="Trojan"))
    with refused(Denied):
        move_templates(actor=stranger, source=office.issuing, target=successor)
    assert Template.objects.get().ca == office.issuing


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_arrange_a_succession(office, role):
    member, successor = cast.member(office.organization, role).actor, succeed(office, office.issuing)
    with refused(Denied):
        establish_successor(actor=member, ca=office.issuing, order=SuccessorOrder(name="G3"))
    with refused(Denied):
        move_templates(actor=member, source=office.issuing, target=successor)


# --- successors -------------------------------------------------------------------------------------------------------


def test_a_successor_is_like_the_ca_before_it_with_another_key(office):
    with happenings() as names:
        successor = succeed(office, office.issuing)
    assert names[0] == "ca.created"
    before, after = certificate(office.issuing), certificate(successor)
    assert (after.subject, after.issuer) == (before.subject, before.issuer)
    assert after.public_key() != before.public_key()
    assert (successor.predecessor, successor.parent) == (office.issuing, office.root)
    assert successor.slug != office.issuing.slug
    kept = ("path_length", "base_url", "crl_lifetime", "key_algorithm", "allow_leaf_certificates")
    assert all(getattr(successor, field) == getattr(office.issuing, field) for field in kept)


def test_limits_are_handed_on(office):
    limited = establish_authority(
        actor=office.owner,
        order=authority_order(
            office.organization,
            "Limited",
            parent=Ref("pk", office.root.pk),
            validity=timedelta(days=400),
            permitted_names=(constraint_name("acme.test"),),
            extended_key_usage=(x509.ExtendedKeyUsageOID.SERVER_AUTH,),
        ),
    )
    successor = succeed(office, limited)
    for kind in (x509.NameConstraints, x509.ExtendedKeyUsage, x509.BasicConstraints):
        before, after = (certificate(ca).extensions.get_extension_for_class(kind) for ca in (limited, successor))
        assert before == after


def test_what_the_order_says_is_different(office):
    successor = succeed(
        office,
        office.issuing,
        subject=parse_name("CN=Renamed"),
        key_algorithm=KeyAlgorithm.ED25519,
        validity=timedelta(days=30),
    )
    made = certificate(successor)
    assert (successor.subject, successor.key_algorithm) == ("CN=Renamed", "ED25519")
    assert made.not_valid_after_utc - made.not_valid_before_utc == timedelta(days=30) - timedelta(seconds=1)


def test_a_root_is_succeeded_by_a_root(office):
    successor = succeed(office, office.root)
    assert successor.is_root
    assert certificate(successor).subject == certificate(office.root).subject


def test_both_issue_while_they_overlap(office):
    succeed(office, office.issuing)
    assert office.issue().certificate.ca == office.issuing


def test_who_is_behind_a_passphrase_has_a_successor_behind_one(office):
    locked = establish_authority(
        actor=office.owner, order=authority_order(office.organization, "Locked", passphrase=PASSPHRASE)
    )
    with invalid(("passphrase", "required")):
        succeed(office, locked)
    assert succeed(office, locked, passphrase=PASSPHRASE).passphrase_protected


def test_under_a_root_from_outside_the_successor_waits_for_its_certificate(office):
    root = elsewhere.root()
    ca = pending(office.person, "Issuing")
    request = sign_authority_csr(actor=office.owner, ca=ca)
    ca = complete_authority(actor=office.owner, ca=ca, certificates=pem(root.certify(request), root.certificate))
    successor = succeed(office, ca)
    assert (successor.status, successor.predecessor) == ("pending", ca)
    request = sign_authority_csr(actor=office.owner, ca=successor)
    successor = complete_authority(actor=office.owner, ca=successor, certificates=pem(root.certify(request)))
    assert chain_of(successor).certificates[1] == root.certificate


def test_a_name_of_its_own_and_a_key_here(office):
    with refused(Conflict, "ca-exists"):
        succeed(office, office.issuing, name=office.issuing.name)
    office.issuing.key = None
    with refused(Conflict, "ca-without-key"):
        succeed(office, office.issuing)


# --- templates --------------------------------------------------------------------------------------------------------


def test_templates_issue_under_the_successor_and_what_was_issued_stays(office):
    before = office.issue().certificate
    successor = succeed(office, office.issuing)
    with happenings() as names:
        moved = move_templates(actor=office.owner, source=office.issuing, target=successor)
    assert names == ["ca.templates_moved"]
    assert [each.code for each in moved] == ["web-tls"]
    assert last_event().document["metadata"]["templates"] == ["web-tls"]
    after = office.issue().certificate
    before.refresh_from_db()
    assert (before.ca, after.ca) == (office.issuing, successor)
    assert before.profile_id != after.profile_id
    assert ProfileVersion.objects.get(pk=before.profile_id).document == (
        ProfileVersion.objects.get(pk=after.profile_id).document
    )
    retire_ca(actor=office.owner, ca=office.issuing)
    office.issue()


def test_templates_go_to_a_successor_only_and_may_skip_one(office):
    second = succeed(office, office.issuing, name="G2")
    third = succeed(office, second, name="G3")
    for source, target in ((office.issuing, office.root), (second, office.issuing), (second, second)):
        with refused(Conflict, "not-a-successor"):
            move_templates(actor=office.owner, source=source, target=target)
    assert move_templates(actor=office.owner, source=office.issuing, target=third)


def test_what_is_retired_stays(office):
    successor = succeed(office, office.issuing)
    retire_template(actor=office.owner, template=office.template)
    assert move_templates(actor=office.owner, source=office.issuing, target=successor) == []
