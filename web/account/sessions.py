"""Where I am signed in."""

from __future__ import annotations

from typing import cast

from allauth.core.internal.sessionkit import get_session_user
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services.sessions import end_other_sessions, end_session
from accounts.sessions import actor_of
from audit.admin.forms import message_of
from kernel.errors import DomainError
from web.account.pages import show
from web.account.staying import stay_signed_in


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    if request.method == "POST":
        return _end(request, user)
    rows = [row for row in UserSession.objects.filter(user=user).order_by("-id")[:100] if _is_alive(row)]
    context = {
        "title": _("Your sessions"),
        "sessions": [(row, row.session_key == request.session.session_key) for row in rows],
    }
    return show(request, "sessions", context)


def _end(request: HttpRequest, user: User) -> HttpResponse:
    number = request.POST.get("session", "")
    try:
        if number.isdecimal():
            end_session(actor=actor_of(request), user=user, number=int(number[:18]))
            messages.success(request, _("The session is ended."))
        else:
            end_other_sessions(actor=actor_of(request), user=user)
            stay_signed_in(request, user)
            messages.success(request, _("All other sessions are ended."))
    except DomainError as error:
        messages.error(request, message_of(error))
    return redirect("sessions")


def _is_alive(row: UserSession) -> bool:
    """Whether it still opens anything: a password that was changed has ended it without its row being told."""
    return get_session_user(SessionStore(row.session_key)) is not None
