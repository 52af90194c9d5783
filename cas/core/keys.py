"""The keys we make and take: which algorithms, how a key is named, written and read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from cas.core import der
from kernel.errors import Invalid
from kernel.secret import Secret
from kernel.text import _

PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)


class KeyFamily(StrEnum):
    """Keys that may be used for the same things."""

    RSA = "RSA"
    ECDSA = "ECDSA"
    ED25519 = "ED25519"
    ML_DSA = "ML_DSA"


class KeyAlgorithm(StrEnum):
    RSA_2048 = "RSA_2048"
    RSA_3072 = "RSA_3072"
    RSA_4096 = "RSA_4096"
    ECDSA_P256 = "ECDSA_P256"
    ECDSA_P384 = "ECDSA_P384"
    ECDSA_P521 = "ECDSA_P521"
    ED25519 = "ED25519"
    ML_DSA_44 = "ML_DSA_44"
    ML_DSA_65 = "ML_DSA_65"
    ML_DSA_87 = "ML_DSA_87"

    @property
    def family(self) -> KeyFamily:
        return next(family for family in KeyFamily if self.value.startswith(family.value))


# BR 6.1.6 and SP 800-89 5.3.3 want more than 2**16; this is what everyone uses.
_RSA_EXPONENT: Final = 65537

_GENERATORS: Final[Mapping[KeyAlgorithm, Callable[[], PrivateKey]]] = {
    KeyAlgorithm.RSA_2048: lambda: rsa.generate_private_key(_RSA_EXPONENT, 2048),
    KeyAlgorithm.RSA_3072: lambda: rsa.generate_private_key(_RSA_EXPONENT, 3072),
    KeyAlgorithm.RSA_4096: lambda: rsa.generate_private_key(_RSA_EXPONENT, 4096),
    KeyAlgorithm.ECDSA_P256: lambda: ec.generate_private_key(ec.SECP256R1()),
    KeyAlgorithm.ECDSA_P384: lambda: ec.generate_private_key(ec.SECP384R1()),
    KeyAlgorithm.ECDSA_P521: lambda: ec.generate_private_key(ec.SECP521R1()),
    KeyAlgorithm.ED25519: ed25519.Ed25519PrivateKey.generate,
    KeyAlgorithm.ML_DSA_44: mldsa.MLDSA44PrivateKey.generate,
    KeyAlgorithm.ML_DSA_65: mldsa.MLDSA65PrivateKey.generate,
    KeyAlgorithm.ML_DSA_87: mldsa.MLDSA87PrivateKey.generate,
}

_RSA_SIZES: Final = {2048: KeyAlgorithm.RSA_2048, 3072: KeyAlgorithm.RSA_3072, 4096: KeyAlgorithm.RSA_4096}
_CURVES: Final = {
    "secp256r1": KeyAlgorithm.ECDSA_P256,
    "secp384r1": KeyAlgorithm.ECDSA_P384,
    "secp521r1": KeyAlgorithm.ECDSA_P521,
}


def generate(algorithm: KeyAlgorithm) -> PrivateKey:
    """A new key. RSA_4096 may take seconds."""
    return _GENERATORS[algorithm]()


def algorithm_of(public_key: object, *, field: str = "public_key") -> KeyAlgorithm:
    """Which of our algorithms a key is of.

    Raises Invalid (`unsupported-key`) on `field` for every other: RSA of another size, P-192, DSA, X25519 …
    """
    algorithm: KeyAlgorithm | None = None
    match public_key:
        case rsa.RSAPublicKey():
            algorithm = _RSA_SIZES.get(public_key.key_size)
        case ec.EllipticCurvePublicKey():
            algorithm = _CURVES.get(public_key.curve.name)
        case ed25519.Ed25519PublicKey():
            algorithm = KeyAlgorithm.ED25519
        case mldsa.MLDSA44PublicKey():
            algorithm = KeyAlgorithm.ML_DSA_44
        case mldsa.MLDSA65PublicKey():
            algorithm = KeyAlgorithm.ML_DSA_65
        case mldsa.MLDSA87PublicKey():
            algorithm = KeyAlgorithm.ML_DSA_87
    if algorithm is None:
        raise Invalid.of(
            field,
            "unsupported-key",
            _("a %(kind)s key is not supported; supported are %(supported)s"),
            kind=_describe(public_key),
            supported=", ".join(KeyAlgorithm),
        )
    return algorithm


def supported(public_key: object, *, field: str = "public_key") -> PublicKey:
    """The same key, known to be of one of our algorithms. Raises Invalid (`unsupported-key`) on `field`."""
    algorithm_of(public_key, field=field)
    return cast(PublicKey, public_key)


def _describe(public_key: object) -> str:
    match public_key:
        case rsa.RSAPublicKey():
            return f"RSA-{public_key.key_size}"
        case ec.EllipticCurvePublicKey():
            return public_key.curve.name
    return type(public_key).__name__.removesuffix("PublicKey")


def spki(public_key: PublicKey) -> bytes:
    """The SubjectPublicKeyInfo, DER (RFC 5280 4.1.2.7)."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key_sha256(public_key: PublicKey) -> str:
    """Our name for a key, whatever certificates it is in: SHA-256 of its SPKI, 64 lower-case hex digits."""
    return hashlib.sha256(spki(public_key)).hexdigest()


