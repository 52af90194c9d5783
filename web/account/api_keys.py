"""API keys in pages: made and shown once, listed, replaced, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors
from accounts.models import ApiKey, Organization
from accounts.policy import holds
from accounts.services.api_keys import (
    LONGEST_OVERLAP,
    NewApiKey,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
)
from audit.admin.forms import DaysField, LinesField, message_of
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.fresh import fresh_required
from web.account.pages import curl_with, done, in_organization, show, shown_once
from web.account.rights import RIGHTS, RightsForm, table_of, told
from web.spreadsheets import Sheet, wants_csv

_ON_A_PAGE: Final = 50


class KeyForm(RightsForm):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What uses it, and where."))
    lifetime = DaysField(label=_("Valid for (days)"), longest=3660, required=False, initial=365)
    allowed_cidrs = LinesField(
        label=_("Address ranges"), help_text=_("One to a line, such as 10.0.0.0/8. Empty: from anywhere."), rows=2
    )

    def order(self) -> dict[str, Any]:
        """What the service is asked for."""
        data, lifetime = self.cleaned_data, self.cleaned_data["lifetime"]
        return {
            "organization": self.organization,
            "owner": selectors.find_member(self.organization, data["owner"]),
            "name": data["name"],
            **self.wanted(),
            "expires_at": timezone.now() + lifetime if lifetime else None,
            "allowed_cidrs": data["allowed_cidrs"],
        }


class RotationForm(forms.Form):
    overlap = forms.IntegerField(
        label=_("The old key works on for (days)"),
        min_value=0,
        max_value=LONGEST_OVERLAP.days,
        initial=7,
        help_text=_("Until everything that uses it has the new one. 0: it stops at once."),
    )


@in_organization(Permission.API_KEYS_READ)
@require_safe
def overview(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponseBase:
    rows = selectors.api_keys(visible_to=actor)
    if wants_csv(request.GET):
        return _SHEET.of(rows)
    page = Paginator(rows, _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": _("API / MCP access"),
        "organization": organization,
        "page": page,
        "rows": [(key, _standing(key), _rights(key)) for key in page],
        "may_write": holds(actor, Permission.API_KEYS_WRITE),
        "curl": curl_with("pkf_…"),
    }
    return show(request, "api_keys", context)


@fresh_required
@in_organization(Permission.API_KEYS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def generate(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = KeyForm(actor, organization, request.POST or None, initial={"owner": _email(request)})
    made: list[NewApiKey] = []
    posted = request.method == "POST" and form.is_valid()
    if posted and done(form, lambda: made.append(create_api_key(actor=actor, **form.order()))):
        return _shown(request, made[0])
    return show(request, "api_key_new", {"title": _("Generate an API key"), "form": form}, form)


@in_organization(Permission.API_KEYS_READ)
@require_safe
def detail(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    return _detail(request, actor, _find(public_id, actor), RotationForm())


@fresh_required
@in_organization(Permission.API_KEYS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    key, form = _find(public_id, actor), RotationForm(request.POST or None)
    made: list[NewApiKey] = []
    if request.method == "POST" and form.is_valid():
        overlap = timedelta(days=form.cleaned_data["overlap"])
        if done(form, lambda: made.append(rotate_api_key(actor=actor, key=key, overlap=overlap))):
            return _shown(request, made[0])
    return _detail(request, actor, key, form)


@in_organization(Permission.API_KEYS_WRITE)
@require_POST
def revoke(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    try:
        key = revoke_api_key(actor=actor, key=_find(public_id, actor))
        messages.success(request, _("%(name)s is revoked.") % {"name": key.name})
    except DomainError as error:
        messages.error(request, message_of(error))
    return redirect("api-keys")


def _detail(request: HttpRequest, actor: Actor, key: ApiKey, form: RotationForm) -> HttpResponse:
    context = {
        "title": key.name,
        "key": key,
        "standing": _standing(key),
        "rights": RIGHTS.values(),
        "grants": table_of(key.grants.all()),
        "successor": getattr(key, "successor", None),
        "may_write": holds(actor, Permission.API_KEYS_WRITE) and _standing(key) == "active",
        "form": form,
    }
    return show(request, "api_key", context, form)


def _shown(request: HttpRequest, made: NewApiKey) -> HttpResponse:
    return shown_once(
        request,
        made.token.reveal().decode(),
        title=made.row.name,
        back=reverse("api-key", args=[made.row.public_id]),
        list_url=reverse("api-keys"),
        list_title=_("API / MCP access"),
    )


def _find(public_id: UUID, actor: Actor) -> ApiKey:
    try:
        return selectors.get_api_key(Ref("public_id", public_id), visible_to=actor)
    except NotFound as error:
        raise Http404 from error


def _standing(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "active"


def _rights(key: ApiKey) -> list[str]:
    return told(key.permissions, key.grants.all(), is_per_ca=key.kind == ApiKey.Kind.PER_CA)


_SHEET: Final = Sheet(
    "api-keys",
    {
        "id": "public_id",
        "name": "name",
        "prefix": "prefix",
        "status": _standing,
        "rights": lambda row: "; ".join(_rights(row)),
        "owner": "owner.email",
        "expires_at": "expires_at",
        "last_used_at": "last_used_at",
        "last_used_ip": "last_used_ip",
    },
)


def _email(request: HttpRequest) -> str:
    return str(getattr(request.user, "email", ""))
