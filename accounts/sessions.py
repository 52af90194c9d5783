"""People who come with a password and a session: how they get in, and who they are to the services."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Organization, User
from accounts.services.people import actor_for_user
from kernel.actor import Actor


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
    """The signed-in person of this request as an actor."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101
    return actor_for_user(
        user,
        organization=organization,
        ip=request.META.get("REMOTE_ADDR"),
        trace_id=getattr(request, "trace_id", ""),
    )
