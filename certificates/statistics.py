"""Counts for people who look: they read, and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from cas.models import CertificateAuthority
from cas.selectors import authorities
from certificates.models import Certificate, Crl, CrlScope
from kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class CertificateCounts:
    """Every certificate is in exactly one of the five; `expiring` are those that end within `soon`."""

    active: int
    expiring: int
    expired: int
    held: int
    revoked: int

    @property
    def total(self) -> int:
        return self.active + self.expiring + self.expired + self.held + self.revoked


def count_authorities(*, visible_to: Actor) -> int:
    return authorities(visible_to=visible_to).filter(status=CertificateAuthority.Status.ACTIVE).count()


def crl_scopes(*, visible_to: Actor) -> QuerySet[CrlScope]:
    """Each sequence of CRLs with its CA, and with `expires_at` and `entries` of the newest list (None without one)."""
    newest = Crl.objects.filter(scope=OuterRef("pk")).order_by("-number")
    scopes = CrlScope.objects.select_related("ca").annotate(
        expires_at=Subquery(newest.values("next_update")[:1]), entries=Subquery(newest.values("entries")[:1])
    )
    return scopes.filter(ca__in=authorities(visible_to=visible_to).order_by()).order_by("ca_id", "scope")


def with_issued_counts(rows: QuerySet[CertificateAuthority]) -> QuerySet[CertificateAuthority]:
    """CAs, each with `certificates_issued`: how many end-entity certificates of it are in the register."""
    issued = Certificate.objects.filter(ca=OuterRef("pk")).order_by().values("ca").annotate(count=Count("pk"))
    return rows.annotate(certificates_issued=Coalesce(Subquery(issued.values("count")), 0))
