"""Accepting an invitation."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import Invitation, User
from accounts.selectors import find_user
from accounts.services.invitations import accept_invitation, join_by_invitation, read_link
from accounts.services.organizations import choose_role
from accounts.sessions import WORKPLACE, actor_of, nobody
from kernel.errors import Gone, Invalid, NotFound
from kernel.secret import Secret
from web.account.forms import NewPasswordForm
from web.account.pages import done, show


class NewcomerForm(NewPasswordForm):
    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True})
    )
    field_order = ("name", "new_password", "repeated")


@sensitive_post_parameters("new_password", "repeated")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """For somebody new: a name and a password. For somebody with an account: his consent, signed in."""
    try:
        row = read_link(token)
    except NotFound as error:
        raise Http404 from error
    except Gone:
        return render(request, "web/account/link_gone.html", {"title": _("This invitation is over")}, status=410)
    return _known(request, row, token) if find_user(row.email) else _newcomer(request, row, token)


def _newcomer(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    if request.user.is_authenticated:
        return _page(request, row, "another")
    form = NewcomerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        actor, password = nobody(request), Secret(data["new_password"])
        if done(form, lambda: join_by_invitation(actor=actor, token=token, name=data["name"], password=password)):
            messages.success(request, _("Your account is made. Sign in with your e-mail address and password."))
            return redirect("sign-in")
    return _page(request, row, "newcomer", form)


def _known(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    if not request.user.is_authenticated:
        return _page(request, row, "sign-in")
    user = cast(User, request.user)
    if user.email.lower() != row.email.lower():
        if request.method == "POST":
            logout(request)
            return redirect(request.path)
        return _page(request, row, "another")
    form = forms.Form(request.POST or None)
    if request.method == "POST":
        actor = actor_of(request)
        if done(form, lambda: accept_invitation(actor=actor, token=token, user=user)):
            request.session[WORKPLACE] = row.organization_id
            messages.success(request, _("Welcome to %(name)s.") % {"name": row.organization.name})
            return redirect("home")
    return _page(request, row, "consent", form)


def _page(request: HttpRequest, row: Invitation, state: str, form: forms.Form | None = None) -> HttpResponse:
    context = {
        "title": _("Invitation"),
        "invitation": row,
        "role": _role_name(row),
        "state": state,
        "form": form,
        "here": request.path,
    }
    return show(request, "invitation", context, *([form] if form else []))


def _role_name(row: Invitation) -> object:
    try:
        role = choose_role(row.organization_id, row.role)
    except Invalid:
        return row.role
    return role.label
