"""Lists that go on from page to page by the numbers of their rows, and the states that they can be narrowed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.http import urlencode

from web.asked import place_after

LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and where the first and the next page are; empty where there is none."""

    rows: Sequence[Any]
    first: str
    next: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A state that the list can be narrowed to, and how many are in it, where that is known."""

    label: str | Promise
    address: str
    count: int | None
    is_current: bool


def page_of(
    rows: QuerySet[Any],
    query: QueryDict,
    *,
    kept: Mapping[str, str] | None = None,
    newest_first: bool = False,
    place: str = "after",
) -> Page:
    """`kept` is what the address asks besides, and goes on asking; `place` is how it says where the page begins."""
    after = place_after(query.get(place, ""))
    if after:
        rows = rows.filter(pk__lt=after) if newest_first else rows.filter(pk__gt=after)
    found = list(rows.order_by("-pk" if newest_first else "pk")[: LENGTH + 1])
    shown = found[:LENGTH]
    following = {place: str(shown[-1].pk)} if len(found) > LENGTH else {}
    return Page(
        rows=shown,
        first=address(kept or {}) if after else "",
        next=address({**(kept or {}), **following}) if following else "",
    )


def chips_of(status: str, labels: Mapping[str, str | Promise], counts: Mapping[str, int] | None = None) -> list[Chip]:
    """`labels` by state, of which `status` is the chosen one; what is counted nowhere has no number."""
    return [
        Chip(label, address({"status": each}), (counts or {}).get(each), each == status)
        for each, label in labels.items()
    ]


def address(parts: Mapping[str, str]) -> str:
    """The query that asks this, without what is empty."""
    return "?" + urlencode({name: value for name, value in parts.items() if value})
