"""The audit log: to be read, searched and followed, never changed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.base import EnumFilter, ReadOnlyAdmin
from audit.events import EventName
from audit.models import AuditCheck, AuditCheckpoint, AuditEvent, AuditKey, AuditTile
from kernel.actor import ActorKind


class EventFilter(EnumFilter):
    title, parameter_name, choices_of = _("event"), "name", EventName


class ActorKindFilter(EnumFilter):
    title, parameter_name, choices_of = _("kind of actor"), "actor_kind", ActorKind


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("what", "who", "about", "when", "sealed", "ip")
    list_filter = (EventFilter, ActorKindFilter)
    search_fields = ("event_id", "actor_label__startswith", "resource_label__startswith", "serial", "trace_id")
    search_help_text = _("Actor, object, serial number, event or request")
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("what", "at_exactly", "who", "actor_kind", "about", "serial_number", "ip", "trace")}),
        (_("What was signed"), {"fields": ("document", "signature_text", "key_id", "event_id")}),
        (_("Where it stands"), {"fields": ("log", "sealed", "position")}),
    )

    @admin.display(description=_("Event"))
    def what(self, event: AuditEvent) -> str:
        return event.name

    @admin.display(description=_("Actor"))
    def who(self, event: AuditEvent) -> str:
        return event.actor_label or "–"

    @admin.display(description=_("Object"))
    def about(self, event: AuditEvent) -> SafeString:
        kind = event.resource_type if event.resource_id is None else f"{event.resource_type} {event.resource_id}"
        return format_html('{} <span class="sub">{}</span>', event.resource_label or "–", kind)

    @admin.display(description=_("Time (UTC)"), ordering="id")
    def when(self, event: AuditEvent) -> SafeString | str:
        return html.moment(event.at)

    @admin.display(description=_("Time"))
    def at_exactly(self, event: AuditEvent) -> str:
        return event.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"

    @admin.display(description=_("Serial number"))
    def serial_number(self, event: AuditEvent) -> SafeString | str:
        return html.serial(event.serial, short=False) if event.serial else "–"

    @admin.display(description=_("Trace id"))
    def trace(self, event: AuditEvent) -> str:
        return event.trace_id or "–"

    @admin.display(description=_("Sealed"))
    def sealed(self, event: AuditEvent) -> SafeString:
        return html.pill(_("sealed"), "ok", "check") if event.is_sealed else html.pill(_("not yet"), "", "hourglass")

    @admin.display(description=_("Document"))
    def document(self, event: AuditEvent) -> SafeString:
        return format_html('<pre class="json">{}</pre>', json.dumps(event.document, indent=2, ensure_ascii=False))

    @admin.display(description=_("Signature"))
    def signature_text(self, event: AuditEvent) -> SafeString:
        return format_html('<span class="mono">{}</span>', event.signature_text)


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin):
    list_display = ("log", "size", "root_hash", "when")
    list_filter = ("log",)
    sortable_by = ()
    fields = ("log", "size", "root_hash", "when", "signed_note")

    @admin.display(description=_("Root hash"))
    def root_hash(self, checkpoint: AuditCheckpoint) -> SafeString:
        return format_html('<span class="mono">{}</span>', bytes(checkpoint.root).hex())

    @admin.display(description=_("Time (UTC)"))
    def when(self, checkpoint: AuditCheckpoint) -> SafeString | str:
        return html.moment(checkpoint.at)

    @admin.display(description=_("Signed note"))
    def signed_note(self, checkpoint: AuditCheckpoint) -> SafeString:
        return format_html('<pre class="json">{}</pre>', checkpoint.note)


@admin.register(AuditCheck)
class AuditCheckAdmin(ReadOnlyAdmin):
    list_display = ("log", "when", "size", "unsealed", "sound")
    list_filter = ("log",)
    sortable_by = ()
    fields = ("log", "when", "size", "unsealed", "root_hash", "sound", "findings")

    @admin.display(description=_("Time (UTC)"))
    def when(self, check: AuditCheck) -> SafeString | str:
        return html.moment(check.at)

    @admin.display(description=_("Root hash"))
    def root_hash(self, check: AuditCheck) -> SafeString:
        return format_html('<span class="mono">{}</span>', bytes(check.root).hex())

    @admin.display(description=_("Sound"))
    def sound(self, check: AuditCheck) -> SafeString:
        return html.yes_no(check.is_sound)


@admin.register(AuditTile)
class AuditTileAdmin(ReadOnlyAdmin):
    list_display = ("log", "level", "number", "hash_count")
    list_filter = ("level",)
    ordering = ("log", "level", "number")
    sortable_by = ()
    fields = ("log", "level", "number", "hash_count")

    @admin.display(description=_("Hashes"))
    def hash_count(self, tile: AuditTile) -> int:
        return len(bytes(tile.hashes)) // 32


@admin.register(AuditKey)
class AuditKeyAdmin(ReadOnlyAdmin):
    list_display = ("key_id", "active", "created_at")
    sortable_by = ()
    fields = ("key_id", "active", "public", "created_at")

    @admin.display(description=_("Active"))
    def active(self, key: AuditKey) -> SafeString:
        return html.yes_no(key.is_active)

    @admin.display(description=_("Public key (Ed25519)"))
    def public(self, key: AuditKey) -> SafeString:
        return format_html('<span class="mono">{}</span>', bytes(key.public_key).hex())
