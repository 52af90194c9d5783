"""Ed25519 (RFC 8032): the signature over an event's bytes, and over a checkpoint's text.

One key signs both. They cannot be taken for each other: an event is one line of JSON that begins with a
brace, a checkpoint is a text of several lines that ends with a newline.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.verifier import DASH, SIGNATURE_PREFIX, Checkpoint, key_id, note_key_hash
from kernel.secret import Secret


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


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note (C2SP tlog-checkpoint and signed-note); the name of its key is the origin."""
    key_hash = note_key_hash(checkpoint.origin, signer.public_key)
    signature = base64.b64encode(key_hash + signer.signature(checkpoint.text.encode())).decode()
    return f"{checkpoint.text}\n{DASH}{checkpoint.origin} {signature}\n"


def signature_text(signature: bytes) -> str:
    """`ed25519:` and the signature in base64, as the API shows it."""
    return SIGNATURE_PREFIX + base64.b64encode(signature).decode()
