"""The certificate that answers tls-alpn-01: signed by its own key, which nobody keeps (RFC 8737 section 3)."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# RFC 8737 section 6.1; its value is an OCTET STRING of 32 bytes.
_ACME_IDENTIFIER: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING_OF_32: Final = b"\x04\x20"
_NAME: Final = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME challenge")])
# Longer than any order is open.
_LIFETIME: Final = timedelta(days=30)


def challenge_certificate(host: str, key_authorization: str) -> bytes:
    """PEM of the certificate for this name or address, and of its private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    answer = _OCTET_STRING_OF_32 + sha256(key_authorization.encode()).digest()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(_ACME_IDENTIFIER, answer), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + private


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
