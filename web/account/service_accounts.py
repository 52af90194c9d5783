"""Service accounts in pages: machines that act for the organization under a name of their own."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.admin.programs import RevokeToken
from accounts.admin.services import DisableAccount, EnableAccount
from accounts.models import Organization, ServiceAccount, ServiceAccountToken
from accounts.people_selectors import open_service_accounts, service_tokens
from accounts.policy import holds
from accounts.services.service_accounts import create_service_account, update_service_account
from cas.selectors import authorities
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _ as marked
from web.account.fresh import fresh_required, fresh_to_change
from web.account.pages import done, in_organization, show
from web.account.rights import EVERYWHERE, PER_CA, RIGHTS, RightsForm, cells_of, table_of, told
from web.account.service_account_pages import KINDS, CloseAccount, MakeToken, RemovePolicy, SetPolicy, policy_of
from web.addresses import address_of
from web.desk import Desk
from web.spreadsheets import Sheet, wants_csv

_ON_A_PAGE: Final = 50
_AT_HAND: Final = 2
_MOST_TOKENS: Final = 100


class AccountForm(RightsForm):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What it is, and where."))
    description = forms.CharField(label=_("Description"), max_length=1000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].help_text = _("The person who answers for it; it can never do more than they can.")

    def order(self) -> dict[str, Any]:
        """What the services are asked for, but for the owner, who does not change."""
        return {"name": self.cleaned_data["name"], "description": self.cleaned_data["description"], **self.wanted()}


class ServiceAccountDesk(Desk):
    name = "service-account"
    list_name = "service-accounts"
    place = "organization/service-accounts/"
    plural = _("Service accounts")
    reading = Permission.API_KEYS_READ
    doors = {
        SetPolicy: Permission.API_KEYS_WRITE,
        MakeToken: Permission.ORGANIZATIONS_WRITE,
        EnableAccount: Permission.API_KEYS_WRITE,
        RemovePolicy: Permission.API_KEYS_WRITE,
        DisableAccount: Permission.API_KEYS_WRITE,
        CloseAccount: Permission.API_KEYS_WRITE,
    }

    def urls(self) -> list[URLPattern]:
        """What is sent to change anything comes from somebody who has just shown who he is."""
        own = [path(f"{self.place}new/", add, name="service-account-new")]
        for pattern in super().urls():
            pattern.callback = fresh_to_change(pattern.callback)
            own.append(pattern)
        return [*own, path(f"{self.place}{self.one}change/", change, name="service-account-change")]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.get_service_account(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        rows = open_service_accounts(visible_to=actor).select_related("policy").order_by("name", "id")
        if wants_csv(request.GET):
            return _SHEET.of(rows)
        page = Paginator(rows, _ON_A_PAGE).get_page(request.GET.get("page"))
        context = {
            "title": self.plural,
            "page": page,
            "rows": [(row, standing_of(row), _rights(row), policy_of(row)) for row in page],
            "may_write": holds(actor, Permission.API_KEYS_WRITE),
        }
        return show(request, "service_accounts", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: ServiceAccount) -> HttpResponse:
        tokens = service_tokens(visible_to=actor).filter(service_account=obj).order_by("-id")
        doors = self.offered(request, actor, obj)
        context = {
            "title": obj.name,
            "account": obj,
            "standing": standing_of(obj),
            "rights": RIGHTS.values(),
            "grants": table_of(obj.grants.all()) if obj.is_per_ca else [],
            "policy": policy_of(obj),
            **_policy_words(actor, obj),
            "tokens": [(row, _standing_of_token(row)) for row in tokens[:_MOST_TOKENS]],
            "doors": doors[:_AT_HAND],
            "more": doors[_AT_HAND:],
            "may_write": holds(actor, Permission.API_KEYS_WRITE) and obj.closed_at is None,
        }
        return show(request, "service_account", context)


class TokenDesk(Desk):
    """Of tokens there is nothing to see that their account does not show; they can be revoked."""

    name = "service-token"
    list_name = "service-accounts"
    place = "organization/service-accounts/tokens/"
    plural = _("Service accounts")
    doors = {RevokeToken: Permission.API_KEYS_WRITE}

    def urls(self) -> list[URLPattern]:
        return [self._door(page, need, f"{self.place}{self.one}") for page, need in self.doors.items()]

    def find(self, actor: Actor, ref: Ref) -> Model:
        row = service_tokens(visible_to=actor).filter(**{ref.by: ref.value}).first()
        if row is None:
            raise NotFound(marked("Token not found"), code="service-token-not-found")
        return row

    def address_of(self, obj: Any) -> str:
        return address_of(obj.service_account)


@fresh_required
@in_organization(Permission.API_KEYS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = AccountForm(actor, organization, request.POST or None, initial={"owner": getattr(request.user, "email", "")})
    made: list[ServiceAccount] = []

    def make() -> None:
        order = {"owner": selectors.find_member(organization, form.cleaned_data["owner"]), **form.order()}
        made.append(create_service_account(actor=actor, organization=organization, **order))

    if request.method == "POST" and form.is_valid() and done(form, make):
        messages.success(request, _("%(name)s is made.") % {"name": made[0].name})
        return redirect(address_of(made[0]))
    return show(request, "service_account_form", {"title": _("Make a service account"), "form": form}, form)


@fresh_required
@in_organization(Permission.API_KEYS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, actor: Actor, organization: Organization, public_id: Any) -> HttpResponse:
    row = DESK._found(actor, public_id)
    assert isinstance(row, ServiceAccount)  # noqa: S101
    initial = {
        "name": row.name,
        "description": row.description,
        "scope": PER_CA if row.is_per_ca else EVERYWHERE,
        "permissions": row.permissions,
        **cells_of(row.grants.all()),
    }
    form = AccountForm(actor, organization, request.POST or None, initial=initial)
    del form.fields["owner"]
    if (
        request.method == "POST"
        and form.is_valid()
        and done(form, lambda: update_service_account(actor=actor, account=row, **form.order()))
    ):
        messages.success(request, _("It holds from now on."))
        return redirect(address_of(row))
    return show(request, "service_account_form", {"title": _("Change the account"), "form": form, "account": row}, form)


def standing_of(account: ServiceAccount) -> str:
    if account.closed_at is not None:
        return "retired"
    return "active" if account.is_active else "disabled"


def _standing_of_token(token: ServiceAccountToken) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "active" if token.is_good else "expired"


def _policy_words(actor: Actor, account: ServiceAccount) -> dict[str, Any]:
    """The CAs and kinds of its policy by their names."""
    policy = policy_of(account)
    if policy is None:
        return {}
    return {
        "cas": authorities(visible_to=actor).filter(pk__in=policy.allowed_ca_ids).values_list("name", flat=True),
        "kinds": [KINDS.get(kind, kind) for kind in policy.allowed_certificate_types],
    }


def _rights(account: ServiceAccount) -> list[str]:
    return told(account.permissions, account.grants.all(), is_per_ca=account.is_per_ca)


_SHEET: Final = Sheet(
    "service-accounts",
    {
        "id": "public_id",
        "name": "name",
        "description": "description",
        "status": standing_of,
        "rights": lambda row: "; ".join(_rights(row)),
        "has_policy": lambda row: policy_of(row) is not None,
        "owner": "owner.email",
    },
)
DESK: Final = ServiceAccountDesk()
TOKENS: Final = TokenDesk()
