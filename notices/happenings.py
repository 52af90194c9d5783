"""What happened, as the audit log has it, by the names that programs wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from audit.events import EventName
from audit.models import AuditEvent
from audit.selectors import count_events
from notices.subjects import Subject

_BATCH: Final = 500


def next_position(log: int) -> int:
    """The place in the log that whatever happens from now on comes after, or at."""
    return count_events(log)


def events_from(log: int, position: int) -> list[AuditEvent]:
    """The events from this place on, in the order of the log, at most so many as are told at once.

    Only sealed ones have a place; among these there is no gap, so that none comes later before one that was told.
    """
    return list(AuditEvent.objects.filter(log=log, position__gte=position).order_by("position")[:_BATCH])


def subject_of(event: AuditEvent) -> Subject | None:
    """By which name programs wait for it; None where they do not."""
    if event.name == EventName.CERTIFICATE_REVOKED:
        return Subject.CERTIFICATE_REVOKED
    if event.name != EventName.CERTIFICATE_ISSUED:
        return None
    is_renewal = event.document["metadata"].get("replaces") is not None
    return Subject.CERTIFICATE_RENEWED if is_renewal else Subject.CERTIFICATE_ISSUED


# What of an event goes out, by its name in the log and in the message: nobody outside hears of anything else.
_FACTS: Final = {
    "serial": "serial",
    "names": "names",
    "fingerprint": "fingerprint",
    "not_after": "ends",
    "replaces": "replaces",
    "reason": "reason",
}


def facts_of(event: AuditEvent) -> dict[str, Any]:
    """What programs are told of it."""
    metadata = event.document["metadata"]
    facts = {"serial": event.serial, **metadata}
    return dict(_told(facts))


def _told(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, called in _FACTS.items():
        if facts.get(name) not in (None, ""):
            yield called, facts[name]
