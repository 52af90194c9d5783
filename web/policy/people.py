"""Which members of the organization may do something."""

from __future__ import annotations

from typing import Final

from accounts.models import Membership
from accounts.policy import holds
from accounts.selectors import memberships
from accounts.services.people import member_permissions
from kernel.actor import Actor
from kernel.permissions import Permission

_LOOKED_AT: Final = 1000


def members_who_may(permission: Permission, *, visible_to: Actor) -> list[Membership] | None:
    """Those who may do it now, by e-mail address; None for whoever may not read the members."""
    if not holds(visible_to, Permission.MEMBERS_READ):
        return None
    rows = memberships(visible_to=visible_to).order_by("user__email")
    return [row for row in rows[:_LOOKED_AT] if permission in member_permissions(row.user, row)]
