"""Certificates that are not being served where they are used."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from certificates.models import Placement
from certificates.placement_selectors import not_served
from notices.conditions.certificates import KIND, narrowed
from notices.documents import moment
from notices.findings import Found, Level, label_of
from notices.models import Notice, Rule

MOST: Final = 500


def missing(rule: Rule, at: datetime) -> list[Found]:
    """Those that have not been seen at their place for longer than it may take to put them there."""
    rows = not_served(at=at).filter(organization_id=rule.organization_id).select_related("certificate__owner")
    if rule.filter:
        rows = rows.filter(certificate_id__in=narrowed(rule, at).values("pk"))
    return [_of(row) for row in rows[:MOST]]


def _of(row: Placement) -> Found:
    certificate = row.certificate
    return Found(
        kind=KIND,
        object_id=certificate.public_id,
        label=label_of(str(certificate)),
        occasion=f"{row.public_id}:{moment(row.wrong_since) if row.wrong_since else ''}",
        level=Level.WARNING,
        facts={"place": str(row), "status": row.outcome, "error": label_of(row.last_error) if row.last_error else ""},
        owner=certificate.owner.email if certificate.owner else "",
    )


def over() -> QuerySet[Notice]:
    """Those whose certificate is seen wherever it is used."""
    still = Placement.objects.filter(certificate__public_id=OuterRef("object_id"), wrong_since__isnull=False)
    return Notice.objects.filter(~Exists(still))
