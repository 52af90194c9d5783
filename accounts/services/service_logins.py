"""What every way in of a service account has in common: who may make one, and whose voice it is."""

from __future__ import annotations

from dataclasses import replace

from accounts import policy
from accounts.grants import permissions_of
from accounts.models import ServiceAccount
from accounts.services.credentials import actor_of_service_account
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied
from kernel.permissions import Permission
from kernel.text import _


def require_binder(actor: Actor, account: ServiceAccount) -> None:
    """Whether the actor may bind something to this account that signs in as it: an owner, and in person.

    Raises Denied, also where the account can do more than the actor.
    """
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=account.organization_id)
    if actor.kind not in (ActorKind.USER, ActorKind.CONSOLE):
        text = _("Only a person binds what a service account signs in with: a program would outlive its own limits.")
        raise Denied(text, code="not-with-this-credential")
    missing = _allowed(account) - actor.permissions
    if missing:
        text = _("The service account can do what you cannot: %(missing)s.")
        raise Denied(text, missing=", ".join(sorted(missing)))


def signed_in(account_id: int, *, maker_id: int | None, ip: str | None, trace_id: str) -> Actor:
    """The account as an actor, by way of something that `maker_id` has bound to it.

    Where that is not its owner, the maker may have the key or be behind the subject: what it does may be the maker's
    doing, and it decides on no requests. Raises Unauthenticated.
    """
    actor = actor_of_service_account(account_id, ip=ip, trace_id=trace_id)
    if maker_id == actor.person_id:
        return actor
    permissions = actor.permissions - {Permission.REQUESTS_DECIDE}
    return replace(actor, permissions=permissions, maker_id=maker_id)


def _allowed(account: ServiceAccount) -> frozenset[str]:
    """Here, or at some CA."""
    return frozenset(account.permissions).union(*(permissions_of(grant) for grant in account.grants.all()))
