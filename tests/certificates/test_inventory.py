"""Certificates of others, from a file: each is told for itself, and stands in the lists like our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, pkcs7, pkcs12
from cryptography.hazmat.primitives.serialization import PrivateFormat as Form

from accounts.roles import OrganizationRole
from cas.core.formats import to_der, to_pem
from cas.core.names import parse_name
from certificates.import_orders import InventoryOrder
from certificates.import_selectors import chain_above
from certificates.models import Certificate, SubscriberKey
from certificates.services.inventory import Fate, import_file
from kernel.errors import Denied, Invalid, NotFound
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, elsewhere, pki
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSWORD = b"changeit"


@pytest.fixture
def old():
    return elsewhere.root().below()


def leaf(old, name: str = "shop.old.test", number: int = 0) -> x509.Certificate:
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    key = pki.a_key(number=number).public_key()
    return old.sign(parse_name(f"CN={name},O=Old"), key, is_ca=False, extra=[(names, False)])


def order(office, content: bytes, **more: object) -> InventoryOrder:
    return InventoryOrder(organization=Ref("pk", office.organization.pk), file=Secret(content), **more)


def fates(office, content: bytes, **more: object) -> list[Fate]:
    return [each.fate for each in import_file(actor=office.owner, order=order(office, content, **more))]


def test_a_stranger_and_an_auditor_import_nothing(office, old):
    wanted = order(office, to_der(leaf(old)))
    with refused(NotFound):
        import_file(actor=cast.stranger().actor, order=wanted)
    with refused(Denied):
        import_file(actor=cast.member(office.organization, OrganizationRole.AUDITOR).actor, order=wanted)
    assert not Certificate.objects.exists()


def test_every_shape_of_file_brings_the_certificate_and_its_chain(office, old):
    for number, pack in enumerate(
        (
            lambda each: to_pem(*old.chain, each).encode(),
            lambda each: pkcs7.serialize_certificates([each, *old.chain], Encoding.DER),
            lambda each: pkcs7.serialize_certificates([each, *old.chain], Encoding.PEM),
        )
    ):
        each = leaf(old, f"n{number}.old.test")
        found = fates(office, pack(each))
        assert sorted(found) == [Fate.AUTHORITY] * len(old.chain) + [Fate.IMPORTED]
        row = Certificate.objects.get(common_name=f"n{number}.old.test")
        assert (row.source, row.owner) == ("imported", office.person.user)
        assert chain_above(row) == old.chain
    assert fates(office, to_der(leaf(old, "alone.old.test"))) == [Fate.IMPORTED]


def test_each_is_told_for_itself(office, old):
    first, second = leaf(old), leaf(old, "two.old.test")
    assert fates(office, to_der(first)) == [Fate.IMPORTED]
    arrived = import_file(actor=office.owner, order=order(office, to_pem(first, second).encode()))
    assert [each.fate for each in arrived] == [Fate.KNOWN, Fate.IMPORTED]
    assert arrived[0].certificate == Certificate.objects.get(common_name="shop.old.test")
    assert arrived[0].reasons


def test_one_member_answers_for_all_of_them(office, old):
    teammate = cast.member(office.organization, OrganizationRole.OPERATOR)
    fates(office, to_pem(leaf(old), leaf(old, "two.old.test")).encode(), owner=teammate.user.email, tags=("old",))
    rows = Certificate.objects.filter(source="imported")
    assert {(row.owner, tuple(row.tags)) for row in rows} == {(teammate.user, ("old",))}
    assert len(rows) == 2
    with invalid(("owner", "unknown-user")):
        fates(office, to_der(leaf(old, "three.old.test")), owner="nobody@example.com")


def pkcs12_of(old) -> bytes:
    encryption = BestAvailableEncryption(PASSWORD)
    return pkcs12.serialize_key_and_certificates(b"x", pki.a_key(), leaf(old), list(old.chain), encryption)


def test_a_key_is_forgotten_unless_somebody_wants_it_kept(office, old):
    assert Fate.IMPORTED in fates(office, pkcs12_of(old), password=Secret(PASSWORD))
    assert not SubscriberKey.objects.exists()
    assert Certificate.objects.get().key_custody == "subscriber"


def test_a_key_that_is_kept_is_kept_sealed(office, old):
    wanted = order(office, pkcs12_of(old), password=Secret(PASSWORD), keeps_key=True)
    arrived = import_file(actor=office.owner, order=wanted)
    assert [each.with_key for each in arrived if each.fate is Fate.IMPORTED] == [True]
    row = SubscriberKey.objects.get()
    plain = pki.a_key().private_bytes(Encoding.DER, Form.PKCS8, NoEncryption())
    assert plain not in bytes(row.sealed)


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_what_is_no_file_of_certificates_is_refused_as_a_whole(office, content):
    with pytest.raises(Invalid) as refusal:
        fates(office, content)
    assert {each.field for each in refusal.value.errors} == {"file"}


def test_a_wrong_password_is_told(office, old):
    wanted = order(office, pkcs12_of(old), password=Secret(b"wrong"))
    with invalid(("password", "wrong-password")):
        import_file(actor=office.owner, order=wanted)
    with invalid(("password", "required")):
        import_file(actor=office.owner, order=replace(wanted, password=None))
