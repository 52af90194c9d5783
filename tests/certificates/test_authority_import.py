"""A CA moves in: with its key, its last CRL number, what it has revoked, and the addresses in its certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from django.core.cache import cache
from django.test import Client

from accounts.roles import OrganizationRole
from cas.chains import chain_of
from cas.core.formats import to_pkcs12
from cas.core.keys import KeyAlgorithm, PrivateKey, generate, public_key_sha256, serialize_private_key
from cas.core.names import parse_name
from cas.keystore import WrongPassphrase
from cas.models import BlockedKey, CaCertificate, CaKey, CertificateAuthority, IssuedSerial
from cas.orders import AuthorityImportOrder, ForeignAuthorityOrder, KnownSerial
from cas.services.foreign import add_foreign_authority
from certificates.models import Crl, CrlScope, PublicPath, Revocation
from certificates.services.authorities import establish_authority, import_authority, publish_everything
from kernel.errors import Conflict, Denied, NotFound, TooMany, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, elsewhere
from tests.elsewhere import REVOKED_AT, Elsewhere, pem
from tests.happened import happenings
from tests.office import authority_order
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSWORD = Secret("the old password")
PASSPHRASE = Secret("open, sesame seeds")
Reason = x509.ReasonFlags


@pytest.fixture(autouse=True)
def _nobody_has_guessed_yet():
    cache.clear()


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


@pytest.fixture
def old() -> Elsewhere:
    """An issuing CA below a root, both elsewhere."""
    return elsewhere.root().below(path_length=0)


def key_pem(key: PrivateKey, password: Secret | None = None) -> Secret:
    return serialize_private_key(key, password=password)


def order(person: cast.Person, old: Elsewhere, **wishes: object) -> AuthorityImportOrder:
    values = {
        "organization": Ref("pk", person.organization.pk),
        "name": "Moved",
        "key_file": key_pem(old.key),
        "certificates": pem(*old.chain),
    }
    return AuthorityImportOrder(**(values | wishes))


def move_in(person: cast.Person, old: Elsewhere, **wishes: object) -> CertificateAuthority:
    return import_authority(actor=person.actor, order=order(person, old, **wishes))


def published(ca: CertificateAuthority) -> x509.CertificateRevocationList:
    newest = Crl.objects.filter(scope__ca=ca).order_by("-number")[0]
    return x509.load_der_x509_crl(bytes(newest.body))


def nothing_moved_in() -> bool:
    return not any(model.objects.exists() for model in (CertificateAuthority, CaKey, CaCertificate, PublicPath))


# --- who may ----------------------------------------------------------------------------------------------------------


def test_a_stranger_moves_nothing_in_here(owner, old):
    with refused(NotFound, "organization-not-found"):
        import_authority(actor=cast.stranger().actor, order=order(owner, old))
    assert nothing_moved_in()


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_import(owner, old, role):
    with refused(Denied):
        move_in(cast.member(owner.organization, role), old)
    assert nothing_moved_in()


# --- the key file -----------------------------------------------------------------------------------------------------


def files(old: Elsewhere) -> dict[str, dict[str, object]]:
    pkcs12 = to_pkcs12(old.certificate, key=old.key, chain=old.above, password=PASSWORD)
    traditional = old.key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PASSWORD.reveal())
    )
    der = old.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    together = key_pem(old.key).reveal() + pem(*old.chain)
    return {
        "PEM": {},
        "DER": {"key_file": Secret(der)},
        "encrypted PEM": {"key_file": key_pem(old.key, PASSWORD), "password": PASSWORD},
        "encrypted traditional PEM": {"key_file": Secret(traditional), "password": PASSWORD},
        "PKCS#12": {"key_file": pkcs12, "password": PASSWORD, "certificates": b""},
        "one PEM": {"key_file": Secret(together), "certificates": b""},
        "needless password": {"password": PASSWORD},
    }


KINDS = ("PEM", "DER", "encrypted PEM", "encrypted traditional PEM", "PKCS#12", "one PEM", "needless password")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_comes_in_every_usual_file(owner, old, kind):
    with happenings() as names:
        ca = move_in(owner, old, **files(old)[kind])
    assert names[0] == "ca.imported"
    assert ca.status == CertificateAuthority.Status.ACTIVE
    assert [each.name for each in chain_of(ca).authorities] == ["Moved", "Old Root"]
    assert published(ca).is_signature_valid(old.key.public_key())


def test_it_may_be_locked_here_by_a_passphrase_of_its_own(owner, old):
    ca = move_in(owner, old, passphrase=PASSPHRASE)
    assert ca.passphrase_protected
    with refused(Unavailable, "ca-locked"):
        publish_everything(actor=owner.actor, ca=ca)
    publish_everything(actor=owner.actor, ca=ca, passphrase=PASSPHRASE)


def test_wrong_passwords_are_counted_like_passphrases(owner, old):
    wrong = {"key_file": key_pem(old.key, PASSWORD), "password": Secret("a guess")}
    for _attempt in range(5):
        with refused(WrongPassphrase, "wrong-passphrase"):
            move_in(owner, old, **wrong)
    with refused(TooMany, "passphrase-locked"):
        move_in(owner, old, **(wrong | {"password": PASSWORD}))
    assert nothing_moved_in()


def test_an_encrypted_file_without_its_password_is_told_so(owner, old):
    with invalid(("password", "required")):
        move_in(owner, old, key_file=key_pem(old.key, PASSWORD))


def rsa_key(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", ("private_key", "unreadable-key"), id="nothing"),
        pytest.param(b"nonsense", ("private_key", "unreadable-key"), id="nonsense"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\n", ("private_key", "not-one-key"), id="a beginning"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----" * 8000, ("private_key", "not-one-key"), id="many beginnings"),
        pytest.param(b"x" * 300_000, ("private_key", "too-long"), id="too long"),
    ],
)
def test_what_is_no_key_is_refused(owner, old, data, error):
    with invalid(error):
        move_in(owner, old, key_file=Secret(data))


def test_two_keys_are_one_too_many(owner, old):
    two = key_pem(old.key).reveal() + key_pem(generate(KeyAlgorithm.ECDSA_P256)).reveal()
    with invalid(("private_key", "not-one-key")):
        move_in(owner, old, key_file=Secret(two))


def test_a_weak_key_is_refused_with_the_reason(owner):
    weak = rsa_key(2048, exponent=3)
    ca = Elsewhere(elsewhere.root().sign(parse_name("CN=Weak"), weak.public_key()), weak)
    with invalid(("public_key", "weak-key")):
        move_in(owner, ca)
    with invalid(("private_key", "unsupported-key")):
        move_in(owner, ca, key_file=key_pem(rsa_key(1024)))
    assert nothing_moved_in()


def test_a_blocked_key_is_refused_with_the_reason(owner, old):
    BlockedKey.objects.create(key_hash=public_key_sha256(old.key.public_key()), reason="stolen in May")
    with invalid(("private_key", "blocked-key")):
        move_in(owner, old)


# --- its certificates -------------------------------------------------------------------------------------------------


def test_a_key_without_its_certificate_is_no_ca(owner, old):
    with invalid(("certificates", "other-key")):
        move_in(owner, old, certificates=pem(*old.above))
    assert nothing_moved_in()


def test_one_key_with_two_names_is_two_cas(owner, old):
    other = elsewhere.root().sign(parse_name("CN=Other name"), old.key.public_key())
    with invalid(("certificates", "several-subjects")):
        move_in(owner, old, certificates=pem(other, *old.chain))


def test_all_its_certificates_come_along_and_the_longest_is_preferred(owner, old):
    root = elsewhere.root("CN=Another Root")
    longer = root.sign(old.certificate.subject, old.key.public_key(), days=2000)
    ca = move_in(owner, old, certificates=pem(longer, root.certificate, *old.chain))
    assert CaCertificate.objects.filter(ca=ca).count() == 2
    assert chain_of(ca).certificates == (longer, root.certificate)


def test_an_expired_certificate_that_was_renewed_is_left_behind(owner):
    root = elsewhere.root()
    now = root.below()
    before = root.sign(now.certificate.subject, now.key.public_key(), days=-1, since=300)
    ca = move_in(owner, now, certificates=pem(before, *now.chain))
    assert [row.certificate for row in ca.certificates.all()] == [now.certificate]


def test_an_expired_ca_stays_where_it_is(owner):
    with invalid(("certificates", "expired"), ("certificates", "issuer-expired")):
        move_in(owner, elsewhere.root().below(days=-1, since=300))
    assert nothing_moved_in()


def test_a_root_moves_in_by_itself(owner):
    root = elsewhere.root(algorithm=KeyAlgorithm.ECDSA_P384)
    ca = move_in(owner, root)
    assert (ca.is_root, ca.key_algorithm) == (True, "ECDSA_P384")


def test_a_root_that_was_known_by_its_certificate_gets_its_key(owner):
    root = elsewhere.root()
    issuing = move_in(owner, root.below(), name="Issuing")
    known = issuing.parent
    ca = move_in(owner, root, name="Root")
    assert (ca, ca.name, ca.has_key) == (known, "Root", True)
    serial = f"{chain_of(issuing).certificates[0].serial_number:x}"
    assert IssuedSerial.objects.get(ca=ca, serial=serial).kind == "imported"


def test_a_ca_moves_in_once(owner, old):
    move_in(owner, old)
    with refused(Conflict, "ca-known"):
        move_in(owner, old, name="Again")
    with refused(Conflict, "key-in-use"):
        move_in(cast.stranger(), old)


def test_a_ca_of_ours_is_not_imported_over(owner, old):
    add_foreign_authority(
        actor=owner.actor,
        order=ForeignAuthorityOrder(
            organization=Ref("pk", owner.organization.pk), certificates=pem(*old.chain), name="Known"
        ),
    )
    establish_authority(actor=owner.actor, order=authority_order(owner.organization, "Moved"))
    with refused(Conflict, "ca-exists"):
        move_in(owner, old)
    assert CaKey.objects.count() == 1


# --- its past ---------------------------------------------------------------------------------------------------------


def test_crl_numbers_go_on_above_the_last_one(owner, old):
    high = 9 * 10**18
    ca = move_in(owner, old, last_crl_number=high)
    assert published(ca).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == high + 1


def test_a_number_that_cannot_be_continued_is_refused(owner, old):
    for number in (-1, 2**63):
        with invalid(("last_crl_number", "out-of-range")):
            move_in(owner, old, last_crl_number=number)
    assert nothing_moved_in()


def test_what_was_revoked_stays_revoked_with_its_date_and_reason(owner, old):
    last = old.crl((17, Reason.key_compromise), (0xABC, None), (99, Reason.certificate_hold), number=10**18 * 8)
    ca = move_in(owner, old, last_crl=last)
    crl = published(ca)
    assert len(crl) == 3
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 8 * 10**18 + 1
    found = crl.get_revoked_certificate_by_serial_number(17)
    assert found.revocation_date_utc == REVOKED_AT
    assert found.extensions.get_extension_for_class(x509.CRLReason).value.reason is Reason.key_compromise
    assert not list(crl.get_revoked_certificate_by_serial_number(0xABC).extensions)
    assert set(Revocation.objects.values_list("reason", flat=True)) == {
        "keyCompromise",
        "unspecified",
        "certificateHold",
    }


def test_what_it_has_issued_is_known_to_ocsp(owner, old):
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    ca = move_in(
        owner, old, issued=(KnownSerial(5, soon), KnownSerial(6), KnownSerial(17)), last_crl=old.crl((17, None))
    )
    rows = dict(IssuedSerial.objects.filter(ca=ca, kind="imported").values_list("serial", "not_after"))
    assert rows["5"] == soon
    assert rows["6"] == old.certificate.not_valid_after_utc
    assert len(rows) == 3


def test_a_serial_number_that_is_none_is_refused(owner, old):
    with invalid(("issued[1]", "out-of-range"), ("issued[2]", "out-of-range")):
        move_in(owner, old, issued=(KnownSerial(1), KnownSerial(0), KnownSerial(2**160)))


def test_a_crl_of_somebody_else_a_delta_and_nonsense_are_refused(owner, old):
    with invalid(("last_crl", "other-issuer")):
        move_in(owner, old, last_crl=elsewhere.root().crl())
    imposter = Elsewhere(old.certificate, generate(KeyAlgorithm.ECDSA_P256))
    with invalid(("last_crl", "other-issuer")):
        move_in(owner, old, last_crl=imposter.crl())
    with invalid(("last_crl", "incomplete-crl")):
        move_in(owner, old, last_crl=old.crl(extra=[(x509.DeltaCRLIndicator(1), True)]))
    with invalid(("last_crl", "unreadable-crl")):
        move_in(owner, old, last_crl=b"nonsense")
    assert nothing_moved_in()


def test_the_old_addresses_answer_beside_the_new_ones(owner, old):
    paths = ("/crl/old-name.crl", "http://pki.old.example/crl/deep/down/list.crl", "/ca/old.crt", "ocsp/old")
    ca = move_in(owner, old, public_paths=paths)
    client = Client()
    assert client.get("/crl/old-name.crl").content == client.get(f"/crl/{ca.slug}").content
    assert client.get("/crl/deep/down/list.crl").status_code == 200
    assert client.get("/ca/old.crt").content == old.certificate.public_bytes(Encoding.DER)
    assert client.post("/ocsp/old", b"nonsense", content_type="application/ocsp-request").status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/old.crl", "invalid"),
        ("/crl/", "invalid"),
        ("/crl/../old", "invalid"),
        ("/crl//old", "invalid"),
        ("/crl/o\x00ld", "invalid"),
        ("/ca/old", "invalid"),
        ("/ocsp/deep/down", "invalid"),
        ("/crl/" + "x" * 250, "invalid"),
        ("http://[", "invalid"),
        ("/crl/somebody-999999999", "reserved"),
        ("/crl/somebody-999999999/3.crl", "reserved"),
    ],
)
def test_an_address_that_cannot_be_given_is_refused(owner, old, path, code):
    with invalid(("public_paths[1]", code)):
        move_in(owner, old, public_paths=("/crl/good", path))
    assert nothing_moved_in()


def test_an_address_belongs_to_one_ca_for_ever(owner, old):
    first = move_in(owner, old, public_paths=("/crl/shared.crl",))
    for taken in ("/crl/shared", f"/crl/{first.slug}"):
        with refused(Conflict, "path-used"):
            move_in(owner, elsewhere.root(), name="Other", public_paths=(taken,))
    assert CrlScope.objects.count() == 1
