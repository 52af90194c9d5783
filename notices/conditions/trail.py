"""Audit logs that do not verify."""

from __future__ import annotations

from datetime import datetime

from audit.selectors import latest_check
from notices.documents import moment
from notices.findings import Found, Level, label_of
from notices.models import Notice, Rule
from notices.subjects import Subject


def broken(rule: Rule, _at: datetime) -> list[Found]:
    """The organization's log, where its last verification has found something: once, until it is sound again."""
    check = latest_check(rule.organization_id)
    if check is None or check.is_sound:
        return []
    if Notice.objects.filter(rule=rule, subject=Subject.AUDIT_BROKEN, closed_at__isnull=True).exists():
        return []
    return [
        Found(
            kind="audit_log",
            object_id=None,
            label=label_of(rule.organization.name),
            occasion=f"audit:{check.pk}",
            level=Level.CRITICAL,
            facts={"count": len(check.findings), "since": moment(check.at)},
        )
    ]


def over() -> list[int]:
    """Of the open notices about logs, those whose log is sound again."""
    rows = Notice.objects.filter(subject=Subject.AUDIT_BROKEN, closed_at__isnull=True)
    return [pk for pk, log in rows.values_list("pk", "organization_id") if _is_sound(log)]


def _is_sound(log: int) -> bool:
    check = latest_check(log)
    return check is not None and check.is_sound
