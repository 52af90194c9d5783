"""What the audit log says has happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from audit.models import AuditEvent


@contextmanager
def happenings() -> Iterator[list[str]]:
    """The names of the events that the block records, in their order; the list is filled when the block ends."""
    before = last_event_number()
    names: list[str] = []
    try:
        yield names
    finally:
        names += AuditEvent.objects.filter(pk__gt=before).order_by("pk").values_list("name", flat=True)


def last_event_number() -> int:
    newest = AuditEvent.objects.order_by("-pk").first()
    return newest.pk if newest else 0


def last_event() -> AuditEvent:
    return AuditEvent.objects.order_by("-pk")[0]
