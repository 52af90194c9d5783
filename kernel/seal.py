"""The sealing envelope: AES-256-GCM, with the key handed in and the context bound.

A sealed blob is `version (1) | nonce (12) | ciphertext and tag`. The context (associated data) names
what the blob is and where it stands; a blob moved to another row or used for another purpose does not
open. An envelope holds a data key of its own, wrapped by the key that is handed in, so that replacing a
wrapping key never touches the secret itself (NIST SP 800-38D for GCM, SP 800-57 for the hierarchy).
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kernel.secret import Secret

KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
_BOX: Final = b"\x01"
_ENVELOPE: Final = b"\x02"
_PASSPHRASE: Final = b"\x03"
_WRAPPED_SIZE: Final = 1 + _NONCE_SIZE + KEY_SIZE + _TAG_SIZE
_SALT_SIZE: Final = 16
# 2**15 × 8 × 1 costs 32 MiB and about 0.1 s: an online guess is rare, an offline one expensive.
_SCRYPT_N: Final = 2**15


class SealBroken(Exception):
    """The blob was changed, moved, or sealed under another key."""


def new_key() -> Secret:
    return Secret(os.urandom(KEY_SIZE))


def derive_key(key: Secret, purpose: str) -> Secret:
    """A key for one purpose (HKDF-SHA256, RFC 5869); the same inputs always give the same key."""
    return Secret(HKDF(SHA256(), KEY_SIZE, salt=None, info=purpose.encode()).derive(key.reveal()))


def fingerprint(key: Secret) -> str:
    """16 hex digits to call a random key by. They say which key it is, and nothing that helps to find it."""
    return derive_key(key, "fingerprint").reveal()[:8].hex()


def context(*parts: object) -> bytes:
    """Associated data from its parts, unambiguous: ("a", "bc") and ("ab", "c") differ."""
    encoded = [str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)


def seal(key: Secret, plaintext: Secret, bound_to: bytes) -> bytes:
    """Seal small things (other keys) directly under `key`."""
    nonce = os.urandom(_NONCE_SIZE)
    return _BOX + nonce + AESGCM(key.reveal()).encrypt(nonce, plaintext.reveal(), _BOX + bound_to)


def unseal(key: Secret, blob: bytes, bound_to: bytes) -> Secret:
    """Raises SealBroken."""
    if blob[:1] != _BOX:
        raise SealBroken("not a sealed blob")
    nonce, ciphertext = blob[1 : 1 + _NONCE_SIZE], blob[1 + _NONCE_SIZE :]
    try:
        return Secret(AESGCM(key.reveal()).decrypt(nonce, ciphertext, _BOX + bound_to))
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the blob does not open with this key in this place") from error


def seal_envelope(wrapping_key: Secret, plaintext: Secret, bound_to: bytes) -> bytes:
    """Seal under a fresh data key, which stands wrapped in front of the ciphertext."""
    data_key = new_key()
    return _ENVELOPE + seal(wrapping_key, data_key, b"data-key" + bound_to) + seal(data_key, plaintext, bound_to)


def unseal_envelope(wrapping_key: Secret, blob: bytes, bound_to: bytes) -> Secret:
    """Raises SealBroken."""
    data_key = _data_key(wrapping_key, blob, bound_to)
    return unseal(data_key, blob[1 + _WRAPPED_SIZE :], bound_to)


def rewrap_envelope(old: Secret, new: Secret, blob: bytes, bound_to: bytes) -> bytes:
    """The same envelope under another wrapping key; the secret is not opened. Raises SealBroken."""
    data_key = _data_key(old, blob, bound_to)
    return _ENVELOPE + seal(new, data_key, b"data-key" + bound_to) + blob[1 + _WRAPPED_SIZE :]


def seal_with_passphrase(passphrase: Secret, plaintext: Secret, bound_to: bytes) -> bytes:
    """Seal under scrypt(passphrase) (RFC 7914); meant to go into an envelope, as a second lock."""
    salt = os.urandom(_SALT_SIZE)
    return _PASSPHRASE + salt + seal(_stretch(passphrase, salt), plaintext, bound_to)


def unseal_with_passphrase(passphrase: Secret, blob: bytes, bound_to: bytes) -> Secret:
    """Raises SealBroken, also for a wrong passphrase."""
    if blob[:1] != _PASSPHRASE:
        raise SealBroken("not a passphrase-sealed blob")
    salt = blob[1 : 1 + _SALT_SIZE]
    return unseal(_stretch(passphrase, salt), blob[1 + _SALT_SIZE :], bound_to)


def _data_key(wrapping_key: Secret, blob: bytes, bound_to: bytes) -> Secret:
    if blob[:1] != _ENVELOPE:
        raise SealBroken("not an envelope")
    return unseal(wrapping_key, blob[1 : 1 + _WRAPPED_SIZE], b"data-key" + bound_to)


def _stretch(passphrase: Secret, salt: bytes) -> Secret:
    return Secret(Scrypt(salt=salt, length=KEY_SIZE, n=_SCRYPT_N, r=8, p=1).derive(passphrase.reveal()))
