"""The one door to CA keys: open for one signature, shut to guesses."""

from __future__ import annotations

import gc
import weakref
from datetime import timedelta

import pytest
from django.core.cache import cache

from cas import keystore
from cas.backends.sealed import SealedKey
from cas.core.signing import Misissuance
from cas.keystore import WrongPassphrase
from cas.models import CaCertificate, CaKey
from kernel.errors import Conflict, TooMany, Unavailable
from kernel.secret import Secret
from tests.cas.backends import new_key
from tests.office import Office, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
WRONG = Secret("open, poppy seeds")


@pytest.fixture(autouse=True)
def _nobody_has_guessed_yet():
    cache.clear()


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def locked() -> Office:
    """Its issuing CA is behind a passphrase."""
    return open_office(passphrase=PASSPHRASE)


def guess(office: Office, passphrase: Secret | None) -> None:
    with keystore.open_signer(office.issuing, passphrase=passphrase):
        pass


def test_a_signer_is_the_ca_with_its_key(office):
    with keystore.open_signer(office.issuing) as signer:
        assert signer.certificate == CaCertificate.objects.get(ca=office.issuing).certificate
        assert signer.public_key == signer.certificate.public_key()


def test_the_key_is_gone_after_the_block(office, monkeypatch):
    opened = []
    original = SealedKey.__init__

    def remember(self: SealedKey, *args: object) -> None:
        original(self, *args)
        opened.append(weakref.ref(self))

    monkeypatch.setattr(SealedKey, "__init__", remember)
    with keystore.open_signer(office.issuing) as signer:
        assert opened[0]() is not None
    del signer
    gc.collect()
    assert [reference() for reference in opened] == [None]


def test_a_key_under_the_certificate_of_another_signs_nothing(office):
    CaCertificate.objects.filter(ca=office.issuing).update(
        der=bytes(CaCertificate.objects.get(ca=office.root).der), ca=office.issuing
    )
    with pytest.raises(Misissuance), keystore.open_signer(office.issuing):
        pass


def test_a_ca_from_outside_has_no_key_here(office):
    office.issuing.key = None
    with refused(Unavailable, "ca-without-key"):
        guess(office, None)


def test_a_backend_that_is_not_here_is_unavailable(office):
    office.issuing.key.backend = CaKey.Backend.PKCS11
    with refused(Unavailable, "backend-missing"):
        guess(office, None)
    with refused(Unavailable, "backend-missing"):
        keystore.check_health(office.issuing)


def test_a_broken_key_is_unavailable(office):
    office.issuing.key.sealed = office.root.key.sealed
    with refused(Unavailable, "key-broken"):
        guess(office, None)
    with refused(Unavailable, "key-broken"):
        keystore.check_health(office.issuing)


def test_a_locked_key_is_well_and_needs_its_passphrase(locked):
    keystore.check_health(locked.issuing)
    with refused(Unavailable, "ca-locked"):
        guess(locked, None)
    guess(locked, PASSPHRASE)


def test_a_passphrase_where_none_is_needed_does_no_harm(office):
    guess(office, PASSPHRASE)


def test_five_wrong_guesses_lock_even_the_right_one_out(locked):
    for _attempt in range(5):
        with refused(WrongPassphrase, "wrong-passphrase"):
            guess(locked, WRONG)
    with pytest.raises(TooMany) as refusal:
        guess(locked, PASSPHRASE)
    assert refusal.value.error_code == "passphrase-locked"
    assert timedelta(seconds=refusal.value.retry_after) == timedelta(minutes=15)


def test_the_right_one_gives_no_wrong_one_back(locked):
    for _attempt in range(4):
        with refused(WrongPassphrase):
            guess(locked, WRONG)
    guess(locked, PASSPHRASE)
    with refused(WrongPassphrase):
        guess(locked, WRONG)
    with refused(TooMany, "passphrase-locked"):
        guess(locked, PASSPHRASE)


def test_a_question_without_a_passphrase_is_no_guess(locked):
    for _attempt in range(6):
        with refused(Unavailable):
            guess(locked, None)
    guess(locked, PASSPHRASE)


def test_guesses_at_one_ca_do_not_lock_another(locked):
    other = open_office("Umbrella", passphrase=PASSPHRASE)
    for _attempt in range(5):
        with refused(WrongPassphrase):
            guess(locked, WRONG)
    guess(other, PASSPHRASE)


@pytest.mark.parametrize("passphrase", ["", "x", "eleven char"])
def test_a_short_passphrase_is_refused(office, passphrase):
    with invalid(("passphrase", "too-short")):
        keystore.keep_key(new_key(), organization=office.organization, passphrase=Secret(passphrase))


def test_letters_of_a_passphrase_are_counted_and_not_their_bytes(office):
    with invalid(("passphrase", "too-short")):
        keystore.keep_key(new_key(), organization=office.organization, passphrase=Secret("ääääää"))


def test_a_key_is_kept_once(office):
    keystore.keep_key(new_key(), organization=office.organization, passphrase=None)
    with refused(Conflict, "key-in-use"):
        keystore.keep_key(new_key(), organization=office.organization, passphrase=None)


def test_a_new_key_does_not_print():
    assert "PrivateKey" not in repr(new_key())
