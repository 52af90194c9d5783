"""Sessions of people: begun, listed, ended."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.usersessions.models import UserSession
from django.db import transaction

from accounts.models import User
from accounts.services.people import end_sessions, require_self
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Denied, NotFound
from kernel.text import _


@transaction.atomic
def record_sign_in(*, actor: Actor, methods: Sequence[str] = ()) -> None:
    """A session began, by these methods (`password`, `totp`, `webauthn`, `recovery_codes`, the name of a provider)."""
    resource = Resource("user", actor.id, actor.label)
    audit.record(
        actor, EventName.SESSION_STARTED, resource, organization_id=actor.organization_id, methods=list(methods)
    )


@transaction.atomic
def record_sign_out(*, actor: Actor) -> None:
    """A session was ended by the person."""
    resource = Resource("user", actor.id, actor.label)
    audit.record(actor, EventName.SESSION_ENDED, resource, organization_id=actor.organization_id)


@transaction.atomic
def end_session(*, actor: Actor, user: User, number: int) -> None:
    """One of one's own sessions, in whichever browser. Raises Denied, NotFound (also for another's)."""
    require_self(actor, user)
    session = UserSession.objects.filter(user=user, pk=number).first()
    if session is None:
        raise NotFound(_("There is no such session."), code="session-not-found")
    session.end()
    _record(actor, user, ip=session.ip, client=session.user_agent)


@transaction.atomic
def end_other_sessions(*, actor: Actor, user: User) -> None:
    """All sessions of one's own; whoever calls signs their own anew. Raises Denied."""
    require_self(actor, user)
    end_sessions(user)
    _record(actor, user, which="others")


@transaction.atomic
def end_all_sessions(*, actor: Actor, user: User) -> None:
    """All sessions of somebody. Superusers only. Raises Denied."""
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))
    end_sessions(user)
    _record(actor, user, which="all")


def _record(actor: Actor, user: User, **facts: str) -> None:
    resource, log = Resource("user", user.pk, user.email), actor.organization_id
    audit.record(actor, EventName.SESSION_ENDED, resource, organization_id=log, event_id=None, **facts)
