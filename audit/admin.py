"""The log in the admin: to read, never to write."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audit.events import EventName
from audit.models import AuditCheckpoint, AuditEvent, AuditKey
from kernel.actor import ActorKind


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows of record: no adding, no changing, no deleting, and no action that would."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _NameFilter(admin.SimpleListFilter):
    """A filter by an enum's members: asking the table for its distinct values would read all of it."""

    names: ClassVar[type[StrEnum]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name.value, name.value) for name in self.names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(**{str(self.parameter_name): self.value()})


class EventNameFilter(_NameFilter):
    title, parameter_name, names = _("event"), "name", EventName


class ActorKindFilter(_NameFilter):
    title, parameter_name, names = _("kind of actor"), "actor_kind", ActorKind


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "name", "log", "actor_label", "resource_type", "resource_label", "ip", "sealed")
    list_filter = (EventNameFilter, ActorKindFilter, "at")
    search_fields = (
        "event_id__exact",
        "trace_id__exact",
        "serial__exact",
        "actor_label__istartswith",
        "resource_label__istartswith",
    )
    sortable_by = ()
    ordering = ("-id",)
    fields = (
        ("at", "name"),
        ("event_id", "log", "position"),
        ("actor_label", "actor_kind", "actor_id"),
        ("resource_type", "resource_id", "resource_label", "serial"),
        ("ip", "trace_id"),
        "signed_document",
        "signature_text",
        "key_id",
    )
    readonly_fields = ("signed_document", "signature_text")

    @admin.display(description=_("sealed"), boolean=True)
    def sealed(self, event: AuditEvent) -> bool:
        return event.is_sealed

    @admin.display(description=_("signed document"))
    def signed_document(self, event: AuditEvent) -> str:
        return json.dumps(event.document, ensure_ascii=False, indent=2)

    @admin.display(description=_("signature"))
    def signature_text(self, event: AuditEvent) -> str:
        return event.signature_text


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin):
    list_display = ("at", "log", "size", "root_hash")
    sortable_by = ()
    ordering = ("-id",)
    fields = ("at", "log", "size", "root_hash", "note")
    readonly_fields = ("root_hash",)

    @admin.display(description=_("root hash"))
    def root_hash(self, checkpoint: AuditCheckpoint) -> str:
        return bytes(checkpoint.root).hex()


@admin.register(AuditKey)
class AuditKeyAdmin(ReadOnlyAdmin):
    list_display = ("key_id", "is_active", "created_at", "public_key_hex")
    sortable_by = ()
    fields = ("key_id", "is_active", "created_at", "public_key_hex")
    readonly_fields = ("public_key_hex",)

    @admin.display(description=_("public key"))
    def public_key_hex(self, key: AuditKey) -> str:
        return bytes(key.public_key).hex()
