"""What every list in the admin has in common: lean, read-only, and honest about what it counts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest


class LeanAdmin(admin.ModelAdmin):
    """No jQuery, no pop-ups, no deleting in bulk, no second counting of a whole table."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    ordering = ("-id",)
    empty_value_display = "–"
    view_on_site = False

    @property
    def media(self) -> forms.Media:
        return forms.Media(js=["admin/js/actions.js"])

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


class ReadOnlyAdmin(LeanAdmin):
    """A record to look at. What changes it is a service, and stands beside it as a page of its own."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
