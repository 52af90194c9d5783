"""Revocations, CRLs, responders and public paths: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from certificates.models import (
    CertificateTally,
    Crl,
    CrlScope,
    OcspResponder,
    Placement,
    PublicPath,
    Renewal,
    Revocation,
    SubscriberKey,
)


@admin.register(Revocation)
class RevocationAdmin(ReadOnlyAdmin):
    list_display = ("what", "reason", "ca", "when", "standing", "listed")
    list_filter = ("reason", ("lifted_at", admin.EmptyFieldListFilter), ("ca", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("ca", "certificate")
    search_fields = ("serial__startswith", "certificate__common_name__istartswith")
    search_help_text = _("Name, or beginning of the serial number")
    sortable_by = ()
    fields = (
        "certificate",
        "number",
        "organization",
        "ca",
        "reason",
        "comment",
        "when",
        "invalidity",
        "standing",
        "listed",
        "shard",
    )

    @admin.display(description=_("Certificate"))
    def what(self, row: Revocation) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', row.certificate or "–", html.serial(row.serial))

    @admin.display(description=_("Serial number"))
    def number(self, row: Revocation) -> SafeString:
        return html.serial(row.serial, short=False)

    @admin.display(description=_("Revoked"))
    def when(self, row: Revocation) -> SafeString | str:
        return html.moment(row.at)

    @admin.display(description=_("Status"))
    def standing(self, row: Revocation) -> SafeString:
        if row.lifted_at is not None:
            return html.pill(_("Lifted"), "ok", "check")
        return html.badge("held" if row.reason == "certificateHold" else "revoked")

    @admin.display(description=_("On the CRL since"))
    def listed(self, row: Revocation) -> str:
        return str(_("not yet")) if row.first_crl is None else str(row.first_crl)


@admin.register(Crl)
class CrlAdmin(ReadOnlyAdmin):
    list_display = ("scope", "number", "entries", "published", "ends")
    list_filter = (("scope__ca", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("scope", "scope__ca")
    sortable_by = ()
    fields = ("scope", "number", "entries", "published", "ends", "sha256")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Crl]:
        return super().get_queryset(request).defer("body")

    @admin.display(description=_("This update"))
    def published(self, crl: Crl) -> SafeString | str:
        return html.moment(crl.this_update)

    @admin.display(description=_("Next update"))
    def ends(self, crl: Crl) -> SafeString | str:
        return html.moment(crl.next_update)


@admin.register(CrlScope)
class CrlScopeAdmin(ReadOnlyAdmin):
    list_display = ("ca", "scope", "last_number", "published", "due", "attempts", "last_error")
    list_filter = (("ca", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("ca",)
    ordering = ("ca", "scope")
    sortable_by = ()
    fields = ("ca", "organization", "scope", "last_number", "published", "due", "leased", "attempts", "last_error")

    @admin.display(description=_("Published"))
    def published(self, scope: CrlScope) -> SafeString | str:
        return html.moment(scope.last_this_update)

    @admin.display(description=_("Due"))
    def due(self, scope: CrlScope) -> SafeString | str:
        return html.moment(scope.next_due_at)

    @admin.display(description=_("Leased until"))
    def leased(self, scope: CrlScope) -> SafeString | str:
        return html.moment(scope.lease_until)


@admin.register(OcspResponder)
class OcspResponderAdmin(ReadOnlyAdmin):
    list_display = ("ca", "number", "begins", "ends")
    list_filter = (("ca", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("ca",)
    sortable_by = ()
    fields = ("ca", "organization", "number", "begins", "ends", "public_id", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OcspResponder]:
        return super().get_queryset(request).defer("sealed_key")

    @admin.display(description=_("Serial number"))
    def number(self, responder: OcspResponder) -> SafeString:
        return html.serial(responder.serial, short=False)

    @admin.display(description=_("Valid from"))
    def begins(self, responder: OcspResponder) -> SafeString | str:
        return html.moment(responder.not_before)

    @admin.display(description=_("Expires"))
    def ends(self, responder: OcspResponder) -> SafeString | str:
        return html.moment(responder.not_after)


@admin.register(PublicPath)
class PublicPathAdmin(ReadOnlyAdmin):
    list_display = ("path", "kind", "ca", "scope")
    list_filter = ("kind", ("ca", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("ca",)
    search_fields = ("path__startswith",)
    search_help_text = _("Beginning of the path")
    ordering = ("path",)
    sortable_by = ()
    fields = ("path", "kind", "organization", "ca", "scope")


@admin.register(SubscriberKey)
class SubscriberKeyAdmin(ReadOnlyAdmin):
    list_display = ("certificate", "standing", "collected_by", "collected")
    list_filter = (("collected_at", admin.EmptyFieldListFilter),)
    list_select_related = ("certificate",)
    search_fields = ("certificate__common_name__istartswith", "collected_by")
    search_help_text = _("Name, or who collected it")
    sortable_by = ()
    fields = ("certificate", "organization", "standing", "collected_by", "collected", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriberKey]:
        return super().get_queryset(request).defer("sealed")

    @admin.display(description=_("Status"))
    def standing(self, key: SubscriberKey) -> str:
        return str(key.certificate.get_key_custody_display())

    @admin.display(description=_("Collected"))
    def collected(self, key: SubscriberKey) -> SafeString | str:
        return html.moment(key.collected_at)


@admin.register(Renewal)
class RenewalAdmin(ReadOnlyAdmin):
    ordering = ("due_at",)
    list_display = ("certificate", "standing", "due", "attempts", "last_error")
    list_filter = ("standing", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("certificate",)
    search_fields = ("certificate__common_name__istartswith",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("certificate", "organization", "standing", "due", "leased", "attempts", "last_error", "created_at")

    @admin.display(description=_("Due"))
    def due(self, renewal: Renewal) -> SafeString | str:
        return html.moment(renewal.due_at)

    @admin.display(description=_("Leased until"))
    def leased(self, renewal: Renewal) -> SafeString | str:
        return html.moment(renewal.lease_until)


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    list_display = ("place", "certificate", "outcome", "seen", "last_error")
    list_filter = ("outcome", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("certificate",)
    search_fields = ("host__istartswith",)
    search_help_text = _("Host")
    sortable_by = ()
    fields = (
        "place",
        "certificate",
        "organization",
        "outcome",
        "served_fingerprint",
        "is_chain_complete",
        "seen",
        "wrong",
        "last_error",
        "public_id",
    )

    @admin.display(description=_("Place"))
    def place(self, row: Placement) -> str:
        return str(row)

    @admin.display(description=_("Looked at"))
    def seen(self, row: Placement) -> SafeString | str:
        return html.moment(row.checked_at)

    @admin.display(description=_("Wrong since"))
    def wrong(self, row: Placement) -> SafeString | str:
        return html.moment(row.wrong_since)


@admin.register(CertificateTally)
class CertificateTallyAdmin(ReadOnlyAdmin):
    list_display = ("organization", "through", "count", "taken")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    sortable_by = ()
    fields = ("organization", "through", "count", "taken")

    @admin.display(description=_("Counted"))
    def taken(self, tally: CertificateTally) -> SafeString | str:
        return html.moment(tally.created_at)
