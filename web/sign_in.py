"""Signing in and out, and one's own password."""

from __future__ import annotations

import hashlib
from typing import Any, Final, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.services.people import change_password, record_sign_in, record_sign_out
from accounts.sessions import actor_of
from audit.admin.forms import add_domain_error
from audit.events import EventName
from audit.resource import Resource
from audit.services import record_refusal
from kernel.actor import Actor, ActorKind
from kernel.errors import DomainError
from kernel.secret import Secret

TRIES: Final = 10
WINDOW_SECONDS: Final = 15 * 60


class SignInForm(forms.Form):
    username = forms.CharField(
        label=_("E-mail or username"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(forms.Form):
    old_password = forms.CharField(
        label=_("Present password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    new_password = forms.CharField(
        label=_("New password"),
        help_text=_("At least 12 characters; not a common word, not only digits. A short sentence is a good one."),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 12}),
    )
    repeated = forms.CharField(
        label=_("New password, again"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("new_password") and data.get("repeated") and data["new_password"] != data["repeated"]:
            self.add_error("repeated", _("The two new passwords differ."))
        return data


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """One answer for an unknown name, a wrong password and a disabled person; a pause after too many of them."""
    target = _safe_target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        status = _try_to_sign_in(request, form)
        if status == 200:
            return redirect(target)
    context = {"form": form, "next": target, "title": _("Sign in")}
    return render(request, "web/sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        record_sign_out(actor=actor_of(request))
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect("sign-in")


@sensitive_post_parameters("old_password", "new_password", "repeated")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            change_password(
                actor=actor_of(request),
                user=user,
                old=Secret(form.cleaned_data["old_password"]),
                new=Secret(form.cleaned_data["new_password"]),
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed."))
            return redirect("home")
    context = {"form": form, "title": _("Change password"), "forced": user.must_change_password}
    template = "web/password_first.html" if user.must_change_password else "web/password.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _try_to_sign_in(request: HttpRequest, form: SignInForm) -> int:
    name = form.cleaned_data["username"].strip()
    counter = _counter(request, name)
    if cache.get(counter, 0) >= TRIES:
        form.add_error(None, _("Too many tries. Wait a quarter of an hour, then try again."))
        return 429
    user = authenticate(request, username=name, password=form.cleaned_data["password"])
    if user is None:
        cache.add(counter, 0, WINDOW_SECONDS)
        cache.incr(counter)
        _record_refusal(request, name)
        form.add_error(None, _("This name and this password do not fit together."))
        return 422
    cache.delete(counter)
    # Nobody is in without the log saying so.
    with transaction.atomic():
        login(request, user)
        record_sign_in(actor=actor_of(request))
    return 200


def _counter(request: HttpRequest, name: str) -> str:
    who = f"{request.META.get('REMOTE_ADDR')}\0{name.lower()}"
    return "sign-in:" + hashlib.sha256(who.encode()).hexdigest()


def _record_refusal(request: HttpRequest, name: str) -> None:
    nobody = Actor(
        kind=ActorKind.USER,
        id=0,
        label="",
        organization_id=None,
        permissions=frozenset(),
        ip=request.META.get("REMOTE_ADDR"),
        trace_id=getattr(request, "trace_id", ""),
    )
    record_refusal(nobody, EventName.SESSION_REFUSED, Resource("user", None, name[:254]), organization_id=None)


def _safe_target(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"
