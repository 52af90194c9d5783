"""The sealing envelope: what opens, and everything that must not."""

from __future__ import annotations

import pytest

from kernel.seal import (
    SealBroken,
    context,
    derive_key,
    new_key,
    rewrap_envelope,
    seal,
    seal_envelope,
    seal_with_passphrase,
    unseal,
    unseal_envelope,
    unseal_with_passphrase,
)
from kernel.secret import Secret

KEY = Secret(bytes(range(32)))
SECRET = Secret("the private key of the root")
HERE = context("cas_cakey", 7)
PASSPHRASE = Secret("correct horse battery staple")

# How something is sealed, and how it is opened again.
FORMS = {
    "directly": (seal, unseal, KEY),
    "in an envelope": (seal_envelope, unseal_envelope, KEY),
    "under a passphrase": (seal_with_passphrase, unseal_with_passphrase, PASSPHRASE),
}
every_form = pytest.mark.parametrize(("close", "open_", "key"), FORMS.values(), ids=FORMS)


@every_form
def test_what_was_sealed_opens(close, open_, key):
    assert open_(key, close(key, SECRET, HERE), HERE) == SECRET


@every_form
def test_the_secret_does_not_stand_in_the_blob(close, open_, key):
    blob = close(key, SECRET, HERE)
    assert SECRET.reveal() not in blob
    assert key.reveal() not in blob


@every_form
def test_two_seals_of_one_secret_have_nothing_in_common(close, open_, key):
    assert close(key, SECRET, HERE)[1:] != close(key, SECRET, HERE)[1:]


@every_form
def test_another_key_does_not_open(close, open_, key):
    with pytest.raises(SealBroken):
        open_(new_key(), close(key, SECRET, HERE), HERE)


@every_form
def test_a_blob_that_was_moved_does_not_open(close, open_, key):
    with pytest.raises(SealBroken):
        open_(key, close(key, SECRET, HERE), context("cas_cakey", 8))


@pytest.mark.parametrize(("close", "open_", "key"), [FORMS["directly"], FORMS["in an envelope"]])
def test_a_change_of_any_byte_is_noticed(close, open_, key):
    blob = close(key, SECRET, HERE)
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            open_(key, bytes(changed), HERE)


@pytest.mark.parametrize("part", [0, 1, 10, 17, -1], ids=["kind", "salt", "salt's end", "box", "tag"])
def test_a_change_of_a_passphrase_blob_is_noticed(part):
    blob = bytearray(seal_with_passphrase(PASSPHRASE, SECRET, HERE))
    blob[part] ^= 1
    with pytest.raises(SealBroken):
        unseal_with_passphrase(PASSPHRASE, bytes(blob), HERE)


@pytest.mark.parametrize(("close", "open_", "key"), [FORMS["directly"], FORMS["in an envelope"]])
def test_no_beginning_of_a_blob_opens(close, open_, key):
    blob = close(key, SECRET, HERE)
    for length in range(len(blob)):
        with pytest.raises(SealBroken):
            open_(key, blob[:length], HERE)


@pytest.mark.parametrize("length", [0, 1, 8, 17, 18, 30])
def test_no_beginning_of_a_passphrase_blob_opens(length):
    blob = seal_with_passphrase(PASSPHRASE, SECRET, HERE)
    with pytest.raises(SealBroken):
        unseal_with_passphrase(PASSPHRASE, blob[:length], HERE)


def test_no_form_opens_as_another():
    for name, (close, _open, key) in FORMS.items():
        blob = close(key, SECRET, HERE)
        for other, (_close, open_, _key) in FORMS.items():
            if other != name:
                with pytest.raises(SealBroken):
                    open_(key, blob, HERE)


def test_rewrapping_changes_the_key_and_leaves_the_secret_sealed_as_it_was():
    old, new = new_key(), new_key()
    blob = seal_envelope(old, SECRET, HERE)
    rewrapped = rewrap_envelope(old, new, blob, HERE)
    assert unseal_envelope(new, rewrapped, HERE) == SECRET
    with pytest.raises(SealBroken):
        unseal_envelope(old, rewrapped, HERE)
    own_box = 1 + 12 + len(SECRET.reveal()) + 16
    assert rewrapped[-own_box:] == blob[-own_box:]


def test_rewrapping_needs_the_old_key_and_the_right_place():
    blob = seal_envelope(KEY, SECRET, HERE)
    with pytest.raises(SealBroken):
        rewrap_envelope(new_key(), KEY, blob, HERE)
    with pytest.raises(SealBroken):
        rewrap_envelope(KEY, new_key(), blob, context("elsewhere"))


def test_a_data_key_cannot_be_lifted_out_of_its_envelope():
    """The wrapped data key is bound to being one: it does not open as a secret of the same place."""
    envelope = seal_envelope(KEY, SECRET, HERE)
    wrapped = envelope[1 : 1 + 1 + 12 + 32 + 16]
    with pytest.raises(SealBroken):
        unseal(KEY, wrapped, HERE)


def test_derived_keys_differ_by_purpose_and_by_key():
    keys = [derive_key(KEY, "ca-key"), derive_key(KEY, "secret"), derive_key(new_key(), "ca-key"), KEY]
    assert len({key.reveal() for key in keys}) == len(keys)
    assert derive_key(KEY, "ca-key") == keys[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "bc"), ("ab", "c")), (("a", ""), ("a",)), ((1, 23), (12, 3)), (("", "a"), ("a", ""))],
)
def test_contexts_are_unambiguous(one, other):
    assert context(*one) != context(*other)
