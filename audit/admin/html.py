"""Small pieces of markup that every list and page shares: icons, status badges, times, serial numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

EXPIRING_WITHIN: Final = timedelta(days=30)


class Status(StrEnum):
    """The one vocabulary of states that people read, on every page and in every list."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"
    HELD = "held"
    PENDING = "pending"
    DISABLED = "disabled"
    RETIRED = "retired"
    CANCELLED = "cancelled"
    APPROVED = "approved"
    REJECTED = "rejected"
    FULFILLED = "fulfilled"
    FAILED = "failed"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class _Look:
    word: str | Promise
    tone: str
    icon: str


_LOOKS: Final = {
    Status.ACTIVE: _Look(_("Active"), "ok", "check"),
    Status.EXPIRING: _Look(_("Expiring"), "warn", "clock"),
    Status.EXPIRED: _Look(_("Expired"), "", "expired"),
    Status.REVOKED: _Look(_("Revoked"), "bad", "ban"),
    Status.HELD: _Look(_("On hold"), "warn", "pause"),
    Status.PENDING: _Look(_("Pending"), "info", "hourglass"),
    Status.DISABLED: _Look(_("Disabled"), "warn", "pause"),
    Status.RETIRED: _Look(_("Retired"), "", "lock"),
    Status.CANCELLED: _Look(_("Cancelled"), "", "ban"),
    Status.APPROVED: _Look(_("Approved"), "ok", "check"),
    Status.REJECTED: _Look(_("Rejected"), "bad", "ban"),
    Status.FULFILLED: _Look(_("Fulfilled"), "ok", "certificate"),
    Status.FAILED: _Look(_("Failed"), "bad", "alert"),
    Status.DELIVERED: _Look(_("Delivered"), "ok", "check"),
    Status.DEAD: _Look(_("Given up"), "bad", "alert"),
}


def status_of(state: str, not_after: datetime | None = None, *, at: datetime | None = None) -> Status:
    """The word for a stored state: what is still good may be expiring, or expired, by its `not_after`."""
    if state not in ("issued", "active"):
        return Status(state)
    if not_after is None:
        return Status.ACTIVE
    left = not_after - (at or timezone.now())
    if left < timedelta(0):
        return Status.EXPIRED
    return Status.EXPIRING if left <= EXPIRING_WITHIN else Status.ACTIVE


@cache
def icon(name: str) -> SafeString:
    """An icon of the sprite; it says nothing to a screen reader, so words stand beside it."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("icons.svg"),
        name,
    )


def pill(word: object, tone: str = "", icon_name: str = "") -> SafeString:
    """A rounded label; `tone` is one of ok, warn, bad, info, or nothing."""
    picture = icon(icon_name) if icon_name else ""
    return format_html('<span class="badge {}">{}{}</span>', tone, picture, word)


def badge(status: Status | str) -> SafeString:
    look = _LOOKS[Status(status)]
    return pill(look.word, look.tone, look.icon)


def word(status: Status | str) -> str:
    return str(_LOOKS[Status(status)].word)


def yes_no(value: object) -> SafeString:
    return pill(_("yes"), "info", "check") if value else pill(_("no"))


def serial(value: str, *, short: bool = True) -> SafeString:
    """A serial number, as hexadecimal; in lists its ends are enough to know it again."""
    text = value.upper()
    shown = f"{text[:6]}…{text[-6:]}" if short and len(text) > 16 else text
    return format_html('<span class="mono nowrap" title="{}">{}</span>', text, shown)


def moment(value: datetime | None, *, at: datetime | None = None) -> SafeString | str:
    """A time in UTC, to the minute, with how far away it is below."""
    if value is None:
        return "–"
    return format_html(
        '<time class="nowrap" datetime="{}">{}</time> <span class="sub">{}</span>',
        value.isoformat(),
        value.strftime("%Y-%m-%d %H:%M"),
        relative(value, at=at),
    )


def day(value: datetime | None, *, at: datetime | None = None) -> SafeString | str:
    """A date, with how far away it is below; the exact time stands in the title."""
    if value is None:
        return "–"
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}">{}</time> <span class="sub">{}</span>',
        value.isoformat(),
        value.strftime("%Y-%m-%d %H:%M:%S UTC"),
        value.strftime("%Y-%m-%d"),
        relative(value, at=at),
    )


_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_MONTH, _YEAR = 30.44 * _DAY, 365.25 * _DAY


def relative(value: datetime, *, at: datetime | None = None) -> str:
    """ "in 6 days", "3 minutes ago": one unit, chosen so that the number stays small and honest."""
    seconds = int((value - (at or timezone.now())).total_seconds())
    size = abs(seconds)
    ahead = seconds > 0
    if size < _MINUTE:
        return str(_("in less than a minute") if ahead else _("just now"))
    if size < _HOUR:
        return _phrase("minute", size // _MINUTE, ahead)
    if size < 2 * _DAY:
        return _phrase("hour", size // _HOUR, ahead)
    if size < 120 * _DAY:
        return _phrase("day", size // _DAY, ahead)
    if size < 730 * _DAY:
        return _phrase("month", round(size / _MONTH), ahead)
    return _phrase("year", round(size / _YEAR), ahead)


# Whole phrases: languages inflect the unit after "in" and "ago" each in their own way.
_PHRASES: Final = {
    ("minute", True): ngettext_lazy("in %(count)d minute", "in %(count)d minutes", "count"),
    ("minute", False): ngettext_lazy("%(count)d minute ago", "%(count)d minutes ago", "count"),
    ("hour", True): ngettext_lazy("in %(count)d hour", "in %(count)d hours", "count"),
    ("hour", False): ngettext_lazy("%(count)d hour ago", "%(count)d hours ago", "count"),
    ("day", True): ngettext_lazy("in %(count)d day", "in %(count)d days", "count"),
    ("day", False): ngettext_lazy("%(count)d day ago", "%(count)d days ago", "count"),
    ("month", True): ngettext_lazy("in %(count)d month", "in %(count)d months", "count"),
    ("month", False): ngettext_lazy("%(count)d month ago", "%(count)d months ago", "count"),
    ("year", True): ngettext_lazy("in %(count)d year", "in %(count)d years", "count"),
    ("year", False): ngettext_lazy("%(count)d year ago", "%(count)d years ago", "count"),
}


def _phrase(unit: str, count: int, ahead: bool) -> str:
    return str(_PHRASES[unit, ahead] % {"count": count})
