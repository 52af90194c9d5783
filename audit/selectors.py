"""What was recorded, read back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from audit.events import EventName
from audit.models import AuditCheckpoint, AuditEvent, AuditKey
from kernel.actor import Actor, ActorKind
from kernel.errors import NotFound
from kernel.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What a list of events is narrowed to; None narrows nothing. `since` is included, `until` is not."""

    organization_id: int | None = None
    name: EventName | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: tuple[ActorKind, int] | None = None
    resource_type: str | None = None
    resource_id: int | None = None
    trace_id: str | None = None


def visible_events(visible_to: Actor) -> QuerySet[AuditEvent]:
    """The log of the actor's organization; every log, the system's too, for a superuser above all of them."""
    if visible_to.organization_id is not None:
        return AuditEvent.objects.filter(log=visible_to.organization_id)
    return AuditEvent.objects.all() if visible_to.is_superuser else AuditEvent.objects.none()


def list_events(
    wanted: EventFilter, *, visible_to: Actor, before: int | None = None, limit: int = 50
) -> list[AuditEvent]:
    """The newest events first, at most `limit`; `before` is the `pk` of the last one of the page before."""
    equals = {
        "log": wanted.organization_id,
        "name": wanted.name,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
        "resource_type": wanted.resource_type,
        "resource_id": wanted.resource_id,
        "trace_id": wanted.trace_id,
        "pk__lt": before,
    }
    if wanted.actor is not None:
        equals["actor_kind"], equals["actor_id"] = wanted.actor
    events = visible_events(visible_to).filter(**{name: value for name, value in equals.items() if value is not None})
    return list(events.order_by("-pk")[:limit])


def get_event(event_id: str, *, visible_to: Actor) -> AuditEvent:
    """Raises NotFound."""
    event = visible_events(visible_to).filter(event_id=event_id).first()
    if event is None:
        raise NotFound(_("There is no such audit event."))
    return event


def oldest_unsealed() -> AuditEvent | None:
    """The event that has waited longest for the sealer, over all logs; its `at` tells how long."""
    return AuditEvent.objects.filter(position=None).order_by("pk").first()


def unsealed_logs() -> list[int]:
    return list(AuditEvent.objects.filter(position=None).order_by("log").values_list("log", flat=True).distinct())


def latest_checkpoint(log: int) -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.filter(log=log).order_by("-size").first()


def log_origin(log: int) -> str:
    """The name that checkpoints call this log by: with this installation's first key in it, no two are alike."""
    first = AuditKey.objects.order_by("pk").values_list("key_id", flat=True).first()
    return f"chancery/{first or 'unkeyed'}/{log}"
