"""CAs whose keys are elsewhere: trusted in chains, or certified by a CA of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from accounts.roles import OrganizationRole
from cas.chains import chain_of
from cas.core.csr import CsrFacts, read_csr
from cas.core.keys import KeyAlgorithm, generate, public_key_sha256
from cas.core.names import constraint_name, parse_name
from cas.models import BlockedKey, CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import AuthorityRequestOrder, ForeignAuthorityOrder
from cas.selectors import authorities, forbidden_keys
from cas.services.authorities import create_authority, disable_ca
from cas.services.foreign import add_foreign_authority, sign_authority_request
from kernel.errors import Conflict, Denied, NotFound, Unavailable
from kernel.ref import Ref
from tests import cast, elsewhere
from tests.elsewhere import pem
from tests.happened import happenings
from tests.office import authority_order
from tests.pki import make_csr
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

Status = CertificateAuthority.Status


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


@pytest.fixture
def root(owner: cast.Person) -> CertificateAuthority:
    return create_authority(actor=owner.actor, order=authority_order(owner.organization, "Root", path_length=2))


def add(person: cast.Person, *certificates: x509.Certificate, **wishes: object) -> CertificateAuthority:
    order = ForeignAuthorityOrder(
        organization=Ref("pk", person.organization.pk), certificates=pem(*certificates), **wishes
    )
    return add_foreign_authority(actor=person.actor, order=order)


def csr(subject: str = "CN=Partner CA,O=Partner", **how: object) -> CsrFacts:
    return read_csr(make_csr(generate(KeyAlgorithm.ECDSA_P256), subject, **how))


def sign(
    person: cast.Person, parent: CertificateAuthority, request: CsrFacts | None = None, **wishes: object
) -> CertificateAuthority:
    values = {"name": "Partner", "csr": request or csr(), "validity": timedelta(days=365)} | wishes
    return sign_authority_request(
        actor=person.actor, order=AuthorityRequestOrder(parent=Ref("pk", parent.pk), **values)
    )


def certificate(ca: CertificateAuthority) -> x509.Certificate:
    return CaCertificate.objects.get(ca=ca).certificate


# --- known by a certificate -------------------------------------------------------------------------------------------


def test_a_stranger_adds_nothing_here_and_sees_nothing_of_it(owner):
    old, stranger = elsewhere.root(), cast.stranger()
    order = ForeignAuthorityOrder(organization=Ref("pk", owner.organization.pk), certificates=pem(old.certificate))
    with refused(NotFound, "organization-not-found"):
        add_foreign_authority(actor=stranger.actor, order=order)
    add(owner, old.certificate)
    assert not authorities(visible_to=stranger.actor).filter(key__isnull=True).exists()


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_say_whom_to_trust(owner, root, role):
    member = cast.member(owner.organization, role)
    with refused(Denied):
        add(member, elsewhere.root().certificate)
    with refused(Denied):
        sign(member, root)


def test_a_root_is_added_under_its_own_name(owner):
    with happenings() as names:
        ca = add(owner, elsewhere.root().certificate)
    assert names == ["ca.added"]
    assert (ca.name, ca.has_key, ca.status, ca.allow_leaf_certificates) == ("Old Root", False, Status.ACTIVE, False)
    assert [ca] == list(authorities(visible_to=owner.actor).filter(key__isnull=True))


def test_an_intermediate_brings_those_above_it(owner):
    old = elsewhere.root().below()
    ca = add(owner, *old.chain, name="Partner")
    assert [each.name for each in chain_of(ca).authorities] == ["Partner", "Old Root"]


def test_two_roots_of_one_name_are_two_cas(owner):
    first, second = add(owner, elsewhere.root().certificate), add(owner, elsewhere.root().certificate)
    assert second.name == f"Old Root ({second.key_hash[:12]})"
    assert first.subject == second.subject


def test_what_is_known_is_not_added_again(owner, root):
    old = elsewhere.root().certificate
    add(owner, old)
    with refused(Conflict, "ca-known"):
        add(owner, old)
    with refused(Conflict, "ca-known"):
        add(owner, certificate(root))


def test_a_leaf_a_loose_end_and_an_expired_ca_are_not_added(owner):
    old = elsewhere.root()
    leaf = old.sign(parse_name("CN=www"), generate(KeyAlgorithm.ECDSA_P256).public_key(), is_ca=False)
    with invalid(("certificates", "not-an-authority"), ("certificates", "not-an-authority")):
        add(owner, leaf, old.certificate)
    with invalid(("certificates", "incomplete-chain")):
        add(owner, old.below().certificate)
    with invalid(("certificates", "issuer-expired")):
        add(owner, elsewhere.root(days=-1).certificate)
    assert not CertificateAuthority.objects.exists()


def test_nobody_makes_a_key_unusable_for_others_by_showing_a_ca_with_it(owner):
    """A certificate is no proof of having its key: another organization goes on with it."""
    victim, stranger = csr(), cast.stranger()
    old = elsewhere.root()
    trap = add(stranger, old.sign(parse_name("CN=Trap"), victim.public_key), old.certificate)
    assert forbidden_keys([trap.key_hash], organization_id=stranger.organization.pk)
    assert not forbidden_keys([trap.key_hash], organization_id=owner.organization.pk)


# --- certified by us --------------------------------------------------------------------------------------------------


def test_a_stranger_has_nothing_certified_here(owner, root):
    with refused(NotFound, "ca-not-found"):
        sign(cast.stranger(), root)


def test_a_partner_gets_a_ca_certificate_and_stands_in_our_books(owner, root):
    request = csr()
    with happenings() as names:
        ca = sign(owner, root, request, path_length=0, permitted_names=(constraint_name("partner.test"),))
    assert names == ["ca.request_certified"]
    made = certificate(ca)
    made.verify_directly_issued_by(certificate(root))
    assert made.public_key() == request.public_key
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert made.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees is not None
    assert (ca.parent, ca.has_key, ca.path_length, ca.subject) == (root, False, 0, "CN=Partner CA,O=Partner")
    reserved = IssuedSerial.objects.get(ca=root, serial=f"{made.serial_number:x}")
    assert (reserved.kind, reserved.is_intent) == ("ca", False)


def test_what_the_csr_asks_for_is_a_wish(owner, root):
    greedy = csr(
        sans=("evil.example",),
        extensions=(x509.BasicConstraints(True, 9), x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.OCSP_SIGNING])),
    )
    made = certificate(sign(owner, root, greedy))
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 1
    for kind in (x509.SubjectAlternativeName, x509.ExtendedKeyUsage):
        with pytest.raises(x509.ExtensionNotFound):
            made.extensions.get_extension_for_class(kind)


def test_the_order_may_give_another_name(owner, root):
    assert sign(owner, root, subject=parse_name("CN=Renamed")).subject == "CN=Renamed"


def test_the_limits_of_the_chain_hold(owner, root):
    with invalid(("path_length", "beyond-issuer")):
        sign(owner, root, path_length=2)
    with invalid(("validity", "beyond-issuer")):
        sign(owner, root, validity=timedelta(days=9999))
    with invalid(("subject", "blank")):
        sign(owner, root, read_csr(make_csr(subject="")))
    with invalid(("name", "required")):
        sign(owner, root, name="")
    assert not authorities(visible_to=owner.actor).filter(key__isnull=True).exists()


def test_a_ca_s_key_and_a_blocked_key_are_refused(owner, root):
    ours = csr()
    sign(owner, root, ours)
    with invalid(("public_key", "forbidden-key")):
        sign(owner, root, ours, name="Again", subject=parse_name("CN=Again"))
    lost = csr()
    BlockedKey.objects.create(key_hash=_hash(lost), organization=owner.organization, reason="lost")
    with invalid(("public_key", "forbidden-key")):
        sign(owner, root, lost, name="Lost")


def test_who_cannot_sign_certifies_nobody(owner, root):
    outside = add(owner, elsewhere.root().certificate)
    with refused(Unavailable, "ca-without-key"):
        sign(owner, outside)
    disable_ca(actor=owner.actor, ca=root)
    with refused(Unavailable, "ca-not-active"):
        sign(owner, root)
    assert IssuedSerial.objects.filter(ca=outside).count() == 0


def test_a_name_is_given_once(owner, root):
    sign(owner, root)
    with refused(Conflict, "ca-exists"):
        sign(owner, root)


def _hash(request: CsrFacts) -> str:
    return public_key_sha256(request.public_key)


def test_der_is_read_too(owner):
    der = elsewhere.root().certificate.public_bytes(Encoding.DER)
    order = ForeignAuthorityOrder(organization=Ref("pk", owner.organization.pk), certificates=der)
    assert add_foreign_authority(actor=owner.actor, order=order).name == "Old Root"
