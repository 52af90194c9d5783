"""Charts, drawn here as SVG: they follow the theme, need no script, and can be read aloud."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from audit.admin.html import Status, word

_RADIUS: Final = 54
_LENGTH: Final = 2 * math.pi * _RADIUS
_GAP: Final = 3.0


@dataclass(frozen=True, slots=True)
class Slice:
    status: Status
    count: int
    tone: str


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


_ARC: Final = (
    '<circle class="{}" cx="70" cy="70" r="{}" fill="none" stroke-width="18"'
    ' stroke-dasharray="{} {}" stroke-dashoffset="{}" transform="rotate(-90 70 70)"/>'
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
