"""What the log says of one thing, as the card at the end of its page shows it."""

from __future__ import annotations

from typing import Any, Final

from accounts.policy import holds
from audit.models import AuditEvent
from audit.selectors import EventFilter, list_events
from kernel.actor import Actor
from kernel.permissions import Permission

_LATEST_EVENTS: Final = 20


def trail_of(actor: Actor, kind: str, row: Any) -> list[AuditEvent] | None:
    """The latest events about a row of an organization, newest first; None for those who may not read the log.

    `kind` is what the log calls such a thing.
    """
    if not holds(actor, Permission.AUDIT_READ):
        return None
    about = EventFilter(organization_id=row.organization_id, resource_type=kind, resource_id=row.pk)
    return list_events(about, visible_to=actor, limit=_LATEST_EVENTS)
