"""What was recorded, read back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from django.db.models import Max, QuerySet

from audit import checkpoint_files
from audit.document import SYSTEM_LOG
from audit.events import EventName
from audit.models import AuditCheck, AuditCheckpoint, AuditEvent, AuditKey, AuditTile
from kernel.actor import Actor, ActorKind
from kernel.errors import NotFound
from kernel.text import _

# A ULID, in Crockford's alphabet.
_EVENT_ID: Final = re.compile("[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What a list of events is narrowed to; None narrows nothing.

    `since` is included, `until` is not; a date is its first moment in UTC. `actor` is a kind and a number; `serial`
    is lower-case hex without leading zeros, `ip` an address as `ipaddress` writes it.
    """

    organization_id: int | None = None
    name: EventName | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None
    actor: tuple[ActorKind, int] | None = None
    resource_type: str | None = None
    resource_id: int | None = None
    serial: str | None = None
    ip: str | None = None
    trace_id: str | None = None


def first_moment(day: date | datetime) -> datetime:
    """A moment is itself; a date begins at midnight in UTC."""
    return day if isinstance(day, datetime) else datetime.combine(day, time.min, UTC)


def visible_events(visible_to: Actor) -> QuerySet[AuditEvent]:
    """The log of the actor's organization; every log, the system's too, for a superuser above all of them.

    Nothing for those who are let to single CAs: a log is not about one.
    """
    if visible_to.grants is not None:
        return AuditEvent.objects.none()
    if visible_to.organization_id is not None:
        return AuditEvent.objects.filter(log=visible_to.organization_id)
    return AuditEvent.objects.all() if visible_to.is_superuser else AuditEvent.objects.none()


def filter_events(wanted: EventFilter, *, visible_to: Actor) -> QuerySet[AuditEvent]:
    """The events that are wanted, in no order yet. Within one log each filter has an index, `ip` and `until` apart."""
    equals = {
        "log": wanted.organization_id,
        "name": wanted.name,
        "at__gte": wanted.since and first_moment(wanted.since),
        "at__lt": wanted.until and first_moment(wanted.until),
        "resource_type": wanted.resource_type,
        "resource_id": wanted.resource_id,
        "serial": wanted.serial,
        "ip": wanted.ip,
        "trace_id": wanted.trace_id,
    }
    if wanted.actor is not None:
        equals["actor_kind"], equals["actor_id"] = wanted.actor
    return visible_events(visible_to).filter(**{name: value for name, value in equals.items() if value is not None})


def list_events(
    wanted: EventFilter, *, visible_to: Actor, before: int | None = None, limit: int = 50
) -> list[AuditEvent]:
    """The newest events first, at most `limit`; `before` is the `pk` of the last one of the page before."""
    events = filter_events(wanted, visible_to=visible_to)
    if before is not None:
        events = events.filter(pk__lt=before)
    return list(events.order_by("-pk")[:limit])


def count_events(log: int) -> int:
    """How many events there are, without reading them: sealed ones stand without gaps, and few are not sealed."""
    events = AuditEvent.objects.filter(log=log)
    last: int | None = events.aggregate(last=Max("position"))["last"]
    return (0 if last is None else last + 1) + events.filter(position=None).count()


def get_event(event_id: str, *, visible_to: Actor) -> AuditEvent:
    """Raises NotFound."""
    is_known = _EVENT_ID.fullmatch(event_id) is not None
    event = visible_events(visible_to).filter(event_id=event_id).first() if is_known else None
    if event is None:
        raise NotFound(_("There is no such audit event."))
    return event


def newest_event(name: EventName, *, log: int, resource_type: str, resource_id: int) -> AuditEvent | None:
    """The last time that this happened to that row."""
    about = AuditEvent.objects.filter(log=log, resource_type=resource_type, resource_id=resource_id)
    return about.filter(name=name).order_by("-pk").first()


def actors_of(event_ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    """The kind and the number of who did each of these: for those who may see what came of it."""
    rows = AuditEvent.objects.filter(event_id__in=list(event_ids))
    return {event: (kind, number) for event, kind, number in rows.values_list("event_id", "actor_kind", "actor_id")}


def visible_log(log: int, *, visible_to: Actor) -> int:
    """The same number, if the actor may see this log. Raises NotFound."""
    own = visible_to.organization_id
    if visible_to.grants is not None or (log != own and not (own is None and visible_to.is_superuser)):
        raise NotFound(_("There is no such audit log."))
    return log


def checkpoints(log: int, *, visible_to: Actor) -> QuerySet[AuditCheckpoint]:
    """The checkpoints of a log, in no order yet. Raises NotFound."""
    return AuditCheckpoint.objects.filter(log=visible_log(log, visible_to=visible_to))


def get_checkpoint(log: int, size: int | None, *, visible_to: Actor) -> AuditCheckpoint:
    """The checkpoint of exactly `size` events; the newest for None. Raises NotFound."""
    found = checkpoints(log, visible_to=visible_to)
    wanted = found.order_by("-size") if size is None else found.filter(size=size)
    if (checkpoint := wanted.first()) is None:
        raise NotFound(_("There is no such checkpoint."))
    return checkpoint


def oldest_unsealed() -> AuditEvent | None:
    """The event that has waited longest for the sealer, over all logs; its `at` tells how long."""
    return AuditEvent.objects.filter(position=None).order_by("pk").first()


def all_logs() -> list[int]:
    """Every log that there is, or that a checkpoint outside the database says there was."""
    known = {SYSTEM_LOG, *checkpoint_files.logs_beside(log_origin(SYSTEM_LOG))}
    for model in (AuditEvent, AuditCheckpoint, AuditTile):
        known.update(model._default_manager.order_by("log").values_list("log", flat=True).distinct())
    return sorted(known)


def unsealed_logs() -> list[int]:
    return list(AuditEvent.objects.filter(position=None).order_by("log").values_list("log", flat=True).distinct())


def latest_checkpoint(log: int) -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.filter(log=log).order_by("-size").first()


def latest_check(log: int) -> AuditCheck | None:
    """What the last verification of this log came to."""
    return AuditCheck.objects.filter(log=log).order_by("-pk").first()


def log_origin(log: int) -> str:
    """The name that checkpoints call this log by: with this installation's first key in it, no two are alike."""
    first = AuditKey.objects.order_by("pk").values_list("key_id", flat=True).first()
    return f"chancery/{first or 'unkeyed'}/{log}"
