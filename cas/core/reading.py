"""Reading certificates that others wrote, and everything that `cryptography` raises on bytes it cannot read."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    AuthorityKeyIdentifier,
    BasicConstraints,
    Certificate,
    DuplicateExtension,
    ExtensionNotFound,
    Extensions,
    ExtensionType,
    InvalidVersion,
    KeyUsage,
    SubjectKeyIdentifier,
    UnsupportedGeneralNameType,
)

from cas.core import der

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    DuplicateExtension,
    UnsupportedGeneralNameType,
    InvalidVersion,
)

AnyExtension = TypeVar("AnyExtension", bound=ExtensionType)


def extension_of(extensions: Extensions, kind: type[AnyExtension]) -> AnyExtension | None:
    """The extension of this kind, or None where there is none."""
    try:
        return extensions.get_extension_for_class(kind).value
    except ExtensionNotFound:
        return None


def is_authority(certificate: Certificate) -> bool:
    """Whether basic constraints say CA (RFC 5280 4.2.1.9)."""
    constraints = extension_of(certificate.extensions, BasicConstraints)
    return constraints is not None and constraints.ca


def path_length(certificate: Certificate) -> int | None:
    """How many CAs may stand below this one by its own word; None where it says nothing."""
    constraints = extension_of(certificate.extensions, BasicConstraints)
    return constraints.path_length if constraints else None


def may_sign_crls(certificate: Certificate) -> bool:
    """Whether a CA may sign CRLs: where key usage stands, cRLSign must be in it (RFC 5280 4.2.1.3)."""
    usage = extension_of(certificate.extensions, KeyUsage)
    return usage is None or usage.crl_sign


def is_self_issued(certificate: Certificate) -> bool:
    """Whether issuer and subject are one name (RFC 5280 3.2)."""
    return certificate.issuer == certificate.subject


def subject_key_identifier(certificate: Certificate) -> bytes | None:
    extension = extension_of(certificate.extensions, SubjectKeyIdentifier)
    return extension.digest if extension else None


def authority_key_identifier(certificate: Certificate) -> bytes | None:
    extension = extension_of(certificate.extensions, AuthorityKeyIdentifier)
    return extension.key_identifier if extension else None


_TBS_FIELDS: Final = ("signature", "issuer", "validity", "subject", "spki")
TbsField = Literal["signature", "issuer", "validity", "subject", "spki"]


def raw_field(certificate: Certificate, field: TbsField) -> bytes:
    """A field of the TBSCertificate (RFC 5280 4.1) as it stands, byte for byte."""
    return _raw_fields(certificate)[field]


@lru_cache(maxsize=64)
def _raw_fields(certificate: Certificate) -> dict[str, bytes]:
    tbs = der.Reader(certificate.tbs_certificate_bytes).enter()
    version = der.context_tag(0, constructed=True)
    if tbs.next_is(version):
        tbs.read(version)
    tbs.read(der.INTEGER)
    return {name: tbs.read_whole(der.SEQUENCE) for name in _TBS_FIELDS}
