"""People who come with a password and a session: how they get in, and who they are to the services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.services.people import actor_for_user, memberships_of
from accounts.services.second_factor import is_missing
from kernel.actor import Actor, ActorKind

# Where a session keeps them: the organization that a person of several has chosen, and the one that cannot be left.
WORKPLACE: Final = "organization"
HOME: Final = "home"
# And who has bound the identity by which the person of such a session came in, where that was another one.
BINDER: Final = "binder"


class PasswordBackend(ModelBackend):
    """Signs people in by e-mail address or username.

    An unknown name costs as much time as a wrong password, so neither the answer nor its delay tells them apart.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if not username or password is None:
            return None
        name = username.strip()
        user = User.objects.filter(Q(email__iexact=name) | Q(username__iexact=name)).order_by("id").first()
        if user is None:
            User().set_password(password)
            return None
        if not user.check_password(password) or not self.user_can_authenticate(user):
            return None
        return user

    def user_can_authenticate(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        """Not the disabled, nor those whose first password was left unused for too long."""
        if not isinstance(user, User) or not user.is_active:
            return False
        return user.password_expires_at is None or user.password_expires_at > timezone.now()


def actor_of(request: HttpRequest, organization: Organization | None = None) -> Actor:
    """The signed-in person of this request as an actor: in the named organization, else in the one they work in now.

    Who came in through an organization's own identity provider acts in that one, whatever else they are.
    """
    user = request.user
    assert isinstance(user, User)  # noqa: S101
    home = home_of(request)
    if home is None:
        organization = organization or _workplace(request)
    elif organization is not None and organization.pk != home.pk:
        return nobody(request)
    actor = actor_for_user(
        user,
        organization=home or organization,
        memberships=_memberships(request, user),
        ip=request.META.get("REMOTE_ADDR") or None,
        trace_id=getattr(request, "trace_id", ""),
    )
    return actor if home is None else replace(actor, is_superuser=False, maker_id=request.session.get(BINDER))


def nobody(request: HttpRequest) -> Actor:
    """Whoever sent this request, for the audit log: no name, no rights."""
    return Actor(
        kind=ActorKind.USER,
        id=0,
        label="",
        organization_id=None,
        permissions=frozenset(),
        ip=request.META.get("REMOTE_ADDR") or None,
        trace_id=getattr(request, "trace_id", ""),
    )


def home_of(request: HttpRequest) -> Organization | None:
    """The organization whose provider this session came through, which it cannot leave; None for all other sessions."""
    number = request.session.get(HOME)
    return Organization.objects.get(pk=number) if number is not None else None


def lacks_second_factor(request: HttpRequest, user: User) -> bool:
    """Whether somebody must add a second factor before going on. A provider elsewhere sees to its own people."""
    records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
    if HOME in request.session or any(record.get("method") == "mfa" for record in records):
        return False
    return is_missing(user, _memberships(request, user))


def _memberships(request: HttpRequest, user: User) -> list[Membership]:
    """Asked for once while a page is only shown, and anew wherever something may change."""
    person, found = getattr(request, "known_memberships", (None, []))
    if person != user.pk or request.method not in ("GET", "HEAD"):
        found = memberships_of(user)
        request.known_memberships = (user.pk, found)  # type: ignore[attr-defined]
    return found


def _workplace(request: HttpRequest) -> Organization | None:
    number = request.session.get(WORKPLACE)
    return Organization.objects.filter(pk=number).first() if number is not None else None
