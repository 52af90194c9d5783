"""Filters that people keep: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from audit.admin.base import ReadOnlyAdmin
from certificates.models import SavedFilter


@admin.register(SavedFilter)
class SavedFilterAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "organization", "is_shared")
    list_filter = ("is_shared", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner", "organization")
    search_fields = ("name",)
    search_help_text = _("Name")
    sortable_by = ()
    fields = ("name", "query", "owner", "organization", "is_shared", "public_id")
    audit_type = "saved_filter"
