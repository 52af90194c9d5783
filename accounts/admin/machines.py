"""How machines sign in: token issuers, the subjects that are service accounts, and the ranges they may stand in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import MachineIdentity, OidcIssuer, Organization, PrivateRange
from accounts.services.private_ranges import allow_private_range, forbid_private_range
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words


@admin.register(OidcIssuer)
class OidcIssuerAdmin(ReadOnlyAdmin):
    list_display = ("name", "standing", "organization", "issuer", "audience")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("name", "issuer", "audience")
    search_help_text = _("Name, issuer or audience")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "standing", "organization", "issuer", "audience", "signatures", "public_id")}),
        (_("Who gets in"), {"fields": ("makes_members", "role_claim", "roles", "default_role", "email_claim")}),
        (_("Its keys"), {"fields": ("how_many", "fetched", "keys_error")}),
    )
    audit_type = "oidc_issuer"

    @admin.display(description=_("Status"))
    def standing(self, row: OidcIssuer) -> SafeString:
        return html.badge("active" if row.is_active else "disabled")

    @admin.display(description=_("Signature algorithms"))
    def signatures(self, row: OidcIssuer) -> str:
        return ", ".join(row.algorithms)

    @admin.display(description=_("Roles"))
    def roles(self, row: OidcIssuer) -> str:
        return ", ".join(f"{claimed} = {role}" for claimed, role in row.role_map.items()) or "–"

    @admin.display(description=_("Keys"))
    def how_many(self, row: OidcIssuer) -> int:
        return len(row.keys)

    @admin.display(description=_("Fetched"))
    def fetched(self, row: OidcIssuer) -> SafeString | str:
        return html.moment(row.keys_fetched_at)


@admin.register(MachineIdentity)
class MachineIdentityAdmin(ReadOnlyAdmin):
    list_display = ("subject", "issuer", "organization", "service_account", "last_used")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization", "issuer", "service_account")
    search_fields = ("subject", "service_account__name")
    search_help_text = _("Subject or service account")
    sortable_by = ()
    fields = ("subject", "issuer", "organization", "service_account", "maker", "last_used", "public_id")
    audit_type = "machine_identity"

    @admin.display(description=_("Last used"))
    def last_used(self, row: MachineIdentity) -> SafeString | str:
        return html.moment(row.last_used_at)


class RangeForm(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    network = forms.CharField(label=_("Address range"), max_length=43, help_text=_("Such as 10.20.0.0/16."))


class AllowRange(ServicePage):
    slug = "allow"
    title = _("Allow a private range")
    explanation = _(
        "An organization's token issuers are asked for their keys on the internet alone, and in the ranges that stand "
        "here: whoever owns an organization must not look around behind this server."
    )
    submit = _("Allow the range")
    form_class = RangeForm

    def act(self, data: Mapping[str, Any]) -> Words:
        organization = data["organization"]
        self.obj = allow_private_range(actor=actor_of(self.request), organization=organization, network=data["network"])
        return _("%(range)s is allowed.") % {"range": self.obj.network}


class ForbidRange(ServicePage):
    slug = "forbid"
    title = _("Forbid the range")
    explanation = _("Nothing is asked there any more.")
    submit = _("Forbid the range")
    icon = "ban"
    is_dangerous = True

    def facts(self) -> Facts:
        return [(_("Address range"), self.obj.network), (_("Organization"), self.obj.organization)]

    def act(self, data: Mapping[str, Any]) -> Words:
        network = self.obj.network
        forbid_private_range(actor=actor_of(self.request), private_range=self.obj)
        self.obj = None
        return _("%(range)s is forbidden.") % {"range": network}


@admin.register(PrivateRange)
class PrivateRangeAdmin(ServiceAdmin):
    list_display = ("network", "organization", "created")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("network",)
    search_help_text = _("Address range")
    sortable_by = ()
    fields = ("network", "organization", "created")
    list_pages = (AllowRange,)
    object_pages = (ForbidRange,)
    audit_type = "private_range"

    @admin.display(description=_("Created"))
    def created(self, row: PrivateRange) -> SafeString | str:
        return html.moment(row.created_at)
