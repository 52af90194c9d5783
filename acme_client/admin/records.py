"""Accounts, orders, authorizations, challenges, public names and DNS providers: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder, DnsProvider, PublicName
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from cas.describe import key_words


@admin.register(AcmeAccount)
class AcmeAccountAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "provider", "environment", "status", "email")
    list_filter = ("status", "provider", "environment")
    list_select_related = ("organization",)
    search_fields = ("name__istartswith", "email__istartswith")
    search_help_text = _("Name")
    sortable_by = ()
    fields = (
        "name",
        "organization",
        "provider",
        "environment",
        "directory_url",
        "email",
        "status",
        "account_url",
        "eab_key_id",
        "preferred_chain",
        "approvals_needed",
        "approver_role",
        "last_error",
        "public_id",
    )
    audit_type = "acme_account"


@admin.register(AcmeOrder)
class AcmeOrderAdmin(ReadOnlyAdmin):
    list_display = ("what", "account", "status", "challenge_type", "requester_label", "ordered")
    list_filter = ("status", "challenge_type", ("account", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("account",)
    sortable_by = ()
    fields = (
        "what",
        "organization",
        "account",
        "status",
        "challenge_type",
        "key_kind",
        "key_made_here",
        "auto_renew",
        "replaces",
        "certificate",
        "request",
        "order_url",
        "last_error",
        "attempts",
        "requester_label",
        "owner",
        "ordered",
        "public_id",
    )
    audit_type = "acme_order"

    @admin.display(description=_("Names"))
    def what(self, row: AcmeOrder) -> str:
        return ", ".join(row.names)

    @admin.display(description=_("Key"))
    def key_kind(self, row: AcmeOrder) -> str:
        return key_words(row.key_algorithm) or "–"

    @admin.display(description=_("Ordered"))
    def ordered(self, row: AcmeOrder) -> SafeString | str:
        return html.moment(row.created_at)


@admin.register(AcmeAuthorization)
class AcmeAuthorizationAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "order", "status")
    list_filter = ("status",)
    list_select_related = ("order",)
    search_fields = ("name__istartswith",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("name", "is_wildcard", "order", "organization", "status", "url")


@admin.register(AcmeChallenge)
class AcmeChallengeAdmin(ReadOnlyAdmin):
    list_display = ("host", "type", "status", "published")
    list_filter = ("status", "type")
    search_fields = ("host__istartswith",)
    search_help_text = _("Host")
    sortable_by = ()
    fields = (
        "host",
        "type",
        "authorization",
        "organization",
        "status",
        "record_name",
        "published",
        "error",
        "public_id",
    )

    @admin.display(description=_("Published"))
    def published(self, row: AcmeChallenge) -> SafeString | str:
        return html.moment(row.presented_at)


@admin.register(PublicName)
class PublicNameAdmin(ReadOnlyAdmin):
    list_display = ("suffix", "organization", "proven_by", "proven")
    list_filter = ("proven_by",)
    list_select_related = ("organization",)
    search_fields = ("suffix__istartswith",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("suffix", "organization", "proven_by", "proven", "last_error", "public_id")
    audit_type = "public_name"

    @admin.display(description=_("Proven"))
    def proven(self, row: PublicName) -> SafeString | str:
        return html.moment(row.proven_at)


@admin.register(DnsProvider)
class DnsProviderAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "type", "tested", "last_error")
    list_filter = ("type",)
    list_select_related = ("organization",)
    search_fields = ("name__istartswith",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("name", "organization", "type", "zones", "propagation_seconds", "tested", "last_error", "public_id")
    audit_type = "dns_provider"

    @admin.display(description=_("Tested"))
    def tested(self, row: DnsProvider) -> SafeString | str:
        return html.moment(row.tested_at)
