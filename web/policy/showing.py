"""What the pages about roles and those about templates show alike."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from audit.admin.html import Status
from cas import selectors
from cas.models import Role, Template
from cas.presets import PRESETS
from kernel.actor import Actor
from web.desk import Desk
from web.policy.listing import Asked

MOST_NAMED: Final = 200


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
