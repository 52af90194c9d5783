"""Whoever changes how he signs in goes on with what he was doing; his other sessions do not."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest

from accounts.models import User


def stay_signed_in(request: HttpRequest, user: User) -> None:
    """Sign this session anew, after a service has ended every session of the person."""
    update_session_auth_hash(request, user)
    UserSession.objects.create_from_request(request)
