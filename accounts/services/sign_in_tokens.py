"""Tokens that a person's program gets for the password: an access token for minutes, a refresh token once.

What they allow is what the person may do at that moment. Whatever ends the person's sessions ends them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from redis.exceptions import RedisError

from accounts import tokens
from accounts.guessing import WINDOW_SECONDS, PasswordTries
from accounts.models import SignInToken, User
from accounts.program_tokens import ACCESS, REFRESH, mint_sign_in_token
from accounts.services.credentials import digest_key
from accounts.services.people import actor_for_user, memberships_of
from accounts.services.second_factor import factors_of, is_missing
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, TooMany, Unauthenticated, Unavailable
from kernel.secret import Secret
from kernel.text import _

Kind = SignInToken.Kind

ACCESS_LIFETIME: Final = timedelta(minutes=15)
REFRESH_LIFETIME: Final = timedelta(hours=24)
_LONGEST_NAME: Final = 254
_TEXTS: Final = {Kind.ACCESS: ACCESS, Kind.REFRESH: REFRESH}
_LIFETIMES: Final = {Kind.ACCESS: ACCESS_LIFETIME, Kind.REFRESH: REFRESH_LIFETIME}


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What is shown once."""

    access: Secret
    refresh: Secret


def sign_in_by_password(*, actor: Actor, name: str, password: Secret) -> TokenPair:
    """Tokens for whoever has this name or e-mail address and this password; `actor` is nobody yet, with an address.

    Who is unknown, disabled, has another password, or must do more at the sign-in page than give it (a second factor,
    a new password) gets the same answer, after the same time. Guesses are limited as they are there.
    Raises Unauthenticated, TooMany, Unavailable (nothing counts the guesses).
    """
    try:
        tries = PasswordTries.of(name, actor.ip)
        if not tries.take():
            raise TooMany(_("Too many tries. Wait a quarter of an hour, then try again."), retry_after=WINDOW_SECONDS)
        user = authenticate(username=name, password=password.reveal().decode(errors="replace"))
        if not isinstance(user, User) or not _is_password_enough(user):
            resource = Resource("user", None, name[:_LONGEST_NAME])
            audit.record_refusal(actor, EventName.SESSION_REFUSED, resource, organization_id=None)
            raise Unauthenticated(_("Incorrect username or password"), code="wrong-password")
        tries.was_right()
    except RedisError as error:
        text = _("Requests for tokens cannot be counted at the moment, so none is answered.")
        raise Unavailable(text, code="guesses-not-counted") from error
    return _begin(actor, user)


def refresh_sign_in(*, actor: Actor, token: Secret) -> TokenPair:
    """A new pair for a refresh token, which is used up by it. `actor` is nobody yet, with an address.

    One that is used a second time has been copied by somebody: all that came of the sign-in ends.
    Raises Unauthenticated.
    """
    with transaction.atomic():
        row = _lock(token)
        pair = _exchange(actor, row) if row is not None else None
    if pair is None:
        raise _refused()
    return pair


@transaction.atomic
def sign_out_token(*, actor: Actor, token: Secret) -> None:
    """All that came of the sign-in that this refresh token is from ends. Raises Denied: the token is another's."""
    row = _lock(token)
    if row is None or actor.kind is not ActorKind.USER or row.user_id != actor.id:
        raise Denied(_("This refresh token is not yours."))
    _end(SignInToken.objects.filter(family=row.family))
    _record(actor, EventName.SESSION_ENDED, row.user, which="one")


@transaction.atomic
def end_sign_in_tokens(*, actor: Actor) -> None:
    """All tokens of one's own, access tokens too. Raises Denied: the actor is no person."""
    user = User.objects.filter(pk=actor.id).first() if actor.kind is ActorKind.USER else None
    if user is None:
        raise Denied(_("Only a person has such tokens."))
    _end(SignInToken.objects.filter(user=user))
    _record(actor, EventName.SESSION_ENDED, user, which="all")


