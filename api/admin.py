"""The answers that are remembered: to whom and when, never what."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from api.models import IdempotencyRecord
from audit.admin import html
from audit.admin.base import ReadOnlyAdmin


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "status", "organization", "principal", "answered", "forgotten")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    sortable_by = ()
    fields = ("method", "path", "status", "organization", "principal", "answered", "forgotten")

    @admin.display(description=_("Answered at"))
    def answered(self, record: IdempotencyRecord) -> SafeString | str:
        return html.moment(record.created_at)

    @admin.display(description=_("Forgotten at"))
    def forgotten(self, record: IdempotencyRecord) -> SafeString | str:
        return html.moment(record.expires_at)
