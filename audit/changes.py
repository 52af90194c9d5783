"""When something was last changed, as the log tells it: rows of record do not say it of themselves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max

from audit.events import EventName
from audit.models import AuditEvent


def last_told(
    resource_type: str, numbers: Collection[int], *, logs: Collection[int], names: Collection[EventName]
) -> dict[int, datetime]:
    """By number: when the last of these events about it happened. One query, on an index."""
    told = AuditEvent.objects.filter(
        log__in=logs, resource_type=resource_type, resource_id__in=numbers, name__in=[str(name) for name in names]
    )
    return dict(told.order_by().values_list("resource_id").annotate(at=Max("at")))
