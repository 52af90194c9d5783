"""Which signature a key makes: algorithm identifiers and verification. Nothing here signs."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from cas.core import der
from cas.core.keys import KeyAlgorithm, PublicKey, algorithm_of

# A hash no weaker than the key (SP 800-57 Part 1 Rev. 5, table 2): SHA-256 has the 128 bits of RSA-3072 and P-256;
# RSA-4096 is beyond that. For ECDSA the hash of the curve's size (RFC 5480 section 4).
_HASHES: Final[dict[KeyAlgorithm, hashes.HashAlgorithm]] = {
    KeyAlgorithm.RSA_2048: hashes.SHA256(),
    KeyAlgorithm.RSA_3072: hashes.SHA256(),
    KeyAlgorithm.RSA_4096: hashes.SHA384(),
    KeyAlgorithm.ECDSA_P256: hashes.SHA256(),
    KeyAlgorithm.ECDSA_P384: hashes.SHA384(),
    KeyAlgorithm.ECDSA_P521: hashes.SHA512(),
}

# RFC 4055 section 5: the parameters of RSA PKCS #1 v1.5 are NULL. All others have none: RFC 5758 section 3.2 (ECDSA),
# RFC 8410 section 3 (Ed25519), RFC 9881 section 2 (ML-DSA, pure).
_IDENTIFIERS: Final = {
    KeyAlgorithm.RSA_2048: der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null()),
    KeyAlgorithm.RSA_3072: der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null()),
    KeyAlgorithm.RSA_4096: der.sequence(der.oid("1.2.840.113549.1.1.12"), der.null()),
    KeyAlgorithm.ECDSA_P256: der.sequence(der.oid("1.2.840.10045.4.3.2")),
    KeyAlgorithm.ECDSA_P384: der.sequence(der.oid("1.2.840.10045.4.3.3")),
    KeyAlgorithm.ECDSA_P521: der.sequence(der.oid("1.2.840.10045.4.3.4")),
    KeyAlgorithm.ED25519: der.sequence(der.oid("1.3.101.112")),
    KeyAlgorithm.ML_DSA_44: der.sequence(der.oid("2.16.840.1.101.3.4.3.17")),
    KeyAlgorithm.ML_DSA_65: der.sequence(der.oid("2.16.840.1.101.3.4.3.18")),
    KeyAlgorithm.ML_DSA_87: der.sequence(der.oid("2.16.840.1.101.3.4.3.19")),
}


def hash_for(public_key: PublicKey) -> hashes.HashAlgorithm | None:
    """The hash that this key signs with; None for Ed25519 and ML-DSA, which hash by themselves."""
    return _HASHES.get(algorithm_of(public_key))


def prehash(public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    """The hash that this key signs with."""
    return _HASHES[algorithm_of(public_key)]


def algorithm_identifier(public_key: PublicKey) -> bytes:
    """The AlgorithmIdentifier of this key's signatures, DER."""
    return _IDENTIFIERS[algorithm_of(public_key)]


def is_signed_by(public_key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` is this key's, over `data`, by the scheme of this module."""
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, padding.PKCS1v15(), prehash(public_key))
        elif isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, data, ec.ECDSA(prehash(public_key)))
        else:
            public_key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
