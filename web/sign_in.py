"""Signing in and out, and one's own password."""

from __future__ import annotations

from typing import cast

from allauth.account.internal.flows.login import clear_authentication_records, perform_password_login
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guessing import TRIES, PasswordTries, Tries
from accounts.models import SignInProvider, User
from accounts.services.people import change_password
from accounts.services.sessions import record_sign_out
from accounts.sessions import actor_of, home_of
from audit.admin.forms import add_domain_error
from kernel.errors import DomainError
from kernel.secret import Secret
from web.account.adapters import refuse_session
from web.account.forms import PasswordForm, SignInForm
from web.account.guessing import refused_uncounted
from web.account.staying import stay_signed_in
from web.first_steps import after_first_password


@sensitive_post_parameters("password")
@refused_uncounted
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """One answer for an unknown name, a wrong password and a disabled person; a pause after too many of them."""
    target = _safe_target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        user, status = _check_password(request, form)
        if user is not None:
            clear_authentication_records(request)
            login = Login(user=user, redirect_url=target)
            # A second factor may come in between; who is in at last is told by our adapter.
            return perform_password_login(request, {"username": form.cleaned_data["username"]}, login)
    context = {
        "form": form,
        "next": target,
        "title": _("Sign in"),
        "providers": SignInProvider.objects.filter(is_active=True, is_listed=True).order_by("name")[:20],
    }
    return render(request, "web/sign_in.html", context, status=status)


@require_POST
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Forget a sign-in that waits for its second factor."""
    clear_login(request)
    return redirect("sign-in")


class PasskeySignIn(LoginWebAuthnView):
    """The challenge for a script, and the answer of the browser."""

    def form_valid(self, form: object) -> HttpResponse:
        clear_authentication_records(self.request)
        return cast(HttpResponse, super().form_valid(form))


@require_safe
def closed(request: HttpRequest) -> HttpResponse:
    """For somebody who has shown who he is, and is not let in: disabled, or too late with the first password."""
    return render(request, "web/closed.html", {"title": _("This account is closed")}, status=403)


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
    tries = Tries.of("password", user.pk, most=TRIES)
    if request.method == "POST" and form.is_valid() and not tries.take():
        form.add_error(None, _("Too many tries. Wait a quarter of an hour, then try again."))
    elif request.method == "POST" and form.is_valid():
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
            tries.give_back()
            stay_signed_in(request, user)
            messages.success(request, _("Your password is changed."))
            return redirect(after_first_password(request))
    context = {
        "form": form,
        "title": _("Change password"),
        "forced": user.must_change_password,
        "home": home_of(request),
    }
    template = "web/password_first.html" if user.must_change_password else "web/password.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _check_password(request: HttpRequest, form: SignInForm) -> tuple[User | None, int]:
    name = form.cleaned_data["username"].strip()
    tries = PasswordTries.of(name, request.META.get("REMOTE_ADDR"))
    if not tries.take():
        form.add_error(None, _("Too many tries. Wait a quarter of an hour, then try again."))
        return None, 429
    user = authenticate(request, username=name, password=form.cleaned_data["password"])
    if user is None:
        refuse_session(request, name)
        form.add_error(None, _("This name and this password do not fit together."))
        return None, 422
    tries.was_right()
    return cast(User, user), 200


def _safe_target(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"
