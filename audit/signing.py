"""Ed25519 (RFC 8032): the signature over an event's bytes, and over a checkpoint's text.

One key signs both. They cannot be taken for each other: an event is one line of JSON that begins with a
brace, a checkpoint is a text of several lines that ends with a newline.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kernel.secret import Secret

SIGNATURE_SIZE: Final = 64
_TEXT_PREFIX: Final = "ed25519:"


@dataclass(frozen=True, slots=True)
class Signer:
    """An open signing key. `key_id` says which public key verifies what it signs."""

    public_key: bytes
    key_id: str
    _private_key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, seed: Secret) -> Signer:
        """The key of a 32-byte seed (RFC 8032 section 5.1.5)."""
        private_key = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        public_key = private_key.public_key().public_bytes_raw()
        return cls(public_key, key_id(public_key), private_key)

    def signature(self, message: bytes) -> bytes:
        """64 bytes over exactly `message`."""
        return self._private_key.sign(message)


def new_seed() -> Secret:
    return Secret(Ed25519PrivateKey.generate().private_bytes_raw())


def key_id(public_key: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of the 32-byte public key: a name for it, not a proof."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signature_text(signature: bytes) -> str:
    """`ed25519:` and the signature in base64, as the API shows it."""
    return _TEXT_PREFIX + base64.b64encode(signature).decode()
