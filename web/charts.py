"""Charts, drawn here as SVG: they follow the theme, need no script, and can be read aloud."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from audit.admin.html import Status, word


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is, how much, where that is listed (empty: nowhere), and what stands below it where there is
    room for only a few words.
    """

    label: str | Promise
    count: int
    url: str = ""
    tone: str = "plain"
    mark: str = ""

    @property
    def said(self) -> str:
        return f"{self.label}: {self.count}"


@dataclass(frozen=True, slots=True)
class Slice:
    status: Status
    count: int
    tone: str
    url: str = ""


# --- columns ----------------------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _TOP, _BASE, _START = 960, 216, 26, 184, 44
# Of more columns than these the numbers would run into each other.
_MOST_NUMBERED: Final = 16
_LINE: Final = '<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/><text class="scale" x="{}" y="{}">{}</text>'
_COLUMN: Final = '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="3"/>{}<title>{}</title>'


def columns(bars: Sequence[Bar], label: str) -> SafeString:
    """Upright bars, one beside the other; each that is not empty leads to what it counts."""
    most = max((bar.count for bar in bars), default=0)
    return format_html(
        '<svg class="columns" viewBox="0 0 {} {}" role="group" aria-label="{}">{}{}</svg>',
        _WIDTH,
        _HEIGHT,
        label,
        format_html_join("", _LINE, _lines(most)),
        format_html_join("", "{}{}", _columns(bars, most)),
    )


def _lines(most: int) -> Iterator[tuple[object, ...]]:
    for value in sorted({0, most // 2, most}):
        y = _height_at(value, most)
        yield _START, y, _WIDTH, y, _START - 8, y + 4, value


def _columns(bars: Sequence[Bar], most: int) -> Iterator[tuple[SafeString, SafeString]]:
    step = (_WIDTH - _START) // max(len(bars), 1)
    width = step * 4 // 5
    for number, bar in enumerate(bars):
        x = _START + number * step + (step - width) // 2
        middle = x + width // 2
        mark = format_html('<text x="{}" y="{}">{}</text>', middle, _BASE + 20, bar.mark)
        yield _column(bar, x, width, _height_at(bar.count, most), is_numbered=len(bars) <= _MOST_NUMBERED), mark


def _column(bar: Bar, x: int, width: int, y: int, *, is_numbered: bool) -> SafeString:
    if not bar.count:
        return SafeString("")
    number = format_html('<text x="{}" y="{}">{}</text>', x + width // 2, y - 7, bar.count) if is_numbered else ""
    drawn = format_html(_COLUMN, bar.tone, x, y, width, _BASE - y, number, bar.said)
    if not bar.url:
        return format_html('<g role="img" aria-label="{}">{}</g>', bar.said, drawn)
    return format_html('<a href="{}" aria-label="{}">{}</a>', bar.url, bar.said, drawn)


def _height_at(count: int, most: int) -> int:
    """How high a number stands; what is not nothing can be seen."""
    height = (_BASE - _TOP) * count // max(most, 1)
    return _BASE - max(height, 3 if count else 0)


def proportion(count: int, most: int, tone: str = "plain") -> SafeString:
    """A bar that lies in a row of a table, where its number stands beside it."""
    return format_html(
        '<svg class="proportion" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="{}" width="{}" height="10"/></svg>',
        tone,
        max(100 * count // max(most, 1), 1) if count else 0,
    )


# --- the ring ---------------------------------------------------------------------------------------------------------

_RADIUS: Final = 54
_LENGTH: Final = 2 * math.pi * _RADIUS
_GAP: Final = 3.0
_ARC: Final = (
    '<circle class="{}" cx="70" cy="70" r="{}" fill="none" stroke-width="18"'
    ' stroke-dasharray="{} {}" stroke-dashoffset="{}" transform="rotate(-90 70 70)"/>'
)


def ring(slices: Sequence[Slice]) -> SafeString:
    """A ring of proportions with the total in its middle; the numbers stand beside it as text."""
    shown = [part for part in slices if part.count]
    total = sum(part.count for part in shown)
    description = ", ".join(f"{word(part.status)}: {part.count}" for part in shown) or _("None")
    return format_html(
        '<svg viewBox="0 0 140 140" role="img" aria-label="{}">'
        '<circle class="track" cx="70" cy="70" r="{}" fill="none" stroke-width="18"/>{}'
        '<text x="70" y="79">{}</text></svg>',
        description,
        _RADIUS,
        format_html_join("", _ARC, _arcs(shown, total)),
        total,
    )


def _arcs(slices: Sequence[Slice], total: int) -> list[tuple[str, int, str, str, str]]:
    arcs, start = [], 0.0
    gap = _GAP if len(slices) > 1 else 0.0
    for part in slices:
        length = _LENGTH * part.count / total
        drawn = max(length - gap, 1.0)
        arcs.append((part.tone, _RADIUS, f"{drawn:.2f}", f"{_LENGTH - drawn:.2f}", f"{-start:.2f}"))
        start += length
    return arcs