def authenticate_sign_in_token(token: Secret, *, ip: str | None, trace_id: str = "") -> Actor:
    """The person that an access token stands for, with the rights of now. Raises Unauthenticated."""
    row = _find(token, Kind.ACCESS)
    if row is None or not row.is_good or not _is_alive(row):
        raise _refused()
    return replace(_person(row.user, ip=ip, trace_id=trace_id), expires_at=row.expires_at)


def forget_ended() -> int:
    """Tokens whose time is over. How many went."""
    return SignInToken.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _person(user: User, *, ip: str | None, trace_id: str) -> Actor:
    """The person where they work: in their default organization, else in the one to which they have belonged longest.

    No page is there to choose by, and whoever makes them a member elsewhere must not take them away from here.
    """
    found = sorted(memberships_of(user), key=lambda each: each.pk)
    is_named = user.is_superuser or user.default_organization_id is not None
    home = found[0].organization if found and not is_named else None
    return actor_for_user(user, organization=home, memberships=found, ip=ip, trace_id=trace_id)


def _is_password_enough(user: User) -> bool:
    """Whether the person would be in by the sign-in page, too, with nothing but the password."""
    return not (user.must_change_password or factors_of(user) or is_missing(user))


@transaction.atomic
def _begin(nobody: Actor, user: User) -> TokenPair:
    actor = _person(user, ip=nobody.ip, trace_id=nobody.trace_id)
    pair = _make(user, uuid.uuid4())
    _record(actor, EventName.SESSION_STARTED, user, methods=["password"], ends_at=timezone.now() + REFRESH_LIFETIME)
    return pair


def _exchange(nobody: Actor, row: SignInToken) -> TokenPair | None:
    family = SignInToken.objects.filter(family=row.family)
    if row.ended_at is not None:
        if _end(family):
            actor = _person(row.user, ip=nobody.ip, trace_id=nobody.trace_id)
            _record(actor, EventName.SIGN_IN_TOKEN_REUSED, row.user)
        return None
    if not row.is_good or not _is_alive(row) or not _is_password_enough(row.user):
        return None
    _end(family)
    return _make(row.user, row.family)


def _make(user: User, family: uuid.UUID) -> TokenPair:
    now, made = timezone.now(), {kind: mint_sign_in_token(text) for kind, text in _TEXTS.items()}
    SignInToken.objects.bulk_create(
        SignInToken(
            user=user,
            kind=kind,
            family=family,
            digest=tokens.digest(token, digest_key()),
            session_generation=user.session_generation,
            expires_at=now + _LIFETIMES[kind],
        )
        for kind, token in made.items()
    )
    return TokenPair(access=made[Kind.ACCESS], refresh=made[Kind.REFRESH])


def _find(token: Secret, kind: str) -> SignInToken | None:
    rows = SignInToken.objects.select_related("user")
    return rows.filter(digest=tokens.digest(token, digest_key()), kind=kind).first()


def _lock(token: Secret) -> SignInToken | None:
    """A refresh token, with its person locked: of two who use it at once the second sees the first."""
    seen = _find(token, Kind.REFRESH)
    if seen is None:
        return None
    User.objects.select_for_update().get(pk=seen.user_id)
    return _find(token, Kind.REFRESH)


def _is_alive(row: SignInToken) -> bool:
    return row.user.is_active and row.session_generation == row.user.session_generation


def _end(rows: QuerySet[SignInToken]) -> int:
    return rows.filter(ended_at=None).update(ended_at=timezone.now())


def _refused() -> Unauthenticated:
    return Unauthenticated(_("Could not validate credentials"), code="invalid-token")


def _record(actor: Actor, event: EventName, user: User, **facts: object) -> None:
    resource = Resource("user", user.pk, user.email)
    audit.record(actor, event, resource, organization_id=actor.organization_id, event_id=None, **facts)
