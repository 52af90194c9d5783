"""Requests and what was decided on them: to look at. Decisions are made in the approval pages and by the API."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from certificates.models import Decision, Request

_TONES: Final = {
    Request.Status.PENDING: ("info", "hourglass"),
    Request.Status.APPROVED: ("ok", "check"),
    Request.Status.FULFILLED: ("ok", "check"),
    Request.Status.REJECTED: ("bad", "ban"),
    Request.Status.FAILED: ("bad", "ban"),
    Request.Status.EXPIRED: ("", "expired"),
    Request.Status.CANCELLED: ("", "lock"),
}


@admin.register(Request)
class RequestAdmin(ReadOnlyAdmin):
    list_display = ("what", "standing", "template", "requester_label", "approvals_needed", "asked", "ends")
    list_filter = ("status", ("template", admin.RelatedOnlyFieldListFilter), ("ca", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("template", "ca")
    search_fields = ("subject__icontains", "requester_label__istartswith", "digest__startswith")
    search_help_text = _("Subject, requester, or beginning of the digest")
    sortable_by = ()
    fields = (
        "what",
        "standing",
        "last_error",
        "certificate",
        "organization",
        "ca",
        "template",
        "profile",
        "names",
        "key_algorithm",
        "validity",
        "description",
        "digest",
        "requester_label",
        "person",
        "approvals_needed",
        "asked",
        "ends",
        "public_id",
    )
    audit_type = "request"

    @admin.display(description=_("Request"))
    def what(self, row: Request) -> str:
        return str(row)

    @admin.display(description=_("Status"))
    def standing(self, row: Request) -> SafeString:
        status = Request.Status(row.status)
        return html.pill(status.label, *_TONES[status])

    @admin.display(description=_("Alternative names"))
    def names(self, row: Request) -> str:
        return ", ".join(name for _kind, name in row.sans) or "–"

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
