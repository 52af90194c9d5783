"""An event as the document that is signed, and as the columns that lists are read by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from audit.canonical import timestamp
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.trace import current_trace_id

LABEL_SIZE: Final = 254
SYSTEM_LOG: Final = 0


def event_document(
    *,
    event_id: str,
    at: datetime,
    log: int,
    actor: Actor,
    event: EventName,
    resource: Resource,
    metadata: Mapping[str, object],
) -> dict[str, object]:
    """Everything that is known about an event; what is signed is its canonical form."""
    about: dict[str, object] = {"type": resource.type, "id": resource.id, "label": resource.label}
    if resource.serial is not None:
        about["serial"] = resource.serial
    if resource.public_id is not None:
        about["public_id"] = str(resource.public_id)
    return {
        "id": event_id,
        "ts": timestamp(at),
        "log": log,
        "actor": {"type": actor.kind, "id": actor.id, "label": actor.label, "person": actor.person_id},
        "event": event,
        "resource": about,
        "metadata": metadata,
        "ip": actor.ip,
        # Whoever works for nobody in particular does it in a task, which has one.
        "trace_id": actor.trace_id or current_trace_id.get(),
    }


def columns(document: Mapping[str, Any]) -> dict[str, object]:
    """The indexed columns of the row that holds `document`: always a function of what is signed.

    A column is a copy to search by, so it is cut to its width; the document has the whole.
    """
    actor, resource = document["actor"], document["resource"]
    return {
        "event_id": document["id"],
        "log": document["log"],
        "at": datetime.fromisoformat(document["ts"]),
        "name": str(document["event"]),
        "actor_kind": str(actor["type"]),
        "actor_id": actor["id"],
        "actor_label": _cut(actor["label"], LABEL_SIZE),
        "resource_type": resource["type"],
        "resource_id": resource["id"],
        "resource_label": _cut(resource["label"], LABEL_SIZE),
        "serial": _cut(resource.get("serial"), 64),
        "ip": _cut(document["ip"], 45),
        "trace_id": _cut(document["trace_id"], 64),
    }


def _cut(text: str | None, size: int) -> str:
    # PostgreSQL has no NUL in text.
    return (text or "").replace("\0", "\N{REPLACEMENT CHARACTER}")[:size]
