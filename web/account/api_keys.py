"""API keys in pages: made and shown once, listed, replaced, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import BoundField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors
from accounts.grants import GrantOrder
from accounts.models import ApiKey, Organization, User
from accounts.policy import holds
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.api_keys import (
    LONGEST_OVERLAP,
    NewApiKey,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
)
from audit.admin.forms import DaysField, LinesField, message_of
from cas.models import CertificateAuthority
from cas.selectors import authorities
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.fresh import fresh_required
from web.account.pages import done, in_organization, show

EVERYWHERE, PER_CA = "organization", "cas"
_RIGHTS: Final = {
    "can_read": _("Read"),
    "can_issue": _("Issue"),
    "can_revoke": _("Revoke"),
    "can_export": _("Export keys"),
}
_ON_A_PAGE: Final = 50
_MOST_CAS: Final = 100


class KeyForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What uses it, and where."))
    owner = forms.ChoiceField(
        label=_("Owner"),
        help_text=_(
            "Who answers for it: the key can never do more than he can, and decides on no requests where somebody else "
            "has made it."
        ),
    )
    scope = forms.ChoiceField(
        label=_("What it is for"),
        choices=[(EVERYWHERE, _("The whole organization")), (PER_CA, _("Single CAs, and nothing else"))],
        initial=EVERYWHERE,
        widget=forms.RadioSelect,
    )
    permissions = forms.MultipleChoiceField(label=_("Permissions"), required=False, widget=forms.CheckboxSelectMultiple)
    lifetime = DaysField(label=_("Valid for (days)"), longest=3660, required=False, initial=365)
    allowed_cidrs = LinesField(
        label=_("Address ranges"), help_text=_("One to a line, such as 10.0.0.0/8. Empty: from anywhere."), rows=2
    )

    def __init__(self, actor: Actor, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        members = User.objects.filter(memberships__organization=organization).order_by("email")
        self._choose("owner", [(user.email, user.email) for user in members])
        self._choose("permissions", [(each, each) for each in sorted(actor.permissions & ORGANIZATION_PERMISSIONS)])
        self.cas = list(authorities(visible_to=actor).filter(key__isnull=False).order_by("name")[:_MOST_CAS])
        for ca in self.cas:
            for right, label in _RIGHTS.items():
                widget = forms.CheckboxInput(attrs={"aria-label": f"{ca.name}: {label}"})
                self.fields[_cell(ca, right)] = forms.BooleanField(required=False, widget=widget, label=label)

    def matrix(self) -> Iterator[tuple[CertificateAuthority, list[BoundField]]]:
        """Each CA with its four boxes."""
        for ca in self.cas:
            yield ca, [self[_cell(ca, right)] for right in _RIGHTS]

    def order(self) -> dict[str, Any]:
        """What the service is asked for."""
        data, lifetime = self.cleaned_data, self.cleaned_data["lifetime"]
        is_per_ca = data["scope"] == PER_CA
        return {
            "organization": self.organization,
            "owner": selectors.find_member(self.organization, data["owner"]),
            "name": data["name"],
            "permissions": () if is_per_ca else data["permissions"],
            "grants": self._grants() if is_per_ca else None,
            "expires_at": timezone.now() + lifetime if lifetime else None,
            "allowed_cidrs": data["allowed_cidrs"],
        }

    def _grants(self) -> list[GrantOrder]:
        chosen = [(ca, {right: self.cleaned_data[_cell(ca, right)] for right in _RIGHTS}) for ca in self.cas]
        return [GrantOrder(ca.pk, **rights) for ca, rights in chosen if any(rights.values())]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]


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
def overview(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    page = Paginator(selectors.api_keys(visible_to=actor), _ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": _("API keys"),
        "organization": organization,
        "page": page,
        "rows": [(key, _standing(key), _rights(key)) for key in page],
        "may_write": holds(actor, Permission.API_KEYS_WRITE),
        "curl": _curl("pkf_…"),
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
        return _shown_once(request, made[0])
    return show(request, "api_key_new", {"title": _("Generate an API key"), "form": form, "rights": _RIGHTS}, form)


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
            return _shown_once(request, made[0])
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
        "rights": _RIGHTS,
        "grants": [(grant.ca, [getattr(grant, right) for right in _RIGHTS]) for grant in key.grants.all()],
        "successor": getattr(key, "successor", None),
        "may_write": holds(actor, Permission.API_KEYS_WRITE) and _standing(key) == "active",
        "form": form,
    }
    return show(request, "api_key", context, form)


def _shown_once(request: HttpRequest, made: NewApiKey) -> HttpResponse:
    token = made.token.reveal().decode()
    context = {"title": made.row.name, "key": made.row, "token": token, "curl": _curl(token)}
    response = show(request, "api_key_made", context)
    response["Cache-Control"] = "no-store"
    return response


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
    """One line for each CA, or the permissions in one."""
    if key.kind != ApiKey.Kind.PER_CA:
        return [", ".join(key.permissions)]
    return [f"{grant.ca.name}: {_words(grant)}" for grant in key.grants.all()]


def _words(grant: object) -> str:
    return ", ".join(gettext(str(label)) for right, label in _RIGHTS.items() if getattr(grant, right))


def _curl(token: str) -> str:
    return f'curl -H "Authorization: Bearer {token}" {settings.BASE_URL}/api/v2/whoami'


def _cell(ca: CertificateAuthority, right: str) -> str:
    return f"{ca.public_id}-{right}"


def _email(request: HttpRequest) -> str:
    return str(getattr(request.user, "email", ""))
