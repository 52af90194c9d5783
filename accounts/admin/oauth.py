"""Applications that act for people, what they were let do, and what they hold: to look at, and to revoke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import OAuthClient, OAuthConsent, OAuthConsentCa, OAuthDevice, OAuthToken
from accounts.services.oauth_clients import revoke_client
from accounts.services.oauth_consents import withdraw_consent
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words

_OF_ORGANIZATION = (("organization", admin.RelatedOnlyFieldListFilter),)


class RevokeClient(ServicePage):
    slug = "revoke"
    title = _("Revoke the application")
    explanation = _("All that it was given stops working at once, for good.")
    submit = _("Revoke the application")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.revoked_at is None

    def facts(self) -> Facts:
        return [(_("Name"), self.obj.name), (_("Client id"), self.obj.client_id)]

    def act(self, data: Mapping[str, Any]) -> Words:
        revoke_client(actor=actor_of(self.request), client=self.obj)
        return _("The application is revoked.")


class WithdrawConsent(ServicePage):
    slug = "withdraw"
    title = _("Withdraw the consent")
    explanation = _("What the application was given by it stops working at once.")
    submit = _("Withdraw the consent")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.revoked_at is None

    def facts(self) -> Facts:
        return [(_("Application"), self.obj.client), (_("Person"), self.obj.user)]

    def act(self, data: Mapping[str, Any]) -> Words:
        withdraw_consent(actor=actor_of(self.request), consent=self.obj)
        return _("The consent is withdrawn.")


@admin.register(OAuthClient)
class OAuthClientAdmin(ServiceAdmin):
    list_display = ("called", "standing", "organization", "created")
    list_filter = _OF_ORGANIZATION
    list_select_related = ("organization", "owner")
    search_fields = ("name", "client_id")
    search_help_text = _("Name or client id")
    sortable_by = ()
    fields = (
        "called",
        "standing",
        "organization",
        "owner",
        "redirects",
        "registered_from",
        "created",
        "revoked",
        "public_id",
    )
    object_pages = (RevokeClient,)
    audit_type = "oauth_client"

    @admin.display(description=_("Name"))
    def called(self, row: OAuthClient) -> SafeString:
        return format_html('{} <span class="sub mono">{}</span>', row.name, row.client_id)

    @admin.display(description=_("Status"))
    def standing(self, row: OAuthClient) -> SafeString:
        if row.revoked_at is not None:
            return html.badge("revoked")
        return html.badge("active") if row.is_verified else html.pill(_("unverified"), "warn", "alert")

    @admin.display(description=_("Redirect addresses"))
    def redirects(self, row: OAuthClient) -> str:
        return ", ".join(row.redirect_uris)

    @admin.display(description=_("Created"))
    def created(self, row: OAuthClient) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Revoked"))
    def revoked(self, row: OAuthClient) -> SafeString | str:
        return html.moment(row.revoked_at)


@admin.register(OAuthConsent)
class OAuthConsentAdmin(ServiceAdmin):
    list_display = ("client", "user", "standing", "organization", "last_used")
    list_filter = _OF_ORGANIZATION
    list_select_related = ("organization", "client", "user")
    search_fields = ("client__name", "user__email")
    search_help_text = _("Application or person")
    sortable_by = ()
    fields = (
        "client",
        "user",
        "standing",
        "organization",
        "asked",
        "resource",
        "is_per_ca",
        "created",
        "ends",
        "last_used",
        "last_used_ip",
        "public_id",
    )
    object_pages = (WithdrawConsent,)
    audit_type = "oauth_consent"

    @admin.display(description=_("Status"))
    def standing(self, row: OAuthConsent) -> SafeString:
        if row.revoked_at is not None:
            return html.badge("revoked")
        return html.badge(html.status_of("active", row.expires_at))

    @admin.display(description=_("Scopes"))
    def asked(self, row: OAuthConsent) -> str:
        return " ".join(row.scopes)

    @admin.display(description=_("Created"))
    def created(self, row: OAuthConsent) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Expires"))
    def ends(self, row: OAuthConsent) -> SafeString | str:
        return html.moment(row.expires_at)

    @admin.display(description=_("Last used"))
    def last_used(self, row: OAuthConsent) -> SafeString | str:
        return html.moment(row.last_used_at)


@admin.register(OAuthConsentCa)
class OAuthConsentCaAdmin(ReadOnlyAdmin):
    list_display = ("consent", "ca", "organization", "can_read", "can_issue", "can_revoke")
    list_filter = _OF_ORGANIZATION
    list_select_related = ("organization", "consent__client", "consent__user", "ca")
    sortable_by = ()
    fields = ("consent", "ca", "organization", "can_read", "can_issue", "can_revoke")


@admin.register(OAuthToken)
class OAuthTokenAdmin(ReadOnlyAdmin):
    list_display = ("consent", "kind", "organization", "created", "ends", "ended")
    list_filter = ("kind", *_OF_ORGANIZATION)
    list_select_related = ("organization", "consent__client", "consent__user")
    sortable_by = ()
    fields = ("consent", "kind", "organization", "asked", "resource", "redirect_uri", "created", "ends", "ended")

    @admin.display(description=_("Scopes"))
    def asked(self, row: OAuthToken) -> str:
        return " ".join(row.scopes)

    @admin.display(description=_("Created"))
    def created(self, row: OAuthToken) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Expires"))
    def ends(self, row: OAuthToken) -> SafeString | str:
        return html.moment(row.expires_at)

    @admin.display(description=_("Ended"))
    def ended(self, row: OAuthToken) -> SafeString | str:
        return html.moment(row.ended_at)


@admin.register(OAuthDevice)
class OAuthDeviceAdmin(ReadOnlyAdmin):
    list_display = ("client", "created", "ends", "consent", "denied")
    list_select_related = ("client", "consent__client", "consent__user")
    sortable_by = ()
    fields = ("client", "asked", "resource", "consent", "created", "ends", "denied")

    @admin.display(description=_("Scopes"))
    def asked(self, row: OAuthDevice) -> str:
        return " ".join(row.scopes)

    @admin.display(description=_("Created"))
    def created(self, row: OAuthDevice) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Expires"))
    def ends(self, row: OAuthDevice) -> SafeString | str:
        return html.moment(row.expires_at)

    @admin.display(description=_("Denied"))
    def denied(self, row: OAuthDevice) -> SafeString | str:
        return html.moment(row.denied_at)
