"""Steps that take certificates from CAs: listed by their issuer, while a CA that has another one goes on under it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from cryptography import x509
from django.db.models import Q, QuerySet

from cas.core.crl import entry_der
from cas.core.reasons import reason_name
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.services.founding import makes_circle, set_preferred
from certificates.models import Revocation

Status = CertificateAuthority.Status


def list_ca_certificate(
    row: CaCertificate, reason: x509.ReasonFlags, comment: str, *, at: datetime, event: str
) -> None:
    """Revoke it on the list of its issuer. One that is there already, or whose issuer is not ours, is left as it is.

    Its own signature over itself stands on no list.
    """
    issuer = row.issuer
    if issuer is None or not issuer.has_key or issuer == row.ca or row.revoked_at is not None:
        return
    Revocation.objects.create(
        organization_id=row.organization_id,
        ca=issuer,
        serial=row.serial,
        at=at,
        reason=reason_name(reason),
        comment=comment,
        not_after=row.not_after,
        entry_der=entry_der(int(row.serial, 16), at, reason, None),
        shard=reserved_shard(issuer.pk, row.serial),
        event=event,
    )
    row.revoked_at = at
    row.save(update_fields=["revoked_at"])


def reserved_shard(ca_id: int | None, serial: str) -> int:
    """The CRL shard that the certificate points to."""
    reserved = IssuedSerial.objects.filter(ca_id=ca_id, serial=serial).values_list("shard", flat=True).first()
    return reserved or 0


def falling_with(ca: CertificateAuthority, subtree: Collection[CertificateAuthority], at: datetime) -> set[int]:
    """The CAs of its subtree (parents first) that have no certificate left once this one is gone."""
    fallen = {ca.pk}
    for below in subtree:
        if below.parent_id in fallen and not standing(below, at, without=fallen).exists():
            fallen.add(below.pk)
    return fallen


def standing(ca: CertificateAuthority, at: datetime, *, without: Collection[int] = ()) -> QuerySet[CaCertificate]:
    """The certificates by which the CA can be believed, the longest-lasting first, apart from those of some issuers."""
    from_elsewhere = Q(issuer__isnull=True) | Q(issuer=ca) | ~Q(issuer__status=Status.REVOKED)
    rows = CaCertificate.objects.select_related("issuer", "ca").filter(ca=ca, revoked_at__isnull=True, not_after__gt=at)
    return rows.filter(from_elsewhere).exclude(issuer_id__in=without).order_by("-not_after", "-pk")


def fall_back(ca: CertificateAuthority, at: datetime, *, without: Collection[int] = ()) -> None:
    """Where its preferred certificate is gone, the CA goes on under the one of the others that lasts longest."""
    preferred = CaCertificate.objects.filter(ca=ca, preferred=True).first()
    if preferred is None or (preferred.revoked_at is None and preferred.issuer_id not in without):
        return
    other = next((row for row in standing(ca, at, without=without) if not makes_circle(row)), None)
    if other is not None:
        set_preferred(ca, other)


def issuers_of(cas: Collection[int]) -> list[int]:
    """The CAs of ours that have certified these CAs and are none of them: what is revoked stands on their lists."""
    rows = CaCertificate.objects.filter(ca_id__in=cas, issuer__key__isnull=False).exclude(issuer_id__in=cas)
    return sorted(set(rows.values_list("issuer_id", flat=True)))
