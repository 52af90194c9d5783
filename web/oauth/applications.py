"""The applications that a person has let act for him, and those of an organization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import oauth_selectors as selectors
from accounts.models import OAuthConsent, OAuthConsentCa, Organization, User
from accounts.policy import holds
from accounts.services.oauth_clients import create_client, revoke_client
from accounts.services.oauth_consents import withdraw_consent
from accounts.sessions import actor_of
from audit.admin.forms import LinesField, message_of
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.fresh import fresh_required
from web.account.pages import done, in_organization
from web.listing import page_of
from web.oauth.asking import LABELS
from web.spreadsheets import Sheet, wants_csv

_MOST: Final = 200
_CONSENTS: Final = "consents"
_CLIENTS_SHEET: Final = Sheet(
    "applications",
    {"client_id": "client_id", "name": "name", "redirect_uris": "redirect_uris", "revoked_at": "revoked_at"},
)
_CONSENTS_SHEET: Final = Sheet(
    "consents",
    {
        "id": "public_id",
        "application": "client.name",
        "is_verified": "client.is_verified",
        "person": "user.email",
        "scopes": "scopes",
        "rights": lambda row: "; ".join(f"{ca}: {ticked}" for ca, ticked in _rights(row)),
        "created_at": "created_at",
        "last_used_at": "last_used_at",
        "last_used_ip": "last_used_ip",
    },
)


class ClientForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people read when they are asked."))
    redirect_uris = LinesField(
        label=_("Redirect addresses"),
        help_text=_(
            "One to a line, in full: answers go to exactly these. https://, or http://127.0.0.1/ with any port."
        ),
        rows=3,
        required=True,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def granted(request: HttpRequest) -> HttpResponse:
    """What I let applications do, in all my organizations."""
    user = cast(User, request.user)
    rows = OAuthConsent.objects.filter(user=user).select_related("client", "organization").order_by("-id")
    if request.method == "POST":
        return _withdraw(request, actor_of(request), rows.filter(public_id=_public_id(request)).first(), "applications")
    return render(
        request, "oauth/applications.html", {"title": _("Applications"), "consents": _shown(_in_force(rows)[:_MOST])}
    )


@in_organization(Permission.API_KEYS_READ)
@require_safe
def clients(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponseBase:
    """The organization's own applications, and what its people let any application do."""
    own = selectors.oauth_clients(visible_to=actor)
    let = _in_force(selectors.oauth_consents(visible_to=actor))
    if wants_csv(request.GET):
        return _CLIENTS_SHEET.of(own)
    if wants_csv(request.GET, _CONSENTS):
        return _CONSENTS_SHEET.of(let)
    page = page_of(let, request.GET, newest_first=True, place=_CONSENTS)
    context = {
        "title": _("OAuth clients"),
        "organization": organization,
        "clients": page_of(own, request.GET, newest_first=True),
        "page": page,
        "consents": _shown(page.rows),
        "may_write": holds(actor, Permission.API_KEYS_WRITE),
    }
    return render(request, "oauth/clients.html", context)


@fresh_required
@in_organization(Permission.API_KEYS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = ClientForm(request.POST or None)
    made = []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        done(form, lambda: made.append(create_client(actor=actor, organization=organization, **data)))
    if made:
        context = {"title": made[0].row.name, "client": made[0].row, "secret": made[0].secret.reveal().decode()}
        response = render(request, "oauth/client_made.html", context)
        response["Cache-Control"] = "no-store"
        return response
    context = {"title": _("Make an OAuth client"), "form": form}
    return render(request, "oauth/client_new.html", context, status=422 if form.errors else 200)


@in_organization(Permission.API_KEYS_WRITE)
@require_POST
def revoke(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    try:
        client = selectors.get_oauth_client(Ref("public_id", public_id), visible_to=actor)
    except NotFound as error:
        raise Http404 from error
    try:
        revoke_client(actor=actor, client=client)
        messages.success(request, _("The application is revoked, with all that it was given."))
    except DomainError as error:
        messages.error(request, message_of(error))
    return redirect("oauth-clients")


@in_organization(Permission.API_KEYS_WRITE)
@require_POST
def withdraw(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    """What a member let an application do, taken back by whoever answers for the organization's credentials."""
    rows = selectors.oauth_consents(visible_to=actor)
    return _withdraw(request, actor, rows.filter(public_id=_public_id(request)).first(), "oauth-clients")


def _withdraw(request: HttpRequest, actor: Actor, consent: OAuthConsent | None, back_to: str) -> HttpResponse:
    if consent is None:
        raise Http404
    try:
        withdraw_consent(actor=actor, consent=consent)
        messages.success(request, _("The application can do nothing here any more."))
    except DomainError as error:
        messages.error(request, message_of(error))
    return redirect(back_to)


def _public_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("consent", ""))
    except ValueError as error:
        raise Http404 from error


def _in_force(rows: QuerySet[OAuthConsent]) -> QuerySet[OAuthConsent]:
    """Those that stand, each with its CAs."""
    cas = OAuthConsentCa.objects.select_related("ca")
    return selectors.in_force(rows).prefetch_related(Prefetch("cas", cas))


def _shown(rows: Iterable[OAuthConsent]) -> list[tuple[OAuthConsent, list[tuple[str, str]]]]:
    """Each with its CAs by name and what was ticked for them."""
    return [(row, _rights(row)) for row in rows]


def _rights(row: OAuthConsent) -> list[tuple[str, str]]:
    return [(each.ca.name, _ticked(each)) for each in row.cas.all()]


def _ticked(row: OAuthConsentCa) -> str:
    return ", ".join(str(label) for tick, label in LABELS.items() if getattr(row, tick))
