"""Reading the last CRL of a CA that was kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.x509 import (
    Certificate,
    CertificateRevocationList,
    CRLNumber,
    CRLReason,
    DeltaCRLIndicator,
    InvalidityDate,
    IssuingDistributionPoint,
    ReasonFlags,
    RevokedCertificate,
    load_der_x509_crl,
    load_pem_x509_crl,
)

from cas.core.keys import supported
from cas.core.reading import UNREADABLE, extension_of
from cas.core.reasons import CODES
from kernel.errors import Invalid
from kernel.text import _

LONGEST: Final = 64 * 1024 * 1024
_SERIAL_LIMIT: Final = 2**159  # RFC 5280 4.1.2.2


@dataclass(frozen=True, slots=True)
class ListedRevocation:
    """One entry. A reason that a full CRL cannot have counts as unspecified."""

    serial: int
    at: datetime
    reason: ReasonFlags
    invalidity: datetime | None


@dataclass(frozen=True, slots=True)
class ForeignCrl:
    """A complete CRL, its signature verified. `number` is 0 where it has none."""

    number: int
    field: str
    _crl: CertificateRevocationList

    def entries(self) -> Iterator[ListedRevocation]:
        """In the order of the list. Raises Invalid on the first that cannot be read."""
        try:
            for entry in self._crl:
                yield _listed(entry, self.field)
        except UNREADABLE as error:
            raise _unreadable(self.field) from error


def read_foreign_crl(data: bytes, issuer: Certificate, *, field: str) -> ForeignCrl:
    """The CRL of this CA, from PEM or DER. Raises Invalid on `field`: unreadable, another's, delta or indirect."""
    if len(data) > LONGEST:
        raise Invalid.of(field, "too-long", _("is longer than %(limit)s bytes"), limit=LONGEST)
    try:
        crl = load_pem_x509_crl(data) if b"-----BEGIN " in data[:4096] else load_der_x509_crl(data)
        point = extension_of(crl.extensions, IssuingDistributionPoint)
        number = extension_of(crl.extensions, CRLNumber)
        is_delta = extension_of(crl.extensions, DeltaCRLIndicator) is not None
        is_its_own = crl.issuer == issuer.subject and crl.is_signature_valid(supported(issuer.public_key()))
    except UNREADABLE as error:
        raise _unreadable(field) from error
    if not is_its_own:
        raise Invalid.of(field, "other-issuer", _("this CRL was not signed by the CA"))
    if is_delta or (point is not None and (point.indirect_crl or point.only_some_reasons is not None)):
        raise Invalid.of(field, "incomplete-crl", _("this must be a complete CRL: neither delta nor indirect"))
    return ForeignCrl(number.crl_number if number else 0, field, crl)


def _listed(entry: RevokedCertificate, field: str) -> ListedRevocation:
    if not 0 < entry.serial_number < _SERIAL_LIMIT:
        raise _unreadable(field)
    coded = extension_of(entry.extensions, CRLReason)
    dated = extension_of(entry.extensions, InvalidityDate)
    return ListedRevocation(
        serial=entry.serial_number,
        at=entry.revocation_date_utc,
        reason=coded.reason if coded and coded.reason in CODES else ReasonFlags.unspecified,
        invalidity=dated.invalidity_date_utc if dated else None,
    )


def _unreadable(field: str) -> Invalid:
    return Invalid.of(field, "unreadable-crl", _("this is not a CRL that can be read"))
