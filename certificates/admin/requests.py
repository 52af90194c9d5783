"""Requests and what was decided on them, with pages to decide beside them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from audit.admin.pages import ServiceAdmin
from cas.admin.words import duration_text, usage_text
from certificates.admin import request_pages as pages
from certificates.admin.request_batch import ApproveSeveral
from certificates.models import Decision, Request
from certificates.services.review import findings_about


@admin.register(Request)
class RequestAdmin(ServiceAdmin):
    list_display = ("asked_for", "standing", "template", "asker", "approvals_needed", "ends")
    list_filter = (
        "status",
        "kind",
        ("template", admin.RelatedOnlyFieldListFilter),
        ("ca", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = ("template", "ca")
    search_fields = ("subject__icontains", "requester_label__istartswith", "digest__startswith")
    search_help_text = _("Subject, requester, or beginning of the digest")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("what", "kind", "standing", "last_error", "certificate", "asked", "ends", "public_id")}),
        (
            _("What would be signed"),
            {"fields": ("ca", "profile", "subject", "names", "key", "usages", "purposes", "lasts", "digest")},
        ),
        (_("Who says what"), {"fields": ("requester", "organization", "decisions", "findings")}),
        (_("Labels"), {"fields": ("identifier", "usage", "tags", "description", "replaces")}),
    )
    list_pages = (ApproveSeveral,)
    object_pages = (pages.Approve, pages.Reject, pages.Fulfil, pages.Cancel)
    audit_type = "request"

    @admin.display(description=_("Request"))
    def what(self, row: Request) -> str:
        return str(row)

    @admin.display(description=_("Request"))
    def asked_for(self, row: Request) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', row, row.get_kind_display())

    @admin.display(description=_("Requested by"))
    def asker(self, row: Request) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', row.requester_label, html.relative(row.created_at))

    @admin.display(description=_("Status"))
    def standing(self, row: Request) -> SafeString:
        return html.badge(row.status)

    @admin.display(description=_("Alternative names"))
    def names(self, row: Request) -> SafeString | str:
        return pages.names_of(row)

    @admin.display(description=_("Key"))
    def key(self, row: Request) -> str:
        return pages.key_of(row)

    @admin.display(description=_("Key usage"))
    def usages(self, row: Request) -> str:
        return ", ".join(map(usage_text, row.facts.get("key_usage", ()))) or "–"

    @admin.display(description=_("Extended key usage"))
    def purposes(self, row: Request) -> str:
        return pages.purposes_of(row)

    @admin.display(description=_("Validity"))
    def lasts(self, row: Request) -> str:
        return duration_text(int(row.validity.total_seconds())) if row.validity else "–"

    @admin.display(description=_("Requested by"))
    def requester(self, row: Request) -> str:
        return pages.requester_of(row)

    @admin.display(description=_("Decisions"))
    def decisions(self, row: Request) -> SafeString:
        return pages.decisions_of(row)

    @admin.display(description=_("Against it now"))
    def findings(self, row: Request) -> SafeString | str:
        return pages.findings_text(row, findings_about(row))

    @admin.display(description=_("Asked for"))
    def asked(self, row: Request) -> SafeString | str:
        return html.moment(row.created_at)

    @admin.display(description=_("Expires"))
    def ends(self, row: Request) -> SafeString | str:
        return html.moment(row.expires_at if row.is_open else None)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("about", "verdict", "approver_label", "decided")
    list_filter = ("verdict",)
    list_select_related = ("request",)
    sortable_by = ()
    fields = ("about", "organization", "verdict", "approver", "approver_label", "reason", "digest", "decided")

    @admin.display(description=_("Request"))
    def about(self, row: Decision) -> SafeString:
        return format_html('{} <span class="sub mono">{}</span>', row.request, row.digest[:16])

    @admin.display(description=_("Decided"))
    def decided(self, row: Decision) -> SafeString | str:
        return html.moment(row.created_at)
