"""Who I am here, and where I work."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.models import Membership, Organization, User
from accounts.services.people import update_profile
from accounts.sessions import WORKPLACE, actor_of, home_of
from web.account.pages import done, show


class ProfileForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_profile(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = ProfileForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        if done(form, lambda: update_profile(actor=actor_of(request), user=user, name=name)):
            messages.success(request, _("Your name is changed."))
            return redirect("account")
    rows = Membership.objects.filter(user=user).select_related("organization", "custom_role").order_by("organization")
    context = {
        "title": _("Your account"),
        "form": form,
        "person": user,
        "memberships": rows,
        "here": actor_of(request).organization_id,
        "home": home_of(request),
    }
    return show(request, "profile", context, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose_organization(request: HttpRequest) -> HttpResponse:
    """In which of his organizations somebody works now; a superuser in any, or above all."""
    user = cast(User, request.user)
    offered = Organization.objects.order_by("name")
    if not user.is_superuser:
        offered = offered.filter(memberships__user=user)
    target = _safe(request, request.POST.get("next") or request.GET.get("next") or "/")
    if request.method == "POST" and home_of(request) is None:
        chosen = offered.filter(slug=request.POST.get("organization", "")).first()
        if chosen is not None:
            request.session[WORKPLACE] = chosen.pk
        else:
            request.session.pop(WORKPLACE, None)
        return redirect(target)
    context = {
        "title": _("Where you work"),
        "organizations": [] if home_of(request) else offered[:500],
        "here": actor_of(request).organization_id,
        "next": target,
    }
    return show(request, "choose_organization", context)


def _safe(request: HttpRequest, target: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"
