"""The signature that the measured view makes: as much work as a small certificate."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_key = ec.generate_private_key(ec.SECP256R1())


def signature() -> bytes:
    return _key.sign(b"x" * 1000, ec.ECDSA(SHA256()))
