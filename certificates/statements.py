"""What relying parties are told of a certificate now: by our OCSP responder, and by the CRL that it points to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus

from cas.core.reasons import reason_name
from cas.core.validation.ocsp_answers import read_response, request_for
from certificates.models import Certificate, Crl, Revocation
from certificates.selectors import newest_crl
from certificates.services.ca_revocations import reserved_shard
from certificates.services.ocsp import answer_ocsp


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspStatement:
    """`status` is good, revoked or unknown (RFC 6960 2.2); `revoked_at` and `reason` only where it is revoked."""

    status: str
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlStatement:
    """The newest CRL, and whether it lists the certificate. `is_behind`: the register knows better, and the next CRL
    will say so.
    """

    number: int
    this_update: datetime
    next_update: datetime
    is_listed: bool
    is_behind: bool


def ocsp_statement(row: Certificate, issuer: x509.Certificate, *, at: datetime) -> OcspStatement | None:
    """The very answer that a client gets who asks without a nonce, read back; None where it gets none now."""
    if row.ca_id is None:
        return None
    question = request_for(row.body.x509, issuer)
    response = read_response(answer_ocsp(ca_id=row.ca_id, issuer=issuer, request=question, now=at).body)
    if response is None:
        return None
    status = response.certificate_status
    flag = response.revocation_reason
    return OcspStatement(
        status=status.name.lower(),
        this_update=response.this_update_utc,
        next_update=response.next_update_utc,
        revoked_at=response.revocation_time_utc if status is OCSPCertStatus.REVOKED else None,
        reason=reason_name(flag) if flag else "",
    )


def crl_statement(row: Certificate) -> CrlStatement | None:
    """None where no CRL has been published yet."""
    if row.ca_id is None:
        return None
    shard = reserved_shard(row.ca_id, row.serial)
    crl = newest_crl(row.ca_id, shard)
    if crl is None:
        return None
    mark = "first_shard_crl" if shard else "first_crl"
    history = [
        _Mark(is_open=each.lifted_at is None, is_said=getattr(each, mark) is not None)
        for each in Revocation.objects.filter(ca_id=row.ca_id, serial=row.serial)
    ]
    return CrlStatement(
        number=crl.number,
        this_update=crl.this_update,
        next_update=crl.next_update,
        is_listed=_is_listed(row, crl, history),
        is_behind=not all(each.is_said for each in history),
    )


@dataclass(frozen=True, slots=True)
class _Mark:
    """A revocation, and whether a CRL has said so: that it is open, or that it was lifted."""

    is_open: bool
    is_said: bool


def _is_listed(row: Certificate, crl: Crl, history: Collection[_Mark]) -> bool:
    """By what publishing has noted. Where that leaves it open, by the list itself, which may be long: whether a hold
    that was lifted since had come onto it, and whether an entry has gone after the end (RFC 5280 3.3).
    """
    is_open_question = any(not each.is_open and not each.is_said for each in history)
    if is_open_question or (history and row.not_after < crl.this_update):
        published = x509.load_der_x509_crl(bytes(crl.body))
        return published.get_revoked_certificate_by_serial_number(int(row.serial, 16)) is not None
    return any(each.is_open and each.is_said for each in history)
