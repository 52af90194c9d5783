"""The two questions about permission: `holds()` at the door, `require()` at the object.

Nothing else in the system decides who may do what.
"""

from __future__ import annotations

from kernel.actor import Actor, ActorKind
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.text import _


def holds(actor: Actor, permission: Permission) -> bool:
    """Whether the actor has this permission anywhere at all."""
    return permission in actor.permissions


def require(actor: Actor, permission: Permission, *, organization_id: int | None, ca_id: int | None = None) -> None:
    """Let the actor do this to an object of this organization (and CA), or raise Denied.

    Selectors hide what the actor may not see, so a foreign object never comes this far; if one does,
    it is refused here as well.
    """
    if (
        permission in actor.permissions
        and _covers_organization(actor, organization_id)
        and _covers_ca(actor, permission, ca_id)
    ):
        return
    raise Denied(_("This needs the permission %(permission)s."), permission=permission.value)


def _covers_organization(actor: Actor, organization_id: int | None) -> bool:
    if actor.organization_id is not None:
        return actor.organization_id == organization_id
    return actor.is_superuser or actor.kind is ActorKind.SYSTEM


def _covers_ca(actor: Actor, permission: Permission, ca_id: int | None) -> bool:
    if actor.grants is None:
        return True
    return ca_id is not None and any(grant.covers(permission, ca_id) for grant in actor.grants)
