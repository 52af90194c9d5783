"""What matters is not done by whoever finds a browser open: who he is, is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts.models import User

View = Callable[..., HttpResponseBase]


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person has shown who he is within the last minutes, by signing in or by being asked again."""
    if not isinstance(request.user, User):
        return False
    latest = max((each["at"] for each in get_authentication_records(request, request.user)), default=0.0)
    return bool(time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def fresh_required(view: View) -> View:
    """Send everybody whose sign-in is not fresh to show who he is, and then to this page; a form is filled in anew."""

    return _guarded(view, lambda request: True)


def fresh_to_change(view: View) -> View:
    """The same for a page that anybody may go on looking at: what is sent by it is asked about."""
    return _guarded(view, lambda request: request.method == "POST")


def _guarded(view: View, matters: Callable[[HttpRequest], bool]) -> View:
    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not matters(request) or is_fresh(request):
            return view(request, *args, **kwargs)
        ways = get_adapter(request).get_reauthentication_methods(request.user)
        # Who has neither a password nor a second factor here signs in anew, where he came from.
        address = ways[0]["url"] if ways else settings.LOGIN_URL
        return redirect(f"{address}?{urlencode({'next': request.get_full_path()})}")

    return guarded
