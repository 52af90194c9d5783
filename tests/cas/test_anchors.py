"""Trust anchors: what may be one, and whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from accounts.models import Organization
from cas import selectors
from cas.core.names import parse_name
from cas.models import TrustAnchor
from cas.orders import TrustAnchorOrder
from cas.services.anchors import add_trust_anchors, retire_trust_anchor
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, NotFound
from kernel.permissions import Grant, Permission
from kernel.ref import Ref
from tests import cast, elsewhere
from tests.elsewhere import pem
from tests.happened import happenings
from tests.pki import a_key
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return cast.owner(cast.organization())


def add(person, certificates: bytes, *, actor: Actor | None = None, of: Organization | None = None, name: str = ""):
    where = Ref("pk", (of or person.organization).pk)
    order = TrustAnchorOrder(organization=where, certificates=certificates, name=name)
    return add_trust_anchors(actor=actor or person.actor, order=order)


def trusted(actor: Actor) -> list[str]:
    return [anchor.name for anchor in selectors.trust_anchors(visible_to=actor)]


def test_an_anchor_of_one_organization_is_nobody_elses(person):
    (anchor,) = add(person, pem(elsewhere.root().certificate))
    stranger = cast.stranger()
    assert trusted(stranger.actor) == []
    with refused(NotFound, "trust-anchor-not-found"):
        selectors.get_trust_anchor(Ref("pk", anchor.pk), visible_to=stranger.actor)
    with refused(Denied):
        retire_trust_anchor(actor=stranger.actor, anchor=anchor)
    with refused(NotFound, "organization-not-found"):
        add(person, pem(elsewhere.root().certificate), actor=stranger.actor)
    assert trusted(person.actor) == [anchor.name]


def test_only_who_may_change_cas_changes_whom_they_trust(person):
    (anchor,) = add(person, pem(elsewhere.root().certificate))
    operator = cast.member(person.organization, "operator").actor
    with refused(Denied):
        add(person, pem(elsewhere.root().certificate), actor=operator)
    with refused(Denied):
        retire_trust_anchor(actor=operator, anchor=anchor)
    assert trusted(operator) == [anchor.name]


def test_who_is_let_to_single_cas_changes_and_sees_none(person):
    (anchor,) = add(person, pem(elsewhere.root().certificate))
    narrowed = replace(person.actor, grants=(Grant(1, frozenset(Permission)),))
    assert trusted(narrowed) == []
    with refused(Denied):
        retire_trust_anchor(actor=narrowed, anchor=anchor)


def test_several_are_added_at_once_each_with_its_event(person):
    roots = [elsewhere.root(f"CN=Root {number},O=Elsewhere").certificate for number in range(3)]
    with happenings() as names:
        rows = add(person, pem(*roots, roots[0]))
    assert names == ["trust_anchor.added"] * 3
    assert [row.name for row in rows] == ["Root 0", "Root 1", "Root 2"]
    assert [row.certificate for row in rows] == roots
    assert len({row.event for row in rows}) == 3


FORMS = {
    "PEM": pem,
    "DER": lambda certificate: certificate.public_bytes(Encoding.DER),
    "PKCS#7": lambda certificate: pkcs7.serialize_certificates([certificate], Encoding.DER),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_anchor_shows_what_its_certificate_says(person, form):
    certificate = elsewhere.root("CN=Partner Root,O=Partner").certificate
    (row,) = add(person, form(certificate), name="Partner")
    assert (row.name, row.subject, row.issuer_name) == ("Partner", "CN=Partner Root,O=Partner", row.subject)
    assert (row.serial, row.not_after) == (f"{certificate.serial_number:x}", certificate.not_valid_after_utc)
    row.refresh_from_db()
    assert row.certificate == certificate


def test_an_intermediate_may_be_one(person):
    (row,) = add(person, pem(elsewhere.root().below().certificate))
    assert row.issuer_name != row.subject


def leaf(root):
    return root.sign(parse_name("CN=www"), a_key().public_key(), is_ca=False)


def expired(root):
    return root.sign(parse_name("CN=Old"), a_key().public_key(), since=20, days=-1)


def may_sign_nothing(root):
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder().subject_name(parse_name("CN=Idle")).issuer_name(root.certificate.subject)
    builder = builder.public_key(a_key().public_key()).serial_number(7)
    builder = builder.not_valid_before(root.certificate.not_valid_before_utc)
    builder = builder.not_valid_after(root.certificate.not_valid_after_utc)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).sign(root.key, elsewhere.hash_for(root.key.public_key()))


def small_key(root):
    return root.sign(parse_name("CN=Small"), rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505


def false_root(root):
    """Its subject is its issuer's, and its key is another."""
    return root.sign(root.certificate.subject, a_key().public_key())


UNFIT = {
    "a leaf": (leaf, "not-an-authority"),
    "a CA that may not sign certificates": (may_sign_nothing, "not-an-authority"),
    "an expired one": (expired, "expired"),
    "a key that is too small": (small_key, "unsupported-key"),
    "a root that another key signed": (false_root, "bad-signature"),
}


@pytest.mark.parametrize(("make", "code"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_one_is_named_and_nothing_is_added(person, make, code):
    root = elsewhere.root()
    with invalid(("certificates[1]", code)):
        add(person, pem(root.certificate, make(root)))
    assert trusted(person.actor) == []


@pytest.mark.parametrize(
    ("certificates", "code"),
    [(b"", "unreadable-certificate"), (b"-----BEGIN X-----", "unreadable-certificate"), (b"x" * 300_000, "too-long")],
)
def test_what_is_no_certificate_is_refused(person, certificates, code):
    with invalid(("certificates", code)):
        add(person, certificates)


def test_too_many_at_once_are_refused(person):
    with invalid(("certificates", "too-long")):
        add(person, pem(elsewhere.root().certificate) * 33)


def test_a_name_is_for_one(person):
    roots = pem(elsewhere.root().certificate, elsewhere.root("CN=Other").certificate)
    with invalid(("name", "several-certificates")):
        add(person, roots, name="Both")
    with invalid(("name", "too-long")):
        add(person, pem(elsewhere.root().certificate), name="x" * 121)


def test_what_is_trusted_is_added_once_and_after_it_was_retired_again(person):
    root = pem(elsewhere.root().certificate)
    (first,) = add(person, root)
    with refused(Conflict, "trust-anchor-known"):
        add(person, root)
    retire_trust_anchor(actor=person.actor, anchor=first)
    assert trusted(person.actor) == []
    with refused(Conflict, "already-retired"):
        retire_trust_anchor(actor=person.actor, anchor=first)
    (second,) = add(person, root)
    assert TrustAnchor.objects.count() == 2
    assert second.pk != first.pk


def test_the_database_has_the_last_word(person, monkeypatch):
    """Two that ask at the same moment both find that it is not there yet."""
    root = pem(elsewhere.root().certificate)
    add(person, root)
    monkeypatch.setattr(selectors, "trusted_fingerprints", lambda *_: frozenset())
    with refused(Conflict, "trust-anchor-known"):
        add(person, root)


def test_two_organizations_may_trust_the_same(person):
    root = pem(elsewhere.root().certificate)
    stranger = cast.stranger()
    add(person, root)
    add(stranger, root)
    assert len(trusted(person.actor)) == len(trusted(stranger.actor)) == 1