def key_bits(public_key: PublicKey) -> bytes:
    """The content of the BIT STRING subjectPublicKey: what key identifiers and OCSP key hashes are made of."""
    info = der.Reader(spki(public_key)).enter()
    info.read(der.SEQUENCE)
    return info.read_bits()


def key_identifier(public_key: PublicKey) -> bytes:
    """The subject key identifier by RFC 7093 section 2, method 1: the leftmost 160 bits of SHA-256."""
    return hashlib.sha256(key_bits(public_key)).digest()[:20]


def same_key(one: PublicKey, other: PublicKey) -> bool:
    return spki(one) == spki(other)


def serialize_private_key(
    key: PrivateKey,
    *,
    encoding: Literal["pem", "der"] = "pem",
    format: Literal["pkcs8", "pkcs1"] = "pkcs8",  # noqa: A002  the word of the formats themselves
    password: Secret | None = None,
) -> Secret:
    """A private key as PKCS#8 (RFC 5958) or in its traditional form: PKCS#1 for RSA, SEC 1 for EC.

    Raises Invalid on `key_format` where Ed25519 or ML-DSA should be traditional (they have no such form), or a
    traditional key encrypted (its encryption is MD5-based).
    """
    traditional = format == "pkcs1"
    if traditional and (password or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)):
        raise Invalid.of(
            "key_format", "unsupported-format", _("pkcs1 is for RSA and EC keys without a password; use pkcs8")
        )
    encryption: KeySerializationEncryption = BestAvailableEncryption(password.reveal()) if password else NoEncryption()
    return Secret(
        key.private_bytes(
            Encoding.PEM if encoding == "pem" else Encoding.DER,
            PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8,
            encryption,
        )
    )


def load_private_key(data: Secret, *, trusted: bool, password: Secret | None = None) -> PrivateKey:
    """A private key from DER or PEM.

    `trusted` is for blobs that we sealed ourselves: RSA keys are then not validated again (0.1 ms in place of 60 to
    400). Raises Invalid on `private_key` for what is not a key, needs another password or is of another algorithm.
    """
    load = load_pem_private_key if data.reveal().lstrip().startswith(b"-----BEGIN") else load_der_private_key
    try:
        key = load(data.reveal(), password.reveal() if password else None, unsafe_skip_rsa_key_validation=trusted)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out on purpose: its text may quote the key.
        raise Invalid.of("private_key", "unreadable-key", _("this is not a private key that can be read")) from None
    algorithm_of(key.public_key() if hasattr(key, "public_key") else key, field="private_key")
    return cast(PrivateKey, key)
