"""A certificate read once, whatever is in it: what cannot be read is a flaw to be judged, not an exception."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    DuplicateExtension,
    Extension,
    ExtensionType,
    KeyUsage,
    Name,
    SubjectAlternativeName,
    Version,
)
from cryptography.x509.oid import ExtensionOID, ObjectIdentifier

from cas.core import der
from cas.core.constraints import ComparableName, comparable_name
from cas.core.formats import to_der
from cas.core.names import format_name
from cas.core.policies import mappings
from cas.core.reading import UNREADABLE, authority_key_identifier, raw_field, subject_key_identifier
from kernel.text import _

AnyExtension = TypeVar("AnyExtension", bound=ExtensionType)
Flaw = tuple[str, str, Mapping[str, object]]
"""A code, and a sentence about `%(name)s` with what else stands in it."""

# What the rules of this package act on. A critical extension that is not here is one that nobody has looked at.
PROCESSED: Final = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.OCSP_NO_CHECK,
    }
)
_LONGEST_NAME: Final = 200
_LARGEST_RSA: Final = 8192
_EXPONENT_LIMIT: Final = 2**32


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What stands in a certificate. Two of the same bytes are the same: compare `fingerprint`.

    `key` is None where it is of a kind that cannot be read; `extensions` is empty where they cannot be.
    """

    certificate: Certificate
    fingerprint: str
    label: str
    subject: ComparableName
    issuer: ComparableName
    spki: bytes
    key: object | None
    extensions: Mapping[ObjectIdentifier, Extension[ExtensionType]]
    flaws: tuple[Flaw, ...]

    @classmethod
    def read(cls, certificate: Certificate) -> Facts:
        """Never raises for a certificate that could be loaded and has names that can be read; else ValueError."""
        extensions, flaws = _extensions(certificate)
        key, key_flaws = _key(certificate)
        return cls(
            certificate=certificate,
            fingerprint=hashlib.sha256(to_der(certificate)).hexdigest(),
            label=label_of(certificate.subject),
            subject=comparable_name(certificate.subject),
            issuer=comparable_name(certificate.issuer),
            spki=raw_field(certificate, "spki"),
            key=key,
            extensions=extensions,
            flaws=(*flaws, *key_flaws, *_signature_flaws(certificate)),
        )

    def extension(self, kind: type[AnyExtension]) -> AnyExtension | None:
        found = self.extensions.get(kind.oid)
        return found.value if found is not None and isinstance(found.value, kind) else None

    def is_critical(self, oid: ObjectIdentifier) -> bool:
        found = self.extensions.get(oid)
        return found is not None and found.critical

    @property
    def is_self_issued(self) -> bool:
        """RFC 5280 3.2."""
        return self.subject == self.issuer

    @property
    def is_authority(self) -> bool:
        limits = self.extension(BasicConstraints)
        return limits is not None and limits.ca

    @property
    def is_version_1(self) -> bool:
        """From before there were extensions, so from before a certificate said whether it is a CA's."""
        return self.certificate.version is Version.v1

    @property
    def may_sign_certificates(self) -> bool:
        """Where key usage stands, keyCertSign must be in it (RFC 5280 6.1.4 n)."""
        usage = self.extension(KeyUsage)
        return usage is None or usage.key_cert_sign

    @property
    def may_sign_crls(self) -> bool:
        """RFC 5280 6.3.3 f."""
        usage = self.extension(KeyUsage)
        return usage is None or usage.crl_sign

    @property
    def sans(self) -> tuple[object, ...]:
        return tuple(self.extension(SubjectAlternativeName) or ())

    @property
    def subject_key_id(self) -> bytes | None:
        return subject_key_identifier(self.certificate) if self.extensions else None

    @property
    def authority_key_id(self) -> bytes | None:
        return authority_key_identifier(self.certificate) if self.extensions else None

    @property
    def unprocessed_critical(self) -> tuple[ObjectIdentifier, ...]:
        """RFC 5280 6.1.4 o and 6.1.5 f."""
        return tuple(oid for oid, each in self.extensions.items() if each.critical and oid not in PROCESSED)


def label_of(name: Name) -> str:
    """A name to be shown in a sentence."""
    text = format_name(name)
    return (text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…") or "(without a name)"


def _extensions(certificate: Certificate) -> tuple[dict[ObjectIdentifier, Extension[ExtensionType]], list[Flaw]]:
    try:
        found = {each.oid: each for each in certificate.extensions}
    except DuplicateExtension as error:
        text = _("%(name)s has the extension %(oid)s twice")
        return {}, [("duplicate-extension", text, {"oid": error.oid.dotted_string})]
    except UNREADABLE:
        return {}, [("unreadable-extension", _("the extensions of %(name)s cannot be read"), {})]
    try:
        mappings(certificate)
    except UNREADABLE:
        return found, [("unreadable-extension", _("the policy mappings of %(name)s cannot be read"), {})]
    return found, []


def _key(certificate: Certificate) -> tuple[object | None, list[Flaw]]:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        key = None
    if key is None or _is_costly(key):
        return None, [("unsupported-key", _("the key of %(name)s is of a kind that cannot be judged here"), {})]
    return key, []


def _is_costly(key: object) -> bool:
    """RSA that takes a hundred times as long as usual to verify by, and that nobody has: a way to keep us busy."""
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return key.key_size > _LARGEST_RSA or key.public_numbers().e >= _EXPONENT_LIMIT


def _signature_flaws(certificate: Certificate) -> list[Flaw]:
    """RFC 5280 4.1.1.2: the algorithm outside is the one inside, which is signed."""
    whole = der.Reader(to_der(certificate)).enter()
    whole.read(der.SEQUENCE)
    if whole.read_whole(der.SEQUENCE) == raw_field(certificate, "signature"):
        return []
    text = _("%(name)s names one signature algorithm outside and another one inside")
    return [("signature-algorithm-mismatch", text, {})]
