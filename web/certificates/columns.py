"""What the list of certificates can show of each, beside its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.admin import html
from cas.describe import key_words
from certificates.models import Certificate

_MOST_NAMES: Final = 5


@dataclass(frozen=True, slots=True)
class Column:
    """`show` makes of a row, at this time, what stands in its cell, out of the columns that it `reads`.

    `needs` is what has to be fetched besides.
    """

    label: str | Promise
    reads: tuple[str, ...]
    show: Callable[[Certificate, datetime], object]
    classes: str = ""
    needs: str = ""


def _names(row: Certificate) -> str:
    return ", ".join(row.sans[:_MOST_NAMES]) + (", …" if len(row.sans) > _MOST_NAMES else "")


# Of every row: its name, its serial number, how many names it has, its tags, its address, and what renewing it takes.
ALWAYS: Final = (
    *("public_id", "common_name", "subject", "serial", "sans", "tags"),
    *("state", "source", "key_custody", "template__retired_at"),
)
COLUMNS: Final[Mapping[str, Column]] = {
    "status": Column(
        _("Status"),
        ("state", "not_after"),
        lambda row, at: html.badge(html.status_of(row.state, row.not_after, at=at)),
    ),
    "names": Column(_("Names"), (), lambda row, at: _names(row), "break"),
    "issued": Column(_("Issued"), ("not_before",), lambda row, at: html.day(row.not_before, at=at)),
    "expires": Column(_("Expires"), ("not_after",), lambda row, at: html.day(row.not_after, at=at)),
    "issuer": Column(
        _("Issuer"), ("ca__name", "issuer_name"), lambda row, at: row.ca.name if row.ca else row.issuer_name, "break"
    ),
    "template": Column(
        _("Template"), ("template__code",), lambda row, at: row.template.code if row.template else "–", "break"
    ),
    "key": Column(_("Key"), ("key_algorithm",), lambda row, at: key_words(row.key_algorithm), "nowrap"),
    "custody": Column(_("Private key"), ("key_custody",), lambda row, at: row.get_key_custody_display()),
    "requester": Column(_("Requested by"), ("requester_label",), lambda row, at: row.requester_label, "who"),
    "owner": Column(_("Owner"), ("owner_id",), lambda row, at: row.owner or "–", "who", needs="owner"),
    "tags": Column(_("Tags"), (), lambda row, at: ", ".join(row.tags) or "–", "break"),
    "note": Column(_("Note"), ("description",), lambda row, at: row.description or "–", "break"),
    "serial": Column(_("Serial number"), (), lambda row, at: html.serial(row.serial, short=False)),
}
USUAL: Final = ("status", "expires", "issuer", "key", "requester")
