"""CA keys on a PKCS#11 token: SoftHSM plays the token, the contract is that of every backend."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import Organization
from cas import keystore
from cas.backends import KeyBackend, pkcs11, token
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.core.schemes import is_signed_by
from cas.models import CaKey, CertificateAuthority
from cas.orders import PendingAuthorityOrder, TokenKeyName
from cas.services.authorities import create_authority
from cas.services.pending import create_pending_authority, sign_authority_csr
from kernel.errors import Conflict, Denied, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.cas.backends import DATA, BackendContract
from tests.elsewhere import DAY
from tests.office import authority_order
from tests.refusals import invalid, refused

pytestmark = pytest.mark.needs("softhsm2-util")

P256 = KeyAlgorithm.ECDSA_P256
WHOLE_RANGE = tuple(each for each in KeyAlgorithm if each.family in ("RSA", "ECDSA"))


@pytest.fixture(autouse=True)
def _there_is_a_token(hsm_token: None) -> None:
    """For every test here."""


class TestPkcs11(BackendContract):
    def make(self, algorithm: KeyAlgorithm = P256) -> keystore.NewKey:
        return keystore.generate_key(algorithm, "pkcs11")

    @pytest.fixture
    def algorithms(self) -> tuple[KeyAlgorithm, ...]:
        return WHOLE_RANGE

    def keep(self, key: keystore.NewKey, organization: Organization) -> CaKey:
        return keystore.keep_key(key, organization=organization, passphrase=None)

    def open(self, row: CaKey) -> KeyBackend:
        return pkcs11.open_key(row)

    def test_nothing_of_it_is_in_the_row(self, organization):
        row = self.keep(self.make(), organization)
        assert row.sealed is None
        assert row.reference.startswith("pkcs11:id=%")


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


def key_on_token() -> keystore.NewKey:
    return keystore.generate_key(P256, "pkcs11")


def signs(key: keystore.NewKey) -> bool:
    opened = pkcs11.TokenKey(key.public_key, key.reference)
    return is_signed_by(key.public_key, opened.sign(DATA), DATA)


# --- who may, and which key -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_tenant_takes_no_key_on_the_token_that_was_not_given(owner):
    label = pkcs11._names(key_on_token().reference)["label"]
    order = PendingAuthorityOrder(
        organization=Ref("pk", owner.organization.pk),
        name="Thief",
        subject=parse_name("CN=Thief"),
        token_key=TokenKeyName(label=label),
    )
    with refused(Denied, "superuser-only"):
        create_pending_authority(actor=owner.actor, order=order)
    ca = create_pending_authority(actor=cast.SUPERUSER, order=order)
    assert (ca.key.backend, ca.key_algorithm) == ("pkcs11", "ECDSA_P256")
    assert sign_authority_csr(actor=owner.actor, ca=ca).is_signature_valid


def test_a_key_is_found_by_label_by_identifier_and_by_both():
    made = key_on_token()
    names = pkcs11._names(made.reference)
    label, identifier = {"label": names["label"]}, {"identifier": names["id"]}
    for asked in (label, identifier, label | identifier):
        assert keystore.find_token_key(**asked).reference == made.reference


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"label": "nobody"}, "not-one-key"), ({"identifier": b"\x00"}, "not-one-key"), ({}, "required")],
)
def test_a_key_that_is_not_there_is_not_found(asked, code):
    with invalid(("token_key", code)):
        keystore.find_token_key(**asked)


@pytest.mark.parametrize("algorithm", [each for each in KeyAlgorithm if each not in WHOLE_RANGE])
def test_what_the_token_does_not_make_is_told(algorithm):
    with invalid(("key_algorithm", "not-on-token")):
        keystore.generate_key(algorithm, "pkcs11")


@pytest.mark.django_db
def test_a_passphrase_has_nothing_to_lock_there(owner):
    order = authority_order(owner.organization, "Root", key_backend="pkcs11", passphrase=Secret("open, sesame seeds"))
    with invalid(("passphrase", "not-with-this-backend")):
        create_authority(actor=owner.actor, order=order)


# --- what becomes of a key --------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_root_signs_itself_with_a_key_that_never_left_the_token(owner):
    ca = create_authority(actor=owner.actor, order=authority_order(owner.organization, "Root", key_backend="pkcs11"))
    certificate = ca.preferred_certificate.certificate
    certificate.verify_directly_issued_by(certificate)
    keystore.check_health(ca)
    assert not ca.issued_serials.filter(is_intent=True).exists()


@pytest.mark.django_db
def test_a_key_for_nothing_is_taken_back(owner, monkeypatch):
    made = []
    generate = pkcs11.generate
    monkeypatch.setattr(pkcs11, "generate", lambda algorithm: made.append(generate(algorithm)) or made[-1])
    order = authority_order(owner.organization, "Root", key_backend="pkcs11")
    create_authority(actor=owner.actor, order=order)
    with refused(Conflict, "ca-exists"):
        create_authority(actor=owner.actor, order=order)
    assert CertificateAuthority.objects.count() == 1
    (_key, kept), (_other, lost) = made
    assert pkcs11.find(label=pkcs11._names(kept)["label"], identifier=b"")
    with invalid(("token_key", "not-one-key")):
        pkcs11.find(label=pkcs11._names(lost)["label"], identifier=b"")


@pytest.mark.django_db
def test_a_key_that_was_there_before_is_never_taken_back(owner):
    label = pkcs11._names(key_on_token().reference)["label"]
    order = authority_order(owner.organization, "Root", token_key=TokenKeyName(label=label), path_length=-1)
    with invalid(("path_length", "out-of-range")):
        create_authority(actor=cast.SUPERUSER, order=order)
    assert signs(keystore.find_token_key(label=label))


@pytest.mark.django_db
def test_a_key_that_is_gone_is_no_longer_well(owner):
    ca = create_authority(actor=owner.actor, order=authority_order(owner.organization, "Root", key_backend="pkcs11"))
    pkcs11.destroy(ca.key.reference)
    with refused(Unavailable, "key-not-on-token"):
        keystore.check_health(ca)


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_threads_take_turns():
    key = key_on_token()
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _number: signs(key), range(40)))


def test_a_forked_process_has_a_session_of_its_own():
    key = key_on_token()
    assert signs(key)
    child = os.fork()
    if child == 0:
        os._exit(0 if signs(key) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert signs(key)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_that_broke_is_replaced():
    key = key_on_token()
    token._process.session.close()
    with refused(Unavailable, "token-failed"):
        signs(key)
    assert signs(key)


def test_without_a_token_in_the_settings_there_is_none(settings):
    settings.PKCS11_MODULE = ""
    with refused(Unavailable, "backend-missing"):
        key_on_token()


@pytest.mark.parametrize(("name", "value"), [("PKCS11_TOKEN", "nobody"), ("PKCS11_PIN", Secret("0000"))])
def test_a_wrong_token_or_pin_is_told_without_the_pin(settings, name, value):
    setattr(settings, name, value)
    # A process that has not logged in yet.
    child = os.fork()
    if child == 0:
        try:
            key_on_token()
        except Unavailable as error:
            os._exit(0 if error.error_code == "token-failed" and "0000" not in str(error) else 2)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL can")
def test_where_nothing_can_be_announced_nothing_is_signed_for_others(owner):
    root = create_authority(actor=owner.actor, order=authority_order(owner.organization, "Root", key_backend="pkcs11"))
    below = authority_order(owner.organization, "Below", parent=Ref("pk", root.pk), validity=DAY)
    with refused(Unavailable, "backend-needs-postgresql"):
        create_authority(actor=owner.actor, order=below)
