"""How I sign in: password, authenticator app, passkeys, recovery codes."""

from __future__ import annotations

import base64
from typing import cast

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from allauth.mfa.webauthn.internal.auth import begin_registration
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.services.second_factor import (
    add_authenticator_app,
    add_passkey,
    factors_of,
    make_recovery_codes,
    recovery_codes_left,
    remove_second_factor,
)
from accounts.sessions import actor_of, home_of
from audit.admin.forms import message_of
from kernel.errors import DomainError
from kernel.secret import Secret
from web.account.fresh import fresh_required
from web.account.pages import done, show
from web.account.staying import stay_signed_in


class AppForm(forms.Form):
    code = forms.CharField(
        label=_("Code that the app shows"),
        max_length=12,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "mono", "autofocus": True}
        ),
    )


class PasskeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("By which you know it again: the device, or where you keep it.")
    )
    credential = forms.JSONField(widget=forms.HiddenInput, required=True)


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    factors = factors_of(user)
    context = {
        "title": _("Signing in"),
        "person": user,
        "home": home_of(request),
        "app": next((each for each in factors if each.type == Authenticator.Type.TOTP), None),
        "passkeys": [each for each in factors if each.type == Authenticator.Type.WEBAUTHN],
        "has_factor": bool(factors),
        "codes_left": recovery_codes_left(user),
    }
    return show(request, "security", context)


@fresh_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_app(request: HttpRequest) -> HttpResponse:
    """A picture for the app, and the code that it makes of it. Without a camera the secret is typed."""
    user = _own_account(request)
    form = AppForm(request.POST or None)
    secret = get_totp_secret(regenerate=request.method != "POST")
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"].replace(" ", "")
        actor = actor_of(request)
        if done(form, lambda: add_authenticator_app(actor=actor, user=user, secret=Secret(secret), code=code)):
            clear_totp_secret(request)
            return _added(request, user, _("The authenticator app is added."))
    address = get_adapter().build_totp_url(user, secret)
    picture = base64.b64encode(get_adapter().build_totp_svg(address).encode()).decode()
    context = {
        "title": _("Add an authenticator app"),
        "form": form,
        "picture": f"data:image/svg+xml;base64,{picture}",
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    }
    return show(request, "add_app", context, form)


@fresh_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_key(request: HttpRequest) -> HttpResponse:
    """A passkey, which the browser makes: the one page that cannot be without a script."""
    user = _own_account(request)
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        credential = data["credential"] if isinstance(data["credential"], dict) else {}
        actor = actor_of(request)
        if done(form, lambda: add_passkey(actor=actor, user=user, name=data["name"], credential=credential)):
            return _added(request, user, _("The passkey is added."))
    # It stands alone at sign-in, so it must know its owner by itself, and that it is he who holds it.
    options = begin_registration(user, passwordless=True)
    context = {
        "title": _("Add a passkey"),
        "form": form,
        "options": options,
    }
    return show(request, "add_passkey", context, form)


@fresh_required
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """New codes, shown on the answer to the button and nowhere else."""
    user = _own_account(request)
    if request.method == "POST":
        try:
            codes = make_recovery_codes(actor=actor_of(request), user=user)
        except DomainError as error:
            messages.error(request, message_of(error))
            return redirect("security")
        stay_signed_in(request, user)
        return _show_codes(request, codes)
    context = {"title": _("New recovery codes"), "left": recovery_codes_left(user), "factors": factors_of(user)}
    return show(request, "make_codes", context)


@fresh_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, number: int) -> HttpResponse:
    user = _own_account(request)
    factor = next((each for each in factors_of(user) if each.pk == number), None)
    if factor is None:
        return redirect("security")
    form = forms.Form(request.POST or None)
    if request.method == "POST":
        actor = actor_of(request)
        if done(form, lambda: remove_second_factor(actor=actor, user=user, number=number)):
            stay_signed_in(request, user)
            messages.success(request, _("It is removed."))
            return redirect("security")
    context = {
        "title": _("Remove a second factor"),
        "form": form,
        "factor": factor,
        "is_last": len(factors_of(user)) == 1,
    }
    return show(request, "remove_factor", context)


def _added(request: HttpRequest, user: User, sentence: object) -> HttpResponse:
    """With the first factor come recovery codes: whoever loses his telephone must not be lost."""
    messages.success(request, str(sentence))
    codes: tuple[Secret, ...] = ()
    if recovery_codes_left(user) is None:
        codes = make_recovery_codes(actor=actor_of(request), user=user)
    stay_signed_in(request, user)
    return _show_codes(request, codes) if codes else redirect("security")


def _show_codes(request: HttpRequest, codes: tuple[Secret, ...]) -> HttpResponse:
    context = {"title": _("Your recovery codes"), "codes": [code.reveal().decode() for code in codes]}
    return show(request, "codes", context)


def _own_account(request: HttpRequest) -> User:
    """Raises PermissionDenied for sessions that came through an organization's own provider."""
    if home_of(request) is not None:
        raise PermissionDenied
    return cast(User, request.user)
