"""A CA that an offline root certifies: its CSR goes out, its certificate comes back, and nothing else is let in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from accounts.roles import OrganizationRole
from audit.services.correspondence import find_mismatches
from cas.chains import chain_of
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm, generate
from cas.core.names import parse_name
from cas.models import CaCertificate, CaKey, CertificateAuthority
from cas.orders import PendingAuthorityOrder
from cas.selectors import authorities
from cas.services import outside
from cas.services.authorities import create_authority
from cas.services.pending import (
    add_authority_certificate,
    cancel_authority,
    complete_authority,
    create_pending_authority,
    sign_authority_csr,
)
from kernel.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, elsewhere
from tests.elsewhere import pem
from tests.happened import happenings
from tests.office import authority_order
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
Status = CertificateAuthority.Status


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


@pytest.fixture
def root() -> elsewhere.Elsewhere:
    return elsewhere.root()


def order(person: cast.Person, name: str = "Issuing", **wishes: object) -> PendingAuthorityOrder:
    values = {"subject": parse_name(f"CN={name},O=ACME")} | wishes
    return PendingAuthorityOrder(organization=Ref("pk", person.organization.pk), name=name, **values)


def pending(person: cast.Person, name: str = "Issuing", **wishes: object) -> CertificateAuthority:
    return create_pending_authority(actor=person.actor, order=order(person, name, **wishes))


def request(person: cast.Person, ca: CertificateAuthority) -> x509.CertificateSigningRequest:
    return sign_authority_csr(actor=person.actor, ca=ca)


def complete(person: cast.Person, ca: CertificateAuthority, data: bytes) -> CertificateAuthority:
    return complete_authority(actor=person.actor, ca=ca, certificates=data)


# --- strangers and those who may not ----------------------------------------------------------------------------------


def test_a_stranger_founds_nothing_here_and_completes_nothing(owner, root):
    stranger, ca = cast.stranger(), pending(owner)
    with refused(NotFound, "organization-not-found"):
        create_pending_authority(actor=stranger.actor, order=order(owner, "Trojan"))
    certificate = root.certify(request(owner, ca))
    with refused(Denied):
        complete(stranger, ca, pem(certificate, root.certificate))
    with refused(Denied):
        sign_authority_csr(actor=stranger.actor, ca=ca)
    ca.refresh_from_db()
    assert ca.status == Status.PENDING


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_found_and_complete(owner, root, role):
    ca, member = pending(owner), cast.member(owner.organization, role)
    with refused(Denied):
        pending(member, "Other")
    with refused(Denied):
        complete(member, ca, pem(root.certify(request(owner, ca)), root.certificate))


# --- the CSR ----------------------------------------------------------------------------------------------------------


def test_a_pending_ca_has_a_key_and_no_certificate_and_signs_nothing(owner):
    ca = pending(owner)
    assert (ca.status, ca.has_key, ca.is_root) == (Status.PENDING, True, False)
    assert not ca.certificates.exists()
    with refused(Unavailable):
        create_authority(
            actor=owner.actor,
            order=authority_order(owner.organization, "Below", parent=Ref("pk", ca.pk)),
        )


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P384, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_44])
def test_its_csr_asks_for_a_ca_as_often_as_somebody_wants_it(owner, algorithm):
    ca = pending(owner, key_algorithm=algorithm)
    with happenings() as names:
        first, again = request(owner, ca), request(owner, ca)
    assert names == ["ca.csr_signed", "ca.csr_signed"]
    for each in (first, again):
        facts = read_csr(each.public_bytes(Encoding.PEM))
        assert facts.subject == parse_name("CN=Issuing,O=ACME")
        assert facts.requested_key_usage == ("key_cert_sign", "crl_sign")
        assert each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert first.public_key() == again.public_key()


def test_a_locked_one_asks_with_its_passphrase(owner):
    ca = pending(owner, passphrase=PASSPHRASE)
    with refused(Unavailable, "ca-locked"):
        request(owner, ca)
    with refused(Denied, "wrong-passphrase"):
        sign_authority_csr(actor=owner.actor, ca=ca, passphrase=Secret("another sentence"))
    assert sign_authority_csr(actor=owner.actor, ca=ca, passphrase=PASSPHRASE).is_signature_valid


@pytest.mark.parametrize("text", ["CN=A\\+B \\, C+OU=x,O=Ünïcode", "CN= spaced ", "emailAddress=a@b.test,CN=x"])
def test_any_name_comes_back_as_it_was_asked_for(owner, root, text):
    ca = pending(owner, subject=parse_name(text))
    made = request(owner, ca)
    assert made.subject == parse_name(text)
    assert complete(owner, ca, pem(root.certify(made), root.certificate)).status == Status.ACTIVE


def test_every_violation_is_told_before_a_key_is_made(owner, monkeypatch):
    monkeypatch.setattr("cas.keystore.generate_key", lambda *_args: pytest.fail("a key was made"))
    with invalid(("name", "required"), ("subject", "blank"), ("passphrase", "too-short")):
        nothing = replace(order(owner), name=" ", subject=x509.Name([]), passphrase=Secret("short"))
        create_pending_authority(actor=owner.actor, order=nothing)


# --- its certificate --------------------------------------------------------------------------------------------------


def test_a_completed_ca_issues_under_a_root_from_outside(owner, root):
    ca = pending(owner)
    certificate = root.certify(request(owner, ca), path_length=0)
    with happenings() as names:
        done = complete(owner, ca, pem(certificate, root.certificate))
    assert names == ["ca.completed"]
    assert (done.status, done.path_length) == (Status.ACTIVE, 0)
    (above,) = authorities(visible_to=owner.actor).filter(key__isnull=True)
    assert (done.parent, above.name, above.has_key) == (above, "Old Root", False)
    assert chain_of(done).certificates[1] == root.certificate
    kinds = set(CaCertificate.objects.values_list("ca__name", "kind"))
    assert kinds == {("Issuing", "external"), ("Old Root", "self-signed")}


def test_the_chain_may_be_long_and_in_any_order(owner, root):
    middle = root.below("CN=Middle,O=Elsewhere")
    ca = pending(owner)
    certificate = middle.certify(request(owner, ca))
    done = complete(owner, ca, pem(root.certificate, middle.certificate, certificate))
    assert [each.name for each in chain_of(done).authorities] == ["Issuing", "Middle", "Old Root"]


def test_a_root_that_is_known_need_not_come_again(owner, root):
    first, second = pending(owner, "First"), pending(owner, "Second")
    complete(owner, first, pem(root.certify(request(owner, first)), root.certificate))
    complete(owner, second, root.certify(request(owner, second)).public_bytes(Encoding.DER))
    assert CertificateAuthority.objects.filter(name="Old Root").count() == 1


def test_those_above_are_told_of_with_it(owner, root):
    """Rows and events correspond, for whoever looks from either side."""
    ca = pending(owner)
    complete(owner, ca, pem(root.certify(request(owner, ca)), root.certificate))
    assert list(find_mismatches(None)) == []


def test_a_root_that_somebody_else_brings_at_the_same_time_is_one_ca(owner, root, monkeypatch):
    first, second = pending(owner, "First"), pending(owner, "Second")
    asked = [root.certify(request(owner, ca)) for ca in (first, second)]
    complete(owner, first, pem(asked[0], root.certificate))
    find, answers = outside.find_authority, iter([None, None])
    monkeypatch.setattr(outside, "find_authority", lambda *about: next(answers, ...) and find(*about))
    done = complete(owner, second, pem(asked[1], root.certificate))
    assert done.parent == CertificateAuthority.objects.get(name="Old Root")
    assert list(find_mismatches(None)) == []


def test_pkcs7_is_read_too(owner, root):
    ca = pending(owner)
    both = [root.certify(request(owner, ca)), root.certificate]
    assert complete(owner, ca, pkcs7.serialize_certificates(both, Encoding.DER)).status == Status.ACTIVE


def test_a_root_that_another_organization_knows_is_not_known_here(owner, root):
    stranger = cast.stranger()
    theirs, ours = pending(stranger), pending(owner)
    complete(stranger, theirs, pem(root.certify(request(stranger, theirs)), root.certificate))
    certificate = root.certify(request(owner, ours))
    with invalid(("certificates", "incomplete-chain")):
        complete(owner, ours, pem(certificate))
    complete(owner, ours, pem(certificate, root.certificate))
    assert CertificateAuthority.objects.filter(name="Old Root").count() == 2


@pytest.mark.parametrize(
    ("how", "code"),
    [
        pytest.param({"days": -1, "since": 30}, "expired", id="expired"),
        pytest.param({"since": -1}, "not-yet-valid", id="not valid yet"),
        pytest.param({"crl_sign": False}, "no-crl-sign", id="without cRLSign"),
        pytest.param(
            {"extra": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]},
            "unknown-critical-extension",
            id="with something critical that nobody knows",
        ),
    ],
)
def test_a_certificate_that_would_not_work_is_refused(owner, root, how, code):
    ca = pending(owner)
    with pytest.raises(Invalid) as refusal:
        complete(owner, ca, pem(root.certify(request(owner, ca), **how), root.certificate))
    assert code in {each.code for each in refusal.value.errors}
    assert {each.field for each in refusal.value.errors} == {"certificates"}
    ca.refresh_from_db()
    assert ca.status == Status.PENDING
    assert not authorities(visible_to=owner.actor).filter(key__isnull=True).exists()


def test_no_ca_at_all_is_refused(owner, root):
    ca = pending(owner)
    with pytest.raises(Invalid) as refusal:
        complete(owner, ca, pem(root.certify(request(owner, ca), is_ca=False), root.certificate))
    assert {each.code for each in refusal.value.errors} == {"not-an-authority", "no-crl-sign"}


def test_a_chain_that_leaves_no_room_is_refused(owner):
    root = elsewhere.root(path_length=0)
    middle = root.below("CN=Middle,O=Elsewhere")
    ca = pending(owner)
    with invalid(("certificates", "path-too-long")):
        complete(owner, ca, pem(middle.certify(request(owner, ca)), *middle.chain))


def test_a_name_outside_the_constraints_above_is_refused(owner):
    only_elsewhere = x509.NameConstraints([x509.DirectoryName(parse_name("O=Elsewhere"))], None)
    root = elsewhere.root(extra=[(only_elsewhere, True)])
    ca = pending(owner)
    with invalid(("certificates", "name-constraint")):
        complete(owner, ca, pem(root.certify(request(owner, ca)), root.certificate))


def test_another_key_another_name_and_a_broken_signature_are_refused(owner, root):
    ca = pending(owner)
    made = request(owner, ca)
    stray = root.sign(made.subject, generate(KeyAlgorithm.ECDSA_P256).public_key())
    renamed = root.sign(parse_name("CN=Somebody else"), made.public_key())
    imposter = elsewhere.root()
    with invalid(("certificates", "other-key")):
        complete(owner, ca, pem(stray, root.certificate))
    with invalid(("certificates", "other-subject")):
        complete(owner, ca, pem(renamed, root.certificate))
    with invalid(("certificates", "incomplete-chain")):
        complete(owner, ca, pem(root.certify(made), imposter.certificate))


@pytest.mark.parametrize("data", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_refused(owner, data):
    with invalid(("certificates", "unreadable-certificate")):
        complete(owner, pending(owner), data)


def test_a_ca_is_completed_once_and_takes_more_certificates_after(owner, root):
    ca = pending(owner)
    first = root.certify(request(owner, ca))
    with refused(Conflict, "wrong-status"):
        add_authority_certificate(actor=owner.actor, ca=ca, certificates=pem(first, root.certificate))
    complete(owner, ca, pem(first, root.certificate))
    with refused(Conflict, "wrong-status"):
        complete(owner, ca, pem(root.certify(request(owner, ca))))
    with refused(Conflict, "certificate-known"):
        add_authority_certificate(actor=owner.actor, ca=ca, certificates=pem(first))


def test_renewed_outside_it_goes_on_under_the_new_certificate(owner, root):
    ca = pending(owner)
    complete(owner, ca, pem(root.certify(request(owner, ca), days=100), root.certificate))
    ca.refresh_from_db()
    renewed = root.certify(request(owner, ca), days=900)
    with happenings() as names:
        row = add_authority_certificate(actor=owner.actor, ca=ca, certificates=pem(renewed))
    assert names == ["ca_certificate.added"]
    assert CaCertificate.objects.get(ca=ca, preferred=True) == row
    assert row.certificate == renewed
    assert CaCertificate.objects.filter(ca=ca).count() == 2


def test_another_key_identifier_would_break_what_was_issued(owner, root):
    ca = pending(owner)
    complete(owner, ca, pem(root.certify(request(owner, ca)), root.certificate))
    with invalid(("certificates", "other-key-identifier")):
        add_authority_certificate(
            actor=owner.actor, ca=ca, certificates=pem(root.certify(request(owner, ca), identifier=b"other"))
        )


def test_its_second_csr_asks_for_the_identifier_it_has(owner, root):
    ca = pending(owner)
    certificate = root.certify(request(owner, ca))
    complete(owner, ca, pem(certificate, root.certificate))
    ca.refresh_from_db()
    wished = request(owner, ca).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert wished == certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value


# --- given up ---------------------------------------------------------------------------------------------------------


def test_a_ca_that_nobody_waits_for_loses_its_key_and_frees_its_name(owner, root):
    ca = pending(owner, passphrase=PASSPHRASE)
    asked = sign_authority_csr(actor=owner.actor, ca=ca, passphrase=PASSPHRASE)
    with happenings() as names:
        cancelled = cancel_authority(actor=owner.actor, ca=ca)
    assert names == ["ca.cancelled"]
    assert (cancelled.status, cancelled.has_key, cancelled.name) == ("cancelled", False, f"Issuing (cancelled {ca.pk})")
    assert not CaKey.objects.exists()
    with refused(Conflict, "ca-without-key"):
        complete(owner, cancelled, pem(root.certify(asked), root.certificate))
    with refused(Conflict, "wrong-status"):
        cancel_authority(actor=owner.actor, ca=cancelled)
    assert pending(owner).name == "Issuing"


def test_only_who_may_found_cas_gives_one_up_and_only_while_it_waits(owner, root):
    ca = pending(owner)
    for other in (cast.stranger(), cast.member(owner.organization, OrganizationRole.OPERATOR)):
        with refused(Denied):
            cancel_authority(actor=other.actor, ca=ca)
    done = complete(owner, ca, pem(root.certify(request(owner, ca)), root.certificate))
    with refused(Conflict, "wrong-status"):
        cancel_authority(actor=owner.actor, ca=done)


def test_what_kind_of_ca_it_is_is_never_guessed(owner, root):
    ca = pending(owner)
    assert (ca.kind, ca.is_root) == ("pending", False)
    done = complete(owner, ca, pem(root.certify(request(owner, ca)), root.certificate))
    assert (done.kind, done.parent.kind) == ("intermediate", "foreign")
    own_root = create_authority(actor=owner.actor, order=authority_order(owner.organization, "Root"))
    assert own_root.kind == "root"
    cancelled = cancel_authority(actor=owner.actor, ca=pending(owner, "Other"))
    assert (cancelled.kind, cancelled.is_root) == ("pending", False)
