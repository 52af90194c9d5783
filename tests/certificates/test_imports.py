"""Certificates that were issued elsewhere come into the register."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from audit.models import AuditEvent
from audit.services import verify
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm, generate, serialize_private_key
from cas.core.names import parse_name
from cas.models import IssuedSerial
from cas.orders import AuthorityImportOrder, ForeignAuthorityOrder, KnownSerial
from cas.services.foreign import add_foreign_authority
from certificates.import_orders import ImportOrder
from certificates.models import Certificate, CertificateName, Revocation
from certificates.orders import RevokeOrder
from certificates.selectors import newest_crl
from certificates.services.authorities import import_authority, publish_everything
from certificates.services.imports import import_certificate
from certificates.services.keys import export_private_key
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, elsewhere
from tests.office import open_office

pytestmark = pytest.mark.django_db

SANS = x509.SubjectAlternativeName([x509.DNSName("shop.old.test"), x509.DNSName("*.old.test")])


@pytest.fixture
def office():
    return open_office()


@pytest.fixture
def old():
    return elsewhere.root().below()


@pytest.fixture
def key():
    return generate(KeyAlgorithm.ECDSA_P256)


def leaf(old, key, **how: object) -> x509.Certificate:
    values = {"is_ca": False, "extra": [(SANS, False)]} | how
    return old.sign(parse_name("CN=shop.old.test,O=Old"), key.public_key(), **values)


def order(office, certificate: x509.Certificate, **more: object) -> ImportOrder:
    plain = ImportOrder(organization=Ref("pk", office.organization.pk), certificate=to_pem(certificate).encode())
    return replace(plain, **more)


def pem_of(key) -> Secret:
    return serialize_private_key(key)


def refused(office, given: ImportOrder) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        import_certificate(actor=office.owner, order=given)
    assert not Certificate.objects.filter(source="imported").exists()
    return {error.field: error.code for error in refusal.value.errors}


def moved_in(office, ca, *serials: KnownSerial, **more: object):
    """A CA with its key."""
    given = AuthorityImportOrder(
        organization=Ref("pk", office.organization.pk),
        name="Old Issuing",
        key_file=pem_of(ca.key),
        certificates=to_pem(*ca.chain).encode(),
        issued=serials,
        **more,
    )
    return import_authority(actor=office.owner, order=given)


def test_a_stranger_imports_nothing_here(office, old, key):
    stranger = cast.stranger()
    with pytest.raises(NotFound):
        import_certificate(actor=stranger.actor, order=order(office, leaf(old, key)))
    own = order(office, leaf(old, key), organization=Ref("pk", stranger.organization.pk))
    with pytest.raises(NotFound):
        import_certificate(actor=stranger.actor, order=replace(own, ca=Ref("pk", office.issuing.pk)))
    operator, auditor = (cast.member(office.organization, each) for each in ("operator", "auditor"))
    with pytest.raises(Denied):
        import_certificate(actor=auditor.actor, order=order(office, leaf(old, key)))
    # A CA's books are its own: what comes under it takes one of its serial numbers.
    under_ca = replace(order(office, leaf(old, key)), ca=Ref("pk", office.issuing.pk))
    with pytest.raises(Denied):
        import_certificate(actor=operator.actor, order=under_ca)
    assert not Certificate.objects.exists()


def test_a_certificate_comes_in_with_its_names_and_is_told_of(office, old, key):
    certificate = leaf(old, key)
    row = import_certificate(actor=office.owner, order=order(office, certificate, tags=("old",), description="Shop"))
    assert (row.source, row.ca, row.key_custody, row.state) == ("imported", None, "subscriber", "issued")
    assert (row.common_name, row.sans, row.tags) == ("shop.old.test", ["shop.old.test", "*.old.test"], ["old"])
    assert row.issuer_name == "CN=Old Issuing,O=Elsewhere"
    assert row.body.x509 == certificate
    assert set(CertificateName.objects.filter(certificate=row).values_list("value", flat=True)) == {
        "shop.old.test",
        "*.old.test",
    }
    event = AuditEvent.objects.get(event_id=row.event)
    assert (event.name, event.document["metadata"]["with_key"]) == ("certificate.imported", False)
    assert not verify().findings


def test_its_own_key_comes_with_it_and_is_kept_sealed(office, old, key):
    row = import_certificate(actor=office.owner, order=order(office, leaf(old, key), private_key=pem_of(key)))
    assert row.key_custody == "stored"
    assert key.private_numbers().private_value.to_bytes(32) not in bytes(row.subscriber_key.sealed)
    _row, kept = export_private_key(actor=office.owner, certificate=Ref("pk", row.pk))
    assert kept.reveal() == serialize_private_key(key, encoding="der").reveal()


def test_a_key_under_a_password_needs_it(office, old, key):
    locked = serialize_private_key(key, password=Secret("sesame"))
    given = order(office, leaf(old, key), private_key=locked)
    assert refused(office, given) == {"password": "required"}
    assert refused(office, replace(given, password=Secret("wrong"))) == {"password": "wrong-password"}
    assert import_certificate(actor=office.owner, order=replace(given, password=Secret("sesame")))


def test_what_does_not_belong_together_is_refused_at_once(office, old, key):
    other = generate(KeyAlgorithm.ECDSA_P256)
    stray = elsewhere.root("CN=Stray").certificate
    given = order(
        office,
        leaf(old, key),
        private_key=pem_of(other),
        chain=to_pem(*old.chain, stray).encode(),
        ca=Ref("pk", office.issuing.pk),
        tags=("a b",),
    )
    assert refused(office, given) == {
        "private_key": "key-mismatch",
        "chain": "not-in-chain",
        "ca": "bad-signature",
        "tags[0]": "invalid",
    }


def test_a_ca_of_the_same_name_with_another_key_has_not_signed_it(office, old, key):
    twin = elsewhere.root(str(office.issuing.subject))
    given = order(office, twin.sign(parse_name("CN=x.acme.test"), key.public_key(), is_ca=False))
    assert refused(office, replace(given, ca=Ref("pk", office.issuing.pk))) == {"ca": "bad-signature"}


def test_certificates_of_cas_are_not_taken(office, old):
    assert refused(office, order(office, old.certificate)) == {"certificate": "is-authority"}
    unreadable = replace(order(office, old.certificate), certificate=b"x")
    assert refused(office, unreadable) == {"certificate": "unreadable-certificate"}


def test_the_chain_is_kept_in_its_order(office, old, key):
    chain = to_pem(*reversed(old.chain)).encode()
    row = import_certificate(actor=office.owner, order=order(office, leaf(old, key), chain=chain))
    assert row.imported_chain.certificates == old.chain


def test_the_same_bytes_are_taken_once(office, old, key):
    certificate = leaf(old, key)
    import_certificate(actor=office.owner, order=order(office, certificate))
    with pytest.raises(Conflict) as refusal:
        import_certificate(actor=office.owner, order=order(office, certificate))
    assert refusal.value.error_code == "certificate-known"
    elsewhere_too = open_office("Other")
    assert import_certificate(actor=elsewhere_too.owner, order=order(elsewhere_too, certificate))
    issued = office.issue()
    with pytest.raises(Conflict):
        import_certificate(actor=office.owner, order=order(office, issued.x509, ca=Ref("pk", office.issuing.pk)))


def test_under_a_ca_that_moved_in_it_is_revoked_like_every_other(office, old, key):
    certificate = leaf(old, key)
    ca = moved_in(office, old)
    row = import_certificate(actor=office.owner, order=order(office, certificate, ca=Ref("pk", ca.pk)))
    assert IssuedSerial.objects.get(ca=ca, serial=row.serial).kind == "imported"
    revoke = RevokeOrder(certificate=Ref("pk", row.pk), reason=x509.ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=revoke)
    publish_everything(actor=SYSTEM, ca=ca)
    crl = newest_crl(ca.pk)
    listed = x509.load_der_x509_crl(bytes(crl.body))
    assert listed.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


def test_what_the_ca_listed_as_revoked_comes_in_revoked(office, old, key):
    certificate = leaf(old, key)
    crl = old.crl((certificate.serial_number, x509.ReasonFlags.key_compromise))
    ca = moved_in(office, old, last_crl=crl)
    row = import_certificate(actor=office.owner, order=order(office, certificate, ca=Ref("pk", ca.pk)))
    assert row.state == "revoked"
    assert Revocation.objects.get(ca=ca, serial=row.serial).certificate == row
    publish_everything(actor=SYSTEM, ca=ca)


def test_what_came_without_a_ca_is_put_under_it_later(office, old, key):
    certificate = leaf(old, key)
    first = import_certificate(actor=office.owner, order=order(office, certificate))
    given = ForeignAuthorityOrder(
        organization=Ref("pk", office.organization.pk), certificates=to_pem(*old.chain).encode()
    )
    ca = add_foreign_authority(actor=office.owner, order=given)
    linked = import_certificate(actor=office.owner, order=order(office, certificate, ca=Ref("pk", ca.pk)))
    assert (linked.pk, linked.ca) == (first.pk, ca)
    with pytest.raises(Conflict):
        import_certificate(actor=office.owner, order=order(office, certificate, ca=Ref("pk", ca.pk)))
    assert not verify().findings


def test_a_serial_number_belongs_to_one_certificate(office, old, key):
    first, second = (leaf(old, key, serial=77, days=days) for days in (100, 200))
    ca = moved_in(office, old, KnownSerial(77))
    taken = import_certificate(actor=office.owner, order=order(office, first, ca=Ref("pk", ca.pk)))
    assert taken.serial == "4d"
    with pytest.raises(Conflict) as refusal:
        import_certificate(actor=office.owner, order=order(office, second, ca=Ref("pk", ca.pk)))
    assert refusal.value.error_code == "serial-used"


def test_what_a_ca_of_ours_signed_and_nobody_stored_is_found_again_by_its_bytes(office):
    """As after a failure between the signature and the database, where the key is outside."""
    issued = office.issue()
    IssuedSerial.objects.filter(serial=issued.certificate.serial).update(is_intent=True)
    forget(issued.certificate)
    row = import_certificate(actor=office.owner, order=order(office, issued.x509, ca=Ref("pk", office.issuing.pk)))
    reserved = IssuedSerial.objects.get(ca=office.issuing, serial=row.serial)
    assert (reserved.kind, reserved.is_intent) == ("leaf", False)


def test_other_bytes_under_a_reserved_number_are_not_what_was_signed(office):
    issued = office.issue()
    IssuedSerial.objects.filter(serial=issued.certificate.serial).update(tbs_sha256="0" * 64)
    forget(issued.certificate)
    with pytest.raises(Conflict) as refusal:
        import_certificate(actor=office.owner, order=order(office, issued.x509, ca=Ref("pk", office.issuing.pk)))
    assert refusal.value.error_code == "serial-used"


def forget(row: Certificate) -> None:
    row.names.all().delete()
    row.body.delete()
    row.delete()
