"""What every page says about itself to the browser, and the password that must be changed first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sessions import lacks_second_factor

_Handler = Callable[[HttpRequest], HttpResponse]

# Nothing but our own files: no inline script or style, no nonce, no hash, no other host.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)
# Our own scripts never turn text into markup. The scripts of Django's admin do, so it goes without.
TRUSTED_TYPES: Final = "; require-trusted-types-for 'script'; trusted-types 'none'"
PERMISSIONS_POLICY: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class ContentSecurityPolicy:
    """Adds the headers to every answer; a view that set one of them itself keeps its own."""

    def __init__(self, get_response: _Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        in_admin = match is not None and "admin" in match.namespaces
        response.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY + ("" if in_admin else TRUSTED_TYPES))
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # What a signed-in person saw is not for the next one at the same machine.
        if response.get("Content-Type", "").startswith("text/html"):
            response.setdefault("Cache-Control", "no-store, private")
        return response


# It says what is missing in its own words, and never redirects.
_API: Final = ("/api/", "/v1/")
ALWAYS_OPEN: Final = frozenset({"sign-in", "account_login", "sign-out", "language"})


class PasswordFirst:
    """Somebody who must change the password sees no other page until it is done."""

    open_pages: Final = ALWAYS_OPEN | {"password"}

    def __init__(self, get_response: _Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        if request.path.startswith(_API):
            return None
        user, match = request.user, request.resolver_match
        if not user.is_authenticated or not user.must_change_password:
            return None
        if match is not None and match.view_name in self.open_pages:
            return None
        return redirect(reverse("password"))


class SecondFactorFirst:
    """Where somebody must have a second factor and has none, he sees no other page until he has added one."""

    open_pages: Final = ALWAYS_OPEN | {
        "security",
        "authenticator-app",
        "passkey-add",
        "recovery-codes",
        "password",
        "account_reauthenticate",
    }

    def __init__(self, get_response: _Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        if request.path.startswith(_API):
            return None
        user, match = request.user, request.resolver_match
        if not isinstance(user, User) or (match is not None and match.view_name in self.open_pages):
            return None
        if not lacks_second_factor(request, user):
            return None
        messages.warning(request, _("Your organization asks for a second factor. Add one, and everything else opens."))
        return redirect(reverse("security"))
