"""New CAs: roots and intermediates, within the limits of those above them, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ExtensionOID

from accounts.models import WrappingKey
from accounts.roles import OrganizationRole
from audit import services as audit
from cas.chains import chain_of
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.models import CaCertificate, CaKey, CertificateAuthority, IssuedSerial
from cas.selectors import authorities, get_ca
from cas.services.authorities import create_authority, disable_ca, retire_ca, update_ca
from kernel.errors import Conflict, Denied, NotFound, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.happened import happenings, last_event
from tests.office import authority_order
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
YEAR = timedelta(days=365)


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


def create(person: cast.Person, name: str = "Root", **wishes: Any) -> CertificateAuthority:
    order = authority_order(person.organization, "Root", subject=parse_name("CN=Root,O=ACME"))
    return create_authority(actor=person.actor, order=replace(order, **({"name": name} | wishes)))


def below(
    person: cast.Person, parent: CertificateAuthority, name: str = "Issuing", **wishes: Any
) -> CertificateAuthority:
    usual = {"parent": Ref("pk", parent.pk), "validity": YEAR, "subject": parse_name(f"CN={name},O=ACME")}
    return create(person, name, **(usual | wishes))


def certificate(ca: CertificateAuthority) -> x509.Certificate:
    return CaCertificate.objects.get(ca=ca).certificate


def extension(ca: CertificateAuthority, oid: x509.ObjectIdentifier) -> Any:
    return certificate(ca).extensions.get_extension_for_oid(oid).value


def nothing_was_made() -> bool:
    return not any(
        model.objects.exists() for model in (CertificateAuthority, CaCertificate, CaKey, IssuedSerial, WrappingKey)
    )


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_sees_no_ca_and_puts_none_under_it(owner):
    root, stranger = create(owner), cast.stranger()
    assert list(authorities(visible_to=stranger.actor)) == []
    with refused(NotFound, "ca-not-found"):
        get_ca(Ref("pk", root.pk), visible_to=stranger.actor)
    with refused(NotFound, "ca-not-found"):
        below(stranger, root)
    assert list(CertificateAuthority.objects.all()) == [root]


def test_a_stranger_founds_no_ca_in_another_organization(owner):
    stranger = cast.stranger()
    order = authority_order(owner.organization, "Trojan")
    with refused(NotFound, "organization-not-found"):
        create_authority(actor=stranger.actor, order=order)


def test_even_a_superuser_does_not_join_two_organizations(owner):
    root, stranger = create(owner), cast.stranger()
    order = authority_order(stranger.organization, "Bridge", parent=Ref("pk", root.pk), validity=YEAR)
    with refused(NotFound, "ca-not-found"):
        create_authority(actor=cast.SUPERUSER, order=order)


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_found_cas(owner, role):
    member = cast.member(owner.organization, role)
    with refused(Denied):
        create(member)
    assert nothing_was_made()


# --- what is made -----------------------------------------------------------------------------------------------------


def test_a_root_signs_itself(owner):
    root = create(owner, description="The first", path_length=2)
    found = certificate(root)
    assert found.issuer == found.subject == parse_name("CN=Root,O=ACME")
    found.verify_directly_issued_by(found)
    assert root.is_root
    assert root.status == CertificateAuthority.Status.ACTIVE
    assert (root.path_length, root.subject, root.key.algorithm) == (2, "CN=Root,O=ACME", "ECDSA_P256")
    assert extension(root, ExtensionOID.BASIC_CONSTRAINTS).path_length == 2
    assert root.slug == f"root-{root.pk}"


def test_an_intermediate_is_signed_by_its_parent(owner):
    root = create(owner)
    issuing = below(owner, root)
    certificate(issuing).verify_directly_issued_by(certificate(root))
    assert [ca.name for ca in chain_of(issuing).authorities] == ["Issuing", "Root"]
    points = extension(issuing, ExtensionOID.CRL_DISTRIBUTION_POINTS)
    assert points[0].full_name[0].value == f"{root.base_url}/crl/{root.slug}"


def test_the_serial_of_every_ca_is_reserved_with_its_signer(owner):
    root = create(owner)
    issuing = below(owner, root)
    reserved = set(IssuedSerial.objects.values_list("ca", "serial", "kind"))
    assert reserved == {
        (root.pk, f"{certificate(root).serial_number:x}", "ca"),
        (root.pk, f"{certificate(issuing).serial_number:x}", "ca"),
    }


@pytest.mark.parametrize("algorithm", [a for a in KeyAlgorithm if not a.startswith("RSA")] + [KeyAlgorithm.RSA_2048])
def test_every_algorithm_founds_a_chain(owner, algorithm):
    root = create(owner, key_algorithm=algorithm)
    issuing = below(owner, root, key_algorithm=algorithm)
    certificate(issuing).verify_directly_issued_by(certificate(root))
    assert issuing.key_algorithm == algorithm


def test_a_ca_knows_its_sharded_lists(owner):
    root = create(owner, crl_shards=4)
    issuing = below(owner, root)
    reserved = IssuedSerial.objects.get(serial=f"{certificate(issuing).serial_number:x}")
    assert 1 <= reserved.shard <= 4
    (point,) = extension(issuing, ExtensionOID.CRL_DISTRIBUTION_POINTS)
    assert point.full_name[0].value == f"{root.base_url}/crl/{root.slug}/{reserved.shard}"


def test_what_happened_is_told_once(owner):
    root = create(owner)
    with happenings() as names:
        issuing = below(owner, root)
    assert names == ["ca.created"]
    document = last_event().document
    assert document["id"] == issuing.event
    assert document["metadata"]["parent"] == "Root"
    assert document["metadata"]["serial"] == f"{certificate(issuing).serial_number:x}"


# --- the limits of a chain --------------------------------------------------------------------------------------------


def test_a_ca_lives_no_longer_than_its_parent(owner):
    root = create(owner, validity=YEAR)
    with invalid(("validity", "beyond-issuer")):
        below(owner, root, validity=YEAR + timedelta(days=1))


def test_without_a_wish_it_ends_with_its_parent_at_the_latest(owner):
    root = create(owner, validity=YEAR)
    child = certificate(below(owner, root, validity=None))
    assert child.not_valid_after_utc == certificate(root).not_valid_after_utc


def test_path_lengths_count_downwards(owner):
    root = create(owner, path_length=1)
    middle = below(owner, root, "Middle")
    assert middle.path_length == 0
    with invalid(("path_length", "beyond-issuer")):
        below(owner, root, "Greedy", path_length=1)
    with invalid(("issuer", "path-too-long")):
        below(owner, middle, "Too low", validity=YEAR / 2)


def test_name_constraints_hold_below(owner):
    root = create(
        owner,
        subject=parse_name("CN=Root,O=ACME"),
        permitted_names=(x509.DNSName("acme.test"), x509.DirectoryName(parse_name("O=ACME"))),
    )
    constraints = extension(root, ExtensionOID.NAME_CONSTRAINTS)
    assert x509.DNSName("acme.test") in constraints.permitted_subtrees
    with invalid(("subject", "name-constraint")):
        below(owner, root, subject=parse_name("CN=Issuing,O=Umbrella"))
    below(owner, root, subject=parse_name("CN=Issuing,O=ACME"))


def test_every_violation_is_listed_before_a_key_is_made(owner, monkeypatch):
    monkeypatch.setattr("cas.keystore.generate_key", lambda _algorithm: pytest.fail("a key was made"))
    with invalid(
        ("name", "required"),
        ("description", "too-long"),
        ("base_url", "invalid"),
        ("crl_lifetime", "out-of-range"),
        ("crl_shards", "out-of-range"),
        ("approvals_needed", "out-of-range"),
        ("approver_role", "unprintable"),
        ("passphrase", "too-short"),
    ):
        create(
            owner,
            " ",
            description="x" * 501,
            base_url="ftp://pki.acme.test",
            crl_lifetime=timedelta(minutes=59),
            crl_shards=129,
            approvals_needed=0,
            approver_role="Secur\0ity",
            passphrase=Secret("too short"),
        )
    assert nothing_was_made()


WISHES = {
    "a name too long": ({"name": "n" * 121}, ("name", "too-long")),
    "a name with a NUL": ({"name": "Ro\0ot"}, ("name", "unprintable")),
    "no subject": ({"subject": x509.Name([])}, ("subject", "blank")),
    "no time at all": ({"validity": timedelta(0)}, ("validity", "out-of-range")),
    "time backwards": ({"validity": -YEAR}, ("validity", "out-of-range")),
    "more time than there is": ({"validity": timedelta(days=4_000_000)}, ("validity", "out-of-range")),
    "a negative path length": ({"path_length": -1}, ("path_length", "out-of-range")),
    "a path length beyond all columns": ({"path_length": 40_000}, ("path_length", "out-of-range")),
    "negative shards": ({"crl_shards": -1}, ("crl_shards", "out-of-range")),
    "a CRL for ever": ({"crl_lifetime": timedelta(days=401)}, ("crl_lifetime", "out-of-range")),
    "a base URL that asks": ({"base_url": "http://pki.acme.test/?q="}, ("base_url", "invalid")),
    "a base URL with a fragment": ({"base_url": "http://pki.acme.test/#x"}, ("base_url", "invalid")),
    "a base URL with a password": ({"base_url": "http://u:p@pki.acme.test/"}, ("base_url", "invalid")),
    "a base URL too long": ({"base_url": f"http://pki.acme.test/{'x' * 200}"}, ("base_url", "invalid")),
    "too many approvals": ({"approvals_needed": 11}, ("approvals_needed", "out-of-range")),
    "negative approvals": ({"approvals_needed": -1}, ("approvals_needed", "out-of-range")),
    "a purpose that answers for the parent": (
        {"extended_key_usage": (x509.ExtendedKeyUsageOID.OCSP_SIGNING,)},
        ("extended_key_usage", "forbidden-purpose"),
    ),
}


@pytest.mark.parametrize(("wish", "reason"), WISHES.values(), ids=WISHES)
def test_a_wish_that_cannot_be_granted(owner, wish, reason):
    with invalid(reason):
        create(owner, **wish)
    assert nothing_was_made()


# --- nothing is left behind -------------------------------------------------------------------------------------------


def test_a_name_is_given_once_in_an_organization(owner):
    first = create(owner)
    keys = set(CaKey.objects.all())
    with refused(Conflict, "ca-exists"):
        create(owner, subject=parse_name("CN=Another"))
    assert list(CertificateAuthority.objects.all()) == [first]
    assert set(CaKey.objects.all()) == keys
    assert IssuedSerial.objects.count() == 1
    stranger = cast.stranger()
    assert create(stranger).name == first.name


def test_where_the_log_cannot_be_written_there_is_no_ca(owner, monkeypatch):
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("the log is full")

    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(OSError, match="the log is full"):
        create(owner)
    assert nothing_was_made()


# --- locked and disabled parents --------------------------------------------------------------------------------------


def test_a_locked_parent_signs_with_its_passphrase_only(owner):
    root = create(owner, passphrase=PASSPHRASE)
    assert root.passphrase_protected
    with refused(Unavailable, "ca-locked"):
        below(owner, root)
    with refused(Denied, "wrong-passphrase"):
        below(owner, root, parent_passphrase=Secret("another sentence"))
    below(owner, root, parent_passphrase=PASSPHRASE)


def test_the_passphrase_of_the_new_ca_does_not_open_its_parent(owner):
    root = create(owner, passphrase=PASSPHRASE)
    with refused(Unavailable, "ca-locked"):
        below(owner, root, passphrase=PASSPHRASE)


def test_a_locked_ca_has_a_longer_crl(owner):
    assert create(owner, "Open").crl_lifetime == timedelta(days=7)
    assert create(owner, "Locked", passphrase=PASSPHRASE).crl_lifetime == timedelta(days=180)


@pytest.mark.parametrize("end", [disable_ca, retire_ca])
def test_a_parent_out_of_service_signs_no_ca(owner, end):
    root = create(owner)
    end(actor=owner.actor, ca=root)
    with refused(Unavailable, "ca-not-active"):
        below(owner, root)


# --- changes ----------------------------------------------------------------------------------------------------------


def test_what_may_change_changes_and_the_rest_stays(owner):
    root = create(owner, description="old")
    changed = update_ca(actor=owner.actor, ca=root, base_url="http://pki.acme.test", requires_approval=True)
    assert (changed.base_url, changed.requires_approval, changed.description) == ("http://pki.acme.test", True, "old")
    assert last_event().document["metadata"]["fields"] == ["base_url", "requires_approval"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base_url": "pki.acme.test"}, ("base_url", "invalid")),
        ({"crl_lifetime": timedelta(0)}, ("crl_lifetime", "out-of-range")),
        ({"approvals_needed": -1}, ("approvals_needed", "out-of-range")),
        ({"description": "x" * 501}, ("description", "too-long")),
        ({"approver_role": "r" * 81}, ("approver_role", "too-long")),
    ],
)
def test_a_change_that_cannot_be_made(owner, changes, reason):
    root = create(owner)
    with invalid(reason):
        update_ca(actor=owner.actor, ca=root, **changes)


def test_a_stranger_and_an_operator_change_nothing(owner):
    root = create(owner)
    for person in (cast.stranger(), cast.member(owner.organization, OrganizationRole.OPERATOR)):
        with refused(Denied):
            update_ca(actor=person.actor, ca=root, description="mine")
    root.refresh_from_db()
    assert root.description == ""


def test_a_base_url_ends_without_a_slash_after_a_change_too(owner):
    root = create(owner, base_url="http://pki.acme.test/")
    assert root.base_url == "http://pki.acme.test"
    assert update_ca(actor=owner.actor, ca=root, base_url="http://ca.acme.test/").base_url == "http://ca.acme.test"
