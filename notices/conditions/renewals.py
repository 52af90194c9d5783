"""Renewals that fail, and those that somebody else has to make."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from certificates.models import Certificate, Renewal
from notices.conditions.certificates import KIND, narrowed
from notices.documents import moment
from notices.findings import Found, Level, label_of
from notices.models import Mute, Notice, Rule

MOST: Final = 500

Standing = Renewal.Standing


def failed(rule: Rule, at: datetime) -> list[Found]:
    """Certificates that were to be renewed, and could not be."""
    return _found(rule, at, Standing.FAILED)


def needed(rule: Rule, at: datetime) -> list[Found]:
    """Certificates whose key is not here: whoever has it has to make the next request."""
    return _found(rule, at, Standing.NEEDED)


def _found(rule: Rule, at: datetime, standing: Standing) -> list[Found]:
    told = Notice.objects.filter(
        rule=rule, organization_id=rule.organization_id, object_id=OuterRef("certificate__public_id")
    )
    muted = Mute.objects.filter(organization_id=rule.organization_id, object_id=OuterRef("certificate__public_id"))
    rows = Renewal.objects.filter(~Exists(told), ~Exists(muted), organization_id=rule.organization_id)
    rows = rows.filter(standing=standing).select_related("certificate__owner").order_by("pk")
    if rule.filter:
        rows = rows.filter(certificate_id__in=narrowed(rule, at).values("pk"))
    return [_of(row, row.certificate) for row in rows[:MOST]]


def _of(row: Renewal, certificate: Certificate) -> Found:
    first = certificate.sans[0] if certificate.sans else ""
    return Found(
        kind=KIND,
        object_id=certificate.public_id,
        label=label_of(certificate.common_name, first, certificate.subject, certificate.serial),
        occasion=f"{certificate.public_id}:{row.standing}",
        level=Level.WARNING,
        facts={
            "ends": moment(certificate.not_after),
            "serial": certificate.serial,
            "error": label_of(row.last_error) if row.last_error else "",
        },
        owner=certificate.owner.email if certificate.owner else "",
    )


def over() -> QuerySet[Notice]:
    """Those whose certificate waits for nothing any more."""
    standing = Q(standing__in=[Standing.FAILED, Standing.NEEDED])
    still = Renewal.objects.filter(standing, certificate__public_id=OuterRef("object_id"))
    return Notice.objects.filter(~Exists(still))
