"""The two questions about permission: `holds()` at the door, `require()` at the object.

Nothing else in the system decides who may do what.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from kernel.actor import Actor, ActorKind
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.text import _


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody was allowed to do, and where."""

    permission: Permission
    organization_id: int | None
    ca_id: int | None


class Obstacle(StrEnum):
    """What stands in the way where something is not allowed."""

    PERMISSION = "permission"
    ORGANIZATION = "organization"
    CA = "ca"


# Whose judgements are noted in this thread, and where.
_noted: Final[ContextVar[tuple[str, set[Judgement]] | None]] = ContextVar("noted", default=None)


def holds(actor: Actor, permission: Permission) -> bool:
    """Whether the actor has this permission anywhere at all."""
    return permission in actor.permissions


def obstacle(
    actor: Actor, permission: Permission, *, organization_id: int | None, ca_id: int | None = None
) -> Obstacle | None:
    """What first keeps the actor from doing this to an object of this organization (and CA); None: it is allowed."""
    if permission not in actor.permissions:
        return Obstacle.PERMISSION
    if not _covers_organization(actor, organization_id):
        return Obstacle.ORGANIZATION
    return None if _covers_ca(actor, permission, ca_id) else Obstacle.CA


def require(actor: Actor, permission: Permission, *, organization_id: int | None, ca_id: int | None = None) -> None:
    """Let the actor do this to an object of this organization (and CA), or raise Denied.

    Selectors hide what the actor may not see, so a foreign object never comes this far; if one does,
    it is refused here as well.
    """
    if obstacle(actor, permission, organization_id=organization_id, ca_id=ca_id) is None:
        _note(actor, Judgement(permission, organization_id, ca_id))
        return
    raise Denied(_("This needs the permission %(permission)s."), permission=permission.value)


def narrowed(actor: Actor, permissions: Collection[Permission]) -> Actor:
    """The actor behind a door that one of these permissions opens: confined to the CAs where one of them was granted.

    So a credential that may read one CA and issue under another reads nothing of the other one.
    """
    if actor.grants is None:
        return actor
    return replace(actor, grants=tuple(each for each in actor.grants if not each.permissions.isdisjoint(permissions)))


@contextmanager
def noting(actor: Actor) -> Iterator[set[Judgement]]:
    """What `require` lets this actor do inside, so that the same can be asked again later."""
    judged: set[Judgement] = set()
    token = _noted.set((actor.pk, judged))
    try:
        yield judged
    finally:
        _noted.reset(token)


def _note(actor: Actor, judgement: Judgement) -> None:
    noted = _noted.get()
    if noted is not None and noted[0] == actor.pk:
        noted[1].add(judgement)


def _covers_organization(actor: Actor, organization_id: int | None) -> bool:
    if actor.organization_id is not None:
        return actor.organization_id == organization_id
    return actor.is_superuser or actor.kind is ActorKind.SYSTEM


def _covers_ca(actor: Actor, permission: Permission, ca_id: int | None) -> bool:
    if actor.grants is None:
        return True
    return ca_id is not None and any(grant.covers(permission, ca_id) for grant in actor.grants)
