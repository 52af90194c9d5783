"""What a PKCS#11 token signs with: the schemes of `cas.core.schemes`, in the words of the token."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cas.backends.token import library
from cas.core.schemes import prehash

_RSA_MECHANISMS: Final = {"sha256": "SHA256_RSA_PKCS", "sha384": "SHA384_RSA_PKCS"}


def signature(key: Any, public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, data: bytes) -> bytes:
    """The signature of `key`, a private key object of the token, over `data`."""
    mechanisms = library().Mechanism
    algorithm = prehash(public_key)
    if isinstance(public_key, rsa.RSAPublicKey):
        return bytes(key.sign(data, mechanism=mechanisms[_RSA_MECHANISMS[algorithm.name]]))
    # CKM_ECDSA signs a digest and answers r and s side by side; X.509 has them as a SEQUENCE (RFC 3279 2.2.3).
    digest = hashes.Hash(algorithm)
    digest.update(data)
    raw = bytes(key.sign(digest.finalize(), mechanism=mechanisms.ECDSA))
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
