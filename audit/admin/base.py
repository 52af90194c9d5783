"""What every list in the admin has in common: lean, read-only, and honest about what it counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import BinaryField, BooleanField, Field, JSONField, QuerySet
from django.db.models.expressions import Combinable
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from audit.admin.html import yes_no


def _listed(value: Any) -> object:
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return ", ".join(map(str, value)) or "–"
    return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False)) if value else "–"


# What Django would show as a picture of its own, or as the code of a value.
_IN_WORDS: Final[Mapping[type[Field[Any, Any]], Callable[[Any], object]]] = {
    BooleanField: lambda value: "–" if value is None else yes_no(value),
    JSONField: _listed,
}


class LeanAdmin(admin.ModelAdmin):
    """No jQuery, no pop-ups, no deleting in bulk, no second counting of a whole table."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    ordering: ClassVar[list[str | Combinable] | tuple[str | Combinable, ...] | None] = ("-id",)
    empty_value_display = "–"
    view_on_site = False

    @property
    def media(self) -> forms.Media:
        return forms.Media(js=["admin/js/actions.js"])

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._in_words(super().get_list_display(request))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # PostgreSQL has no NUL in its texts and refuses the question.
        return super().get_search_results(request, queryset, search_term.replace("\0", ""))

    def _in_words(self, names: Iterable[Any]) -> list[Any]:
        """The columns of a list or the fields of a record, each that Django would not write in words as one that is."""
        fields = {
            each.name: each for each in self.opts.fields if type(each) in _IN_WORDS and not hasattr(self, each.name)
        }
        return [_written(fields[name]) if name in fields else name for name in names]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Every column of the list's own table, as Django has it, but for those that hold bytes or a password.

        Hashes and sealed keys could be read letter by letter, and bytes cannot be compared with a text at all.
        """
        hidden = {field.name for field in self.opts.fields if isinstance(field, BinaryField)} | {"password"}
        return lookup.partition("__")[0] not in hidden and super().lookup_allowed(lookup, value, request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any | None:
        # Where the key is a text, PostgreSQL would be asked for one with a NUL, and refuses the question.
        if "\0" in object_id:
            return None
        try:
            return super().get_object(request, object_id, from_field)
        except OverflowError:
            # Where the key is that of another row, nobody looks whether a database has such a number.
            return None

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """What is not there is a 404, whatever stands in the address."""
        raise Http404


def _written(field: Field[Any, Any]) -> Callable[[Any], object]:
    words = _IN_WORDS[type(field)]

    def written(row: Any) -> object:
        return words(field.value_from_object(row))

    written.__name__ = field.name
    return admin.display(description=field.verbose_name, ordering=field.name)(written)


class EnumFilter(admin.SimpleListFilter):
    """A filter by the members of an enum: asking the table for its distinct values would read all of it."""

    choices_of: ClassVar[type[StrEnum]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(member.value, member.value) for member in self.choices_of]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})


class ReadOnlyAdmin(LeanAdmin):
    """A record to look at. What changes it is a service, and stands beside it as a page of its own."""

    change_form_template = "admin/record.html"
    # The name under which the audit log knows this kind of object, if it does.
    audit_type: ClassVar[str] = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        parts = super().get_fieldsets(request, obj)
        return [(title, {**part, "fields": self._in_words(part["fields"])}) for title, part in parts]

    def record_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the template of the record gets besides the fields."""
        return {"title": str(obj), "trail_url": self._trail_url(obj), "doors": []}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return super().change_view(
            request, object_id, form_url, {**self.record_context(request, obj), **(extra_context or {})}
        )

    def _trail_url(self, obj: Any) -> str:
        if not self.audit_type:
            return ""
        query = urlencode({"resource_type": self.audit_type, "resource_id": obj.pk})
        return f"{reverse('admin:audit_auditevent_changelist')}?{query}"
