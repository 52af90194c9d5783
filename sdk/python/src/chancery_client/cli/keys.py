"""Private keys and certificate requests that are made on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from chancery_client.cli.failures import WrongUsage

PrivateKey = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey]

USUAL = "ecdsa-p256"
_EXPONENT = 65537
_MAKERS: dict[str, Callable[[], PrivateKey]] = {
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa-2048": lambda: rsa.generate_private_key(_EXPONENT, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(_EXPONENT, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(_EXPONENT, 4096),
}
_MADE_BY_SERVERS = ("ml-dsa-44", "ml-dsa-65", "ml-dsa-87")
KEY_TYPES = (*_MAKERS, *_MADE_BY_SERVERS)


def make_key(key_type: str) -> PrivateKey:
    """Raises WrongUsage for a type that this machine cannot make."""
    maker = _MAKERS.get(key_type)
    if maker is None:
        raise WrongUsage(
            f"A key of type {key_type} cannot be made on this machine.",
            hint="Let the server make it with --managed-key, or choose another --key-type.",
        )
    return maker()


def on_the_wire(key_type: str) -> str:
    """`ECDSA_P256` of `ecdsa-p256`. Raises WrongUsage for a type that nobody knows."""
    if key_type not in KEY_TYPES:
        raise WrongUsage(f"There is no key type '{key_type}'.", hint=f"There are: {', '.join(KEY_TYPES)}.")
    return key_type.upper().replace("-", "_")


def off_the_wire(algorithm: str) -> str:
    """`ecdsa-p256` of `ECDSA_P256`."""
    return algorithm.lower().replace("_", "-")


def type_of(key: PrivateKey) -> str:
    """`rsa-3072`, `ecdsa-p256` …"""
    if isinstance(key, rsa.RSAPrivateKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    return f"ecdsa-p{key.curve.key_size}"


def key_to_pem(key: PrivateKey) -> bytes:
    """PKCS#8, unencrypted: it is for programs that start without anybody there."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(content: bytes, *, place: str) -> PrivateKey:
    """Raises WrongUsage for what is no private key in PEM, is encrypted, or is of a kind that is not known here."""
    try:
        key = load_pem_private_key(content, None)
    except TypeError as error:
        hint = "Decrypt it first, or make a CSR with the program that has it and use: chancery sign"
        raise WrongUsage(f"The private key in {place} is encrypted.", hint=hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise WrongUsage(f"{place} holds no private key in PEM.") from error
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        raise WrongUsage(f"The private key in {place} is of a kind that is not for certificates.")
    return key


def make_csr(key: PrivateKey, subject: x509.Name) -> str:
    """A PKCS#10 request in PEM that proves possession of the key."""
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, digest)
    return request.public_bytes(Encoding.PEM).decode("ascii")


def read_csr(content: bytes, *, place: str) -> str:
    """The request in PEM, from PEM or DER. Raises WrongUsage for anything else, such as a private key."""
    load = x509.load_pem_x509_csr if b"-----BEGIN" in content else x509.load_der_x509_csr
    try:
        return load(content).public_bytes(Encoding.PEM).decode("ascii")
    except ValueError as error:
        hint = "Make one with: openssl req -new -key www.key -out www.csr"
        raise WrongUsage(f"{place} holds no certificate request (PKCS#10, in PEM or DER).", hint=hint) from error


def read_certificates(content: bytes, *, place: str) -> list[x509.Certificate]:
    """Those in a PEM file, in order; at least one. Raises WrongUsage."""
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise WrongUsage(f"{place} holds no certificate in PEM.") from error
    if not found:
        raise WrongUsage(f"{place} holds no certificate in PEM.")
    return found


def to_pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def belong_together(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether it is a certificate of this key."""
    return _spki(certificate.public_key()) == _spki(key.public_key())


def is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def read_subject(text: str) -> x509.Name:
    """A name from `CN=www.example.com,O=Example,C=DE`, most specific first (RFC 4514). Raises WrongUsage."""
    try:
        return x509.Name.from_rfc4514_string(text, {"emailAddress": x509.NameOID.EMAIL_ADDRESS})
    except (ValueError, KeyError) as error:
        hint = "It looks like: CN=www.example.com,O=Example,C=DE"
        why = f": {error}".rstrip(".") if str(error) else ""
        raise WrongUsage(f"--subject '{text}' is not a name{why}.", hint=hint) from error


def _spki(key: object) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))  # type: ignore[attr-defined]
