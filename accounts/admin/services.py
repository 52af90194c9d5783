"""Service accounts, and what credentials may do with single CAs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.organizations import people
from accounts.models import Grant, Organization, ServiceAccount
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.service_accounts import (
    create_service_account,
    disable_service_account,
    enable_service_account,
)
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words


class AccountForm(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    owner = forms.ModelChoiceField(
        people(), label=_("Owner"), help_text=_("The person who answers for it; it can never do more than they can.")
    )
    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(label=_("Description"), max_length=1000, required=False)
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=[(value, value) for value in sorted(ORGANIZATION_PERMISSIONS)],
        widget=forms.CheckboxSelectMultiple,
    )


class CreateAccount(ServicePage):
    slug = "create"
    title = _("Make a service account")
    explanation = _("It has no way in yet: certificates and subjects of tokens are bound to it.")
    submit = _("Make the account")
    form_class = AccountForm

    def initial(self) -> Mapping[str, Any]:
        return {"owner": self.request.user, "organization": Organization.objects.first()}

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = create_service_account(actor=actor_of(self.request, data["organization"]), **data)
        return _("%(name)s is made.") % {"name": self.obj.name}


class _Switch(ServicePage):
    def facts(self) -> Facts:
        return [(_("Name"), self.obj.name), (_("Organization"), self.obj.organization), (_("Owner"), self.obj.owner)]


class DisableAccount(_Switch):
    slug = "disable"
    title = _("Disable the account")
    explanation = _("It stops working at once, whatever it signs in with.")
    submit = _("Disable the account")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return bool(self.obj.is_active)

    def act(self, data: Mapping[str, Any]) -> Words:
        disable_service_account(actor=actor_of(self.request), account=self.obj)
        return _("The account is disabled.")


class EnableAccount(_Switch):
    slug = "enable"
    title = _("Enable the account")
    submit = _("Enable the account")

    def is_offered(self) -> bool:
        return not self.obj.is_active and self.obj.closed_at is None

    def act(self, data: Mapping[str, Any]) -> Words:
        enable_service_account(actor=actor_of(self.request, self.obj.organization), account=self.obj)
        return _("The account works again.")


@admin.register(ServiceAccount)
class ServiceAccountAdmin(ServiceAdmin):
    list_display = ("name", "standing", "organization", "owner", "created")
    list_filter = ("is_active", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("organization", "owner", "maker")
    search_fields = ("name", "description", "owner__email")
    search_help_text = _("Name, description or owner")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "standing", "organization", "owner", "made_by", "description", "public_id")}),
        (_("What it may do"), {"fields": ("rights", "at_cas")}),
        (_("Its life"), {"fields": ("created",)}),
    )
    list_pages = (CreateAccount,)
    object_pages = (DisableAccount, EnableAccount)
    audit_type = "service_account"

    @admin.display(description=_("Status"))
    def standing(self, account: ServiceAccount) -> SafeString:
        return html.badge("active" if account.is_active else "disabled")

    @admin.display(description=_("Made by"))
    def made_by(self, account: ServiceAccount) -> str:
        return str(account.maker or _("the console"))

    @admin.display(description=_("Permissions"))
    def rights(self, account: ServiceAccount) -> str:
        return ", ".join(account.permissions) or "–"

    @admin.display(description=_("CAs"))
    def at_cas(self, account: ServiceAccount) -> str:
        return ", ".join(grant.ca.name for grant in account.grants.select_related("ca")) or "–"

    @admin.display(description=_("Created"))
    def created(self, account: ServiceAccount) -> SafeString | str:
        return html.moment(account.created_at)


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = ("ca", "api_key", "service_account", "can_read", "can_issue", "can_revoke", "can_export")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization", "api_key", "service_account", "ca")
    sortable_by = ()
    fields = ("organization", "ca", "api_key", "service_account", "can_read", "can_issue", "can_revoke", "can_export")
