"""Requests that nobody decides on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from certificates.models import Request
from notices.documents import moment
from notices.findings import Found, Level, label_of
from notices.models import Notice, Rule

KIND: Final = "request"
MOST: Final = 500
_PATIENCE: Final = timedelta(hours=1)


def waiting(rule: Rule, at: datetime) -> list[Found]:
    """Those that have waited for an hour."""
    told = Notice.objects.filter(rule=rule, organization_id=rule.organization_id, object_id=OuterRef("public_id"))
    rows = Request.objects.filter(organization_id=rule.organization_id, status=Request.Status.PENDING)
    rows = rows.filter(~Exists(told), created_at__lte=at - _PATIENCE, expires_at__gt=at).order_by("pk")
    return [
        Found(
            kind=KIND,
            object_id=row.public_id,
            label=label_of(row.name),
            occasion=str(row.public_id),
            level=Level.INFO,
            facts={"since": moment(row.created_at), "requester": row.requester_label},
        )
        for row in rows[:MOST]
    ]


def over() -> QuerySet[Notice]:
    """Those whose request is decided, or over."""
    still = Request.objects.filter(public_id=OuterRef("object_id"), status=Request.Status.PENDING)
    return Notice.objects.filter(~Exists(still))
