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
    """`show` makes of a row, at this time, what stands in its cell. `needs` is what has to be fetched for it."""

    label: str | Promise
    show: Callable[[Certificate, datetime], object]
    classes: str = ""
    needs: str = ""


def _names(row: Certificate) -> str:
    return ", ".join(row.sans[:_MOST_NAMES]) + (", …" if len(row.sans) > _MOST_NAMES else "")


COLUMNS: Final[Mapping[str, Column]] = {
    "status": Column(_("Status"), lambda row, at: html.badge(html.status_of(row.state, row.not_after, at=at))),
    "names": Column(_("Names"), lambda row, at: _names(row), "break"),
    "issued": Column(_("Issued"), lambda row, at: html.day(row.not_before, at=at)),
    "expires": Column(_("Expires"), lambda row, at: html.day(row.not_after, at=at)),
    "issuer": Column(_("Issuer"), lambda row, at: row.ca.name if row.ca else row.issuer_name, "break"),
    "template": Column(_("Template"), lambda row, at: row.template.code if row.template else "–", "break"),
    "key": Column(_("Key"), lambda row, at: key_words(row.key_algorithm), "nowrap"),
    "custody": Column(_("Private key"), lambda row, at: row.get_key_custody_display()),
    "requester": Column(_("Requested by"), lambda row, at: row.requester_label, "break"),
    "owner": Column(_("Owner"), lambda row, at: row.owner or "–", "break", needs="owner"),
    "tags": Column(_("Tags"), lambda row, at: ", ".join(row.tags) or "–", "break"),
    "note": Column(_("Note"), lambda row, at: row.description or "–", "break"),
    "serial": Column(_("Serial number"), lambda row, at: html.serial(row.serial, short=False)),
}
USUAL: Final = ("status", "expires", "issuer", "key", "requester")
