"""CRLs as bytes (RFC 5280 section 5): entries are made once and kept, and a CRL is a join of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from cryptography.x509 import (
    AuthorityKeyIdentifier,
    Certificate,
    CRLNumber,
    IssuingDistributionPoint,
    ReasonFlags,
    UniformResourceIdentifier,
)

from cas.core import der
from cas.core.keys import PublicKey, key_identifier, supported
from cas.core.reading import raw_field, subject_key_identifier
from cas.core.reasons import CODES
from cas.core.schemes import algorithm_identifier

_VERSION_2: Final = der.integer(1)
_REASON_CODE: Final = "2.5.29.21"
_INVALIDITY_DATE: Final = "2.5.29.24"
_AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
_CRL_NUMBER: Final = "2.5.29.20"
_ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
# RFC 5280 5.2.3: at most 20 octets.
_CRL_NUMBER_LIMIT: Final = 2**159


def entry_der(
    serial: int, revoked_at: datetime, reason: ReasonFlags | None = None, invalidity: datetime | None = None
) -> bytes:
    """One entry of revokedCertificates. `unspecified` has no reason extension (RFC 5280 5.3.1).

    Raises ValueError for removeFromCRL, which only delta CRLs have, and for a serial number below one.
    """
    if reason is not None and reason not in CODES:
        raise ValueError(f"{reason.value} does not stand in a full CRL")
    if serial < 1:
        raise ValueError("a serial number is positive")
    extensions = b""
    if reason is not None and reason is not ReasonFlags.unspecified:
        extensions += der.extension(_REASON_CODE, der.enumerated(CODES[reason]))
    if invalidity is not None:
        extensions += der.extension(_INVALIDITY_DATE, der.generalized_time(invalidity))
    listed = der.sequence(extensions) if extensions else b""
    return der.sequence(der.integer(serial), der.time(revoked_at), listed)


def crl_to_be_signed(
    *,
    issuer: Certificate,
    number: int,
    this_update: datetime,
    next_update: datetime,
    entries: Sequence[bytes],
    issuing_distribution_point: str | None = None,
) -> bytes:
    """The TBSCertList of a full CRL, or of a shard where its URL is given.

    Entries stand in the order given, one by one or several already joined.

    Raises ValueError for times out of order and numbers that no CRL can have.
    """
    if not this_update < next_update:
        raise ValueError("nextUpdate must be after thisUpdate")
    if not 0 <= number < _CRL_NUMBER_LIMIT:
        raise ValueError("a CRL number is from 0 to 2^159 - 1")
    opening = crl_opening(issuer) + der.time(this_update) + der.time(next_update)
    listed = sum(map(len, entries))
    # RFC 5280 5.1.2.6: without entries the field is absent.
    listed_header = der.header(der.SEQUENCE, listed) if listed else b""
    closing = der.explicit(0, der.sequence(*_extensions(issuer, number, issuing_distribution_point)))
    length = len(opening) + len(listed_header) + listed + len(closing)
    # One join: with a million entries every copy counts.
    return b"".join((der.header(der.SEQUENCE, length), opening, listed_header, *entries, closing))


def crl_opening(issuer: Certificate) -> bytes:
    """What every TBSCertList of this issuer begins with: version, signature algorithm, issuer name."""
    return _VERSION_2 + algorithm_identifier(_key_of(issuer)) + raw_field(issuer, "subject")


def _extensions(issuer: Certificate, number: int, url: str | None) -> Iterable[bytes]:
    identifier = subject_key_identifier(issuer) or key_identifier(_key_of(issuer))
    yield der.extension(_AUTHORITY_KEY_IDENTIFIER, AuthorityKeyIdentifier(identifier, None, None).public_bytes())
    yield der.extension(_CRL_NUMBER, CRLNumber(number).public_bytes())
    if url is not None:
        point = IssuingDistributionPoint(
            full_name=[UniformResourceIdentifier(url)],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        # RFC 5280 5.2.5: critical, so that nobody takes a part for the whole.
        yield der.extension(_ISSUING_DISTRIBUTION_POINT, point.public_bytes(), critical=True)


def _key_of(issuer: Certificate) -> PublicKey:
    return supported(issuer.public_key(), field="issuer")
