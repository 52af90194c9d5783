"""What an actor is told of itself."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import ApiKey, Organization, ServiceAccount, User
from kernel.actor import Actor, ActorKind


@dataclass(frozen=True, slots=True)
class Identity:
    """An actor, the person who answers for it, the organization it acts in, and the row of its credential, where that
    has one of these kinds.
    """

    actor: Actor
    person: User | None
    organization: Organization | None
    credential: ApiKey | ServiceAccount | None


def identify(actor: Actor) -> Identity:
    """All of it is the actor's own: no permission is needed."""
    return Identity(
        actor=actor,
        person=User.objects.filter(pk=actor.person_id).first() if actor.person_id is not None else None,
        organization=_organization(actor),
        credential=_credential(actor),
    )


def _organization(actor: Actor) -> Organization | None:
    return Organization.objects.get(pk=actor.organization_id) if actor.organization_id is not None else None


def _credential(actor: Actor) -> ApiKey | ServiceAccount | None:
    if actor.kind is ActorKind.API_KEY:
        return ApiKey.objects.get(pk=actor.id)
    if actor.kind is ActorKind.SERVICE_ACCOUNT:
        return ServiceAccount.objects.get(pk=actor.id)
    return None
