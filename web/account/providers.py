"""How the people of an organization sign in: who needs a second factor, and through which providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.models import Organization, SignInProvider
from accounts.services.organizations import set_second_factor_rule
from accounts.services.sign_in_providers import (
    ProviderOrder,
    create_sign_in_provider,
    delete_sign_in_provider,
    update_sign_in_provider,
)
from audit.admin.forms import LinesField, SecretField
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.fresh import fresh_required
from web.account.members import role_choices
from web.account.pages import done, in_organization, show


class RuleForm(forms.Form):
    second_factor = forms.ChoiceField(
        label=_("Who needs a second factor"),
        choices=[(value, capfirst(label)) for value, label in Organization.SecondFactor.choices],
        widget=forms.RadioSelect,
    )


class RoleMapField(LinesField):
    """`value = role`, one to a line."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{claimed} = {role}" for claimed, role in value.items())
        return super().prepare_value(value)

    def clean(self, value: Any) -> Any:
        pairs = [line.rpartition("=") for line in super().clean(value)]
        if any(not claimed.strip() or not role.strip() for claimed, _sign, role in pairs):
            raise ValidationError(_("Write one to a line, such as: pki-operators = operator"), code="invalid")
        return {claimed.strip(): role.strip() for claimed, _sign, role in pairs}


class ProviderForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What people read on the button."))
    client_secret = SecretField(label=_("Client secret"), help_text=_("Sealed, and never shown again."))
    role_claim = forms.CharField(
        label=_("Claim of the role"),
        max_length=100,
        required=False,
        help_text=_("Such as groups, or realm_access.roles."),
    )
    role_map = RoleMapField(
        label=_("Roles"),
        help_text=_("Which value of the claim stands for which role: pki-operators = operator"),
        rows=4,
    )
    default_role = forms.ChoiceField(label=_("Role otherwise"), required=False)
    makes_members = forms.BooleanField(
        label=_("Whoever signs in becomes a member"),
        required=False,
        help_text=_("Else only those whom you have bound by hand sign in."),
    )
    is_listed = forms.BooleanField(label=_("A button on the sign-in page, for everybody to see"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nobody = ("", _("nobody gets in"))
        self.fields["default_role"].choices = [nobody, *role_choices(organization)]  # type: ignore[attr-defined]

    def order(self) -> ProviderOrder:
        rest = {key: self.cleaned_data[key] for key in ProviderOrder.__dataclass_fields__}
        return ProviderOrder(**rest)


class NewProviderForm(ProviderForm):
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("Its address, such as https://id.example.com. It stays for ever."),
    )
    client_id = forms.CharField(label=_("Client id"), max_length=200)
    field_order = ("name", "issuer", "client_id", "client_secret")


@in_organization(Permission.ORGANIZATIONS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = RuleForm(request.POST or None, initial={"second_factor": organization.second_factor})
    if request.method == "POST" and form.is_valid():
        rule = form.cleaned_data["second_factor"]
        if done(form, lambda: set_second_factor_rule(actor=actor, organization=organization, rule=rule)):
            messages.success(request, _("The rule holds from now on."))
            return redirect("sign-in-rules")
    context = {
        "title": _("How people sign in"),
        "organization": organization,
        "form": form,
        "providers": [(row, _address(row, "sign-in-with")) for row in selectors.sign_in_providers(visible_to=actor)],
    }
    return show(request, "sign_in_rules", context, form)


@sensitive_post_parameters("client_secret")
@fresh_required
@in_organization(Permission.ORGANIZATIONS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = NewProviderForm(organization, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        facts = {key: data[key] for key in ("issuer", "client_id", "client_secret")}
        if done(
            form,
            lambda: create_sign_in_provider(actor=actor, organization=organization, order=form.order(), **facts),
        ):
            messages.success(request, _("%(name)s is added.") % {"name": data["name"]})
            return redirect("sign-in-rules")
    return show(request, "provider", {"title": _("Add a provider"), "form": form, "provider": None}, form)


@sensitive_post_parameters("client_secret")
@fresh_required
@in_organization(Permission.ORGANIZATIONS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    try:
        row = selectors.get_sign_in_provider(Ref("public_id", public_id), visible_to=actor)
    except NotFound as error:
        raise Http404 from error
    if "delete" in request.POST:
        delete_sign_in_provider(actor=actor, provider=row)
        messages.success(request, _("%(name)s is removed.") % {"name": row.name})
        return redirect("sign-in-rules")
    initial = {key: getattr(row, key) for key in ProviderOrder.__dataclass_fields__}
    form = ProviderForm(organization, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        secret = form.cleaned_data["client_secret"]
        if done(
            form,
            lambda: update_sign_in_provider(actor=actor, provider=row, order=form.order(), client_secret=secret),
        ):
            messages.success(request, _("%(name)s is changed.") % {"name": form.cleaned_data["name"]})
            return redirect("sign-in-rules")
    context = {"title": row.name, "form": form, "provider": row, "callback": _address(row, "sign-in-callback")}
    return show(request, "provider", context, form)


def _address(row: SignInProvider, name: str) -> str:
    return urljoin(settings.BASE_URL, reverse(name, args=[row.public_id]))
