"""What is known of revocations: our own register, CRLs and OCSP responses that were given or fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography.x509 import (
    CertificateRevocationList,
    ReasonFlags,
    load_der_x509_crl,
    load_pem_x509_crl,
)
from cryptography.x509.ocsp import OCSPResponse

from cas.core.reading import UNREADABLE
from kernel.errors import Invalid
from kernel.text import _

LONGEST: Final = 10 * 1024 * 1024
_MOST_LISTS: Final = 32
_PEM_BEGIN: Final = b"-----BEGIN X509 CRL-----"


class Standing(StrEnum):
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Source(StrEnum):
    REGISTER = "register"
    CRL = "crl"
    OCSP = "ocsp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one source says of a certificate. `since` is when it became bad: the date of the revocation, or an earlier
    one from which on the key was not to be trusted (RFC 5280 5.3.2).
    """

    standing: Standing
    source: Source
    since: datetime | None = None
    reason: ReasonFlags = ReasonFlags.unspecified

    def as_of(self, moment: datetime) -> Statement:
        """What was revoked later was good until then."""
        if self.since is None or self.since <= moment:
            return self
        return Statement(standing=Standing.GOOD, source=self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`register` is ours, by the issuer's SubjectPublicKeyInfo (DER) and the serial number: it is believed. CRLs and
    responses are believed once their signatures hold.
    """

    register: Mapping[tuple[bytes, int], Statement] = field(default_factory=lambda: MappingProxyType({}))
    crls: tuple[CertificateRevocationList, ...] = ()
    responses: tuple[OCSPResponse, ...] = ()


def read_crls(data: bytes, *, field: str) -> tuple[CertificateRevocationList, ...]:
    """CRLs from PEM (one or several) or the DER of one. Raises Invalid on `field`."""
    if len(data) > LONGEST:
        raise Invalid.of(field, "too-long", _("is longer than %(limit)s bytes"), limit=LONGEST)
    blocks = [_PEM_BEGIN + block for block in data.split(_PEM_BEGIN)[1:]]
    if len(blocks) > _MOST_LISTS:
        raise Invalid.of(field, "too-long", _("holds more than %(limit)s CRLs"), limit=_MOST_LISTS)
    try:
        return tuple(map(load_pem_x509_crl, blocks)) if blocks else (load_der_x509_crl(data),)
    except UNREADABLE as error:
        raise Invalid.of(field, "unreadable-crl", _("this is not a CRL that can be read")) from error
