"""What relying parties are told of a certificate now: by our OCSP responder, and by the CRL that it points to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus

from cas.core.reasons import reason_name
from cas.core.validation.ocsp_answers import read_response, request_for
from certificates.models import Certificate, Crl, Revocation
from certificates.selectors import newest_crl_about
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
    crl = newest_crl_about(row.ca_id, row.serial)
    if crl is None:
        return None
    mark = "first_shard_crl" if crl.scope.scope else "first_crl"
    history = [
        _Mark(is_open=each.lifted_at is None, since=getattr(each, mark), not_after=each.not_after)
        for each in Revocation.objects.filter(ca_id=row.ca_id, serial=row.serial)
    ]
    return CrlStatement(
        number=crl.number,
        this_update=crl.this_update,
        next_update=crl.next_update,
        is_listed=_is_listed(row, crl, history),
        is_behind=any(each.since is None for each in history),
    )


@dataclass(frozen=True, slots=True)
class _Mark:
    """A revocation, and the first CRL that said so: that it is open, or that it was lifted; None: none has."""

    is_open: bool
    since: int | None
    not_after: datetime


def _is_listed(row: Certificate, crl: Crl, history: Collection[_Mark]) -> bool:
    """By what publishing has noted. Where that leaves it open, by the list itself: whether a hold that was lifted since
    had come onto it.
    """
    if any(not each.is_open and each.since is None for each in history):
        return _stands_on(crl.pk, crl.sha256, row.serial)
    return any(each.is_open and _is_carried(each, crl) for each in history)


def _is_carried(mark: _Mark, crl: Crl) -> bool:
    """Whether a CRL has an entry that is open: one that it was not the first to carry, and that had ended before the
    CRL before it, has gone (RFC 5280 3.3).
    """
    if mark.since is None or mark.since >= crl.number or mark.not_after >= crl.this_update:
        return mark.since is not None
    before = Crl.objects.filter(scope=crl.scope_id, number__lt=crl.number).order_by("-number")
    began = before.values_list("this_update", flat=True).first()
    return began is None or mark.not_after >= began


# A list may be long, and what has this hash never changes.
@lru_cache(maxsize=4096)
def _stands_on(crl: int, _sha256: str, serial: str) -> bool:
    published = x509.load_der_x509_crl(bytes(Crl.objects.values_list("body", flat=True).get(pk=crl)))
    return published.get_revoked_certificate_by_serial_number(int(serial, 16)) is not None
