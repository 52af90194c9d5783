"""Keys, serial numbers and profile versions: to look at."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from audit.admin.base import ReadOnlyAdmin
from cas.describe import key_words
from cas.models import BlockedKey, CaKey, IssuedSerial, ProfileVersion


@admin.register(CaKey)
class CaKeyAdmin(ReadOnlyAdmin):
    list_display = ("owner", "key_kind", "backend", "locked", "created_at")
    list_filter = ("backend", "algorithm", ("organization", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("organization", "authority")
    search_fields = ("key_hash__startswith", "authority__name")
    search_help_text = _("Authority, or beginning of the key hash")
    sortable_by = ()
    fields = ("owner", "organization", "key_kind", "backend", "reference", "locked", "hash", "public_id", "created_at")

    @admin.display(description=_("Authority"))
    def owner(self, key: CaKey) -> str:
        authority = getattr(key, "authority", None)
        return str(authority or key)

    @admin.display(description=_("Key"))
    def key_kind(self, key: CaKey) -> str:
        return key_words(key.algorithm)

    @admin.display(description=_("Protected by a passphrase"))
    def locked(self, key: CaKey) -> SafeString:
        return html.yes_no(key.passphrase_protected)

    @admin.display(description=_("Key hash"))
    def hash(self, key: CaKey) -> SafeString:
        return format_html('<span class="mono">{}</span>', key.key_hash)


@admin.register(IssuedSerial)
class IssuedSerialAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "ca", "ends", "created_at")
    list_filter = ("kind", ("ca", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("ca",)
    search_fields = ("serial__startswith",)
    search_help_text = _("Beginning of the serial number")
    sortable_by = ()
    fields = ("full_number", "kind", "organization", "ca", "ends", "shard", "digest", "created_at")

    @admin.display(description=_("Serial number"))
    def number(self, row: IssuedSerial) -> SafeString:
        return html.serial(row.serial)

    @admin.display(description=_("Serial number"))
    def full_number(self, row: IssuedSerial) -> SafeString:
        return html.serial(row.serial, short=False)

    @admin.display(description=_("Digest"))
    def digest(self, row: IssuedSerial) -> SafeString:
        return format_html('<span class="mono">{}</span>', row.tbs_sha256)

    @admin.display(description=_("Expires"))
    def ends(self, row: IssuedSerial) -> SafeString | str:
        return html.day(row.not_after)


@admin.register(ProfileVersion)
class ProfileVersionAdmin(ReadOnlyAdmin):
    list_display = ("template", "template_version", "role_version", "created_at")
    list_filter = (("template", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("template",)
    sortable_by = ()
    fields = ("template", "organization", "template_version", "role_version", "text", "created_at")

    @admin.display(description=_("Document"))
    def text(self, version: ProfileVersion) -> SafeString:
        return format_html('<pre class="json">{}</pre>', json.dumps(version.document, indent=2, ensure_ascii=False))


@admin.register(BlockedKey)
class BlockedKeyAdmin(ReadOnlyAdmin):
    list_display = ("hash", "organization", "reason", "created_at")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("organization",)
    search_fields = ("key_hash__startswith",)
    search_help_text = _("Beginning of the key hash")
    sortable_by = ()
    fields = ("hash", "organization", "reason", "created_at")

    @admin.display(description=_("Key hash"))
    def hash(self, row: BlockedKey) -> SafeString:
        return format_html('<span class="mono break">{}</span>', row.key_hash)
