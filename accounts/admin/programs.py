"""Tokens of people's programs and of service accounts, and what may be issued for these: to look at, and to revoke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import IssuancePolicy, ServiceAccountToken, SignInToken
from accounts.services.service_tokens import revoke_service_token
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words

_OF_ORGANIZATION = (("organization", admin.RelatedOnlyFieldListFilter),)


@admin.register(SignInToken)
class SignInTokenAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "created", "ends", "ended")
    list_filter = ("kind",)
    list_select_related = ("user",)
    sortable_by = ()
    fields = ("user", "kind", "family", "created", "ends", "ended")

    @admin.display(description=_("Created"))
    def created(self, row: SignInToken) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Expires"))
    def ends(self, row: SignInToken) -> SafeString | str:
        return html.moment(row.expires_at)

    @admin.display(description=_("Ended"))
    def ended(self, row: SignInToken) -> SafeString | str:
        return html.moment(row.ended_at)


class RevokeToken(ServicePage):
    slug = "revoke"
    title = _("Revoke the token")
    explanation = _("It is refused from now on.")
    submit = _("Revoke the token")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.revoked_at is None

    def facts(self) -> Facts:
        return [(_("Service account"), self.obj.service_account), (_("Name"), self.obj.name or "–")]

    def act(self, data: Mapping[str, Any]) -> Words:
        revoke_service_token(actor=actor_of(self.request), token=self.obj)
        return _("The token is revoked.")


@admin.register(ServiceAccountToken)
class ServiceAccountTokenAdmin(ServiceAdmin):
    list_display = ("prefix", "name", "service_account", "organization", "created", "ends", "used", "revoked")
    list_filter = _OF_ORGANIZATION
    list_select_related = ("organization", "service_account", "maker")
    search_fields = ("prefix", "name", "service_account__name")
    search_help_text = _("Name")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("prefix", "name", "service_account", "organization", "maker", "public_id")}),
        (_("Its life"), {"fields": ("created", "ends", "used", "last_used_ip", "revoked")}),
    )
    object_pages = (RevokeToken,)
    audit_type = "service_account_token"

    @admin.display(description=_("Created"))
    def created(self, row: ServiceAccountToken) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Expires"))
    def ends(self, row: ServiceAccountToken) -> SafeString | str:
        return html.moment(row.expires_at)

    @admin.display(description=_("Last used"))
    def used(self, row: ServiceAccountToken) -> SafeString | str:
        return html.moment(row.last_used_at)

    @admin.display(description=_("Revoked"))
    def revoked(self, row: ServiceAccountToken) -> SafeString | str:
        return html.moment(row.revoked_at)


@admin.register(IssuancePolicy)
class IssuancePolicyAdmin(ReadOnlyAdmin):
    list_display = ("service_account", "organization", "max_validity_days", "changed")
    list_filter = _OF_ORGANIZATION
    list_select_related = ("organization", "service_account")
    sortable_by = ()
    fields = (
        "service_account",
        "organization",
        "cn_patterns",
        "san_dns_patterns",
        "san_ip_cidrs",
        "san_email_domains",
        "allowed_ca_ids",
        "allowed_certificate_types",
        "max_validity_days",
        "changed",
    )

    @admin.display(description=_("Changed"))
    def changed(self, row: IssuancePolicy) -> SafeString | str:
        return html.moment(row.updated_at)
