"""Key usage and extended key usage: their names, and which key family may carry what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.x509 import ExtendedKeyUsage, Extensions, KeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from cas.core.keys import KeyFamily

# The bits of RFC 5280 4.2.1.3 in their order, by the names that `cryptography` and our documents use.
KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
AUTHORITY_USAGES: Final = frozenset({"key_cert_sign", "crl_sign"})
AGREEMENT_ONLY: Final = frozenset({"encipher_only", "decipher_only"})

_SIGNATURES: Final = frozenset({"digital_signature", "content_commitment"})
# What a leaf's key may do. RSA: RFC 4055 section 1.2; EC: RFC 8813 section 3; Ed25519: RFC 9295 section 3; ML-DSA:
# RFC 9881 section 3.
LEAF_USAGES: Final[Mapping[KeyFamily, frozenset[str]]] = {
    KeyFamily.RSA: _SIGNATURES | {"key_encipherment", "data_encipherment"},
    KeyFamily.ECDSA: _SIGNATURES | {"key_agreement"} | AGREEMENT_ONLY,
    KeyFamily.ED25519: _SIGNATURES,
    KeyFamily.ML_DSA: _SIGNATURES,
}

EXTENDED_USAGES: Final = {
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "time_stamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "smartcard_logon": ExtendedKeyUsageOID.SMARTCARD_LOGON,
    "kerberos_pkinit_kdc": ExtendedKeyUsageOID.KERBEROS_PKINIT_KDC,
    "ipsec_ike": ExtendedKeyUsageOID.IPSEC_IKE,
    "bundle_security": ExtendedKeyUsageOID.BUNDLE_SECURITY,
}
_NAME_OF_EXTENDED: Final = {oid: name for name, oid in EXTENDED_USAGES.items()}

# RFC 5280 4.2.1.12: the key usages of which one at least must stand beside the purpose.
CONSISTENT_USAGES: Final[Mapping[ObjectIdentifier, frozenset[str]]] = {
    ExtendedKeyUsageOID.SERVER_AUTH: frozenset({"digital_signature", "key_encipherment", "key_agreement"}),
    ExtendedKeyUsageOID.CLIENT_AUTH: frozenset({"digital_signature", "key_agreement"}),
    ExtendedKeyUsageOID.CODE_SIGNING: frozenset({"digital_signature"}),
    ExtendedKeyUsageOID.EMAIL_PROTECTION: _SIGNATURES | {"key_encipherment", "key_agreement"},
    ExtendedKeyUsageOID.TIME_STAMPING: _SIGNATURES,
}

_DOTTED: Final = re.compile(r"[0-2](?:\.(?:0|[1-9]\d{0,18})){1,20}")


def parse_oid(text: str) -> ObjectIdentifier | None:
    """A dotted object identifier; None where the text is none."""
    try:
        return ObjectIdentifier(text) if _DOTTED.fullmatch(text) else None
    except ValueError:
        return None


def parse_key_usage(name: str) -> str | None:
    """Our name for a key usage, from its name in any spelling (keyEncipherment, key_encipherment); None for others."""
    return _USAGE_BY_LETTERS.get(_letters(name))


def parse_extended_key_usage(name: str) -> ObjectIdentifier | None:
    """An extended key usage, from its name in any spelling or its dotted OID; None where it is none."""
    return _EXTENDED_BY_LETTERS.get(_letters(name)) or parse_oid(name)


def extended_key_usage_name(oid: ObjectIdentifier) -> str:
    """Our name, or the dotted OID of one that we have no name for."""
    return _NAME_OF_EXTENDED.get(oid, oid.dotted_string)


def _letters(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


_USAGE_BY_LETTERS: Final = {_letters(name): name for name in KEY_USAGES} | {"nonrepudiation": "content_commitment"}
_EXTENDED_BY_LETTERS: Final = {_letters(name): oid for name, oid in EXTENDED_USAGES.items()}


def key_usage(names: Iterable[str]) -> KeyUsage:
    """The extension with exactly these bits set. Raises ValueError for encipher/decipher-only without agreement."""
    wanted = set(names)
    return KeyUsage(**{name: name in wanted for name in KEY_USAGES})


def key_usage_names(extension: KeyUsage) -> tuple[str, ...]:
    # `cryptography` raises on the two *_only bits where key_agreement is not set.
    readable = [name for name in KEY_USAGES if name not in AGREEMENT_ONLY or extension.key_agreement]
    return tuple(name for name in readable if getattr(extension, name))


def extended_key_usages(extensions: Extensions) -> frozenset[ObjectIdentifier] | None:
    """The purposes that a certificate is limited to; None where it is not limited."""
    for extension in extensions:
        if isinstance(extension.value, ExtendedKeyUsage):
            purposes = frozenset(extension.value)
            return None if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes else purposes
    return None
