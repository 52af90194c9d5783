"""Orders at public CAs that have failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef

from acme_client.models import AcmeOrder
from notices.findings import Found, Level, label_of
from notices.models import Mute, Notice, Rule
from notices.subjects import Subject

KIND: Final = "acme_order"
MOST: Final = 500
# Whoever has not tried again by then does not want it any more.
_FORGOTTEN_AFTER: Final = timedelta(days=14)


def failed(rule: Rule, at: datetime) -> list[Found]:
    """Those that have failed since the rule is there."""
    told = Notice.objects.filter(rule=rule, organization_id=rule.organization_id, object_id=OuterRef("public_id"))
    muted = Mute.objects.filter(organization_id=rule.organization_id, object_id=OuterRef("public_id"))
    rows = AcmeOrder.objects.filter(organization_id=rule.organization_id, status=AcmeOrder.Status.INVALID)
    rows = rows.filter(~Exists(told), ~Exists(muted), closed_at__gt=max(rule.since, at - _FORGOTTEN_AFTER))
    return [
        Found(
            kind=KIND,
            object_id=row.public_id,
            label=label_of(str(row)),
            occasion=str(row.public_id),
            level=Level.WARNING,
            facts={
                "account": label_of(row.account.name),
                "error": label_of(row.last_error),
                "is_renewal": row.replaces_id is not None,
            },
            owner=row.owner.email if row.owner else "",
        )
        for row in rows.select_related("account", "owner").order_by("pk")[:MOST]
    ]


def over(at: datetime) -> list[int]:
    """Of the open notices about orders, those for which there is a newer order, and those that are old."""
    rows = list(Notice.objects.filter(subject=Subject.ORDER_FAILED, closed_at__isnull=True))
    found = AcmeOrder.objects.filter(public_id__in=[row.object_id for row in rows])
    orders: dict[UUID | None, AcmeOrder] = {row.public_id: row for row in found}
    return [row.pk for row in rows if _is_over(row, orders.get(row.object_id), at)]


def _is_over(notice: Notice, order: AcmeOrder | None, at: datetime) -> bool:
    if order is None or notice.created_at <= at - _FORGOTTEN_AFTER:
        return True
    newer = AcmeOrder.objects.filter(organization_id=order.organization_id, account_id=order.account_id)
    return newer.filter(pk__gt=order.pk, names=order.names).exists()
