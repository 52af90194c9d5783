"""What the pages about roles and those about templates show alike."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from accounts.policy import holds
from audit.admin.html import Status
from audit.selectors import EventFilter, list_events
from cas import selectors
from cas.models import Role, Template
from cas.presets import PRESETS
from kernel.actor import Actor
from kernel.permissions import Permission
from web.desk import Desk
from web.policy.listing import Asked

MOST_NAMED: Final = 200
_LATEST_EVENTS: Final = 20


def list_context(desk: Desk, request: HttpRequest, actor: Actor, asked: Asked) -> dict[str, Any]:
    doors = desk.list_offered(request, actor)
    return {
        "title": desk.plural,
        "asked": asked,
        "doors": doors,
        "create": doors[0][0] if doors else "",
        "presets": PRESETS,
        "authorities": selectors.authorities(visible_to=actor).order_by("name")[:MOST_NAMED],
    }


def standing_of(row: Role | Template) -> Status:
    return Status.ACTIVE if row.retired_at is None else Status.RETIRED


def trail_of(actor: Actor, row: Role | Template, kind: str) -> list[Any] | None:
    """What the log says of it, newest first; None for those who may not read the log."""
    if not holds(actor, Permission.AUDIT_READ):
        return None
    about = EventFilter(organization_id=row.organization_id, resource_type=kind, resource_id=row.pk)
    return list_events(about, visible_to=actor, limit=_LATEST_EVENTS)
