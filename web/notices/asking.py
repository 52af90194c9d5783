"""What an address asks of a list of this room: which rows, from where on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.http import urlencode

from web.asked import place_after

Row = TypeVar("Row", bound=Model)

LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """An address of a list, newest first. What is no answer to its questions is left out."""

    status: str = ""
    after: int = 0

    @classmethod
    def read(cls, query: QueryDict, statuses: Iterable[str] = ()) -> Asked:
        status = query.get("status", "")
        return cls(status if status in statuses else "", place_after(query.get("after", "")) or 0)

    def of(self, status: str) -> Asked:
        """The same list of what is in this state, from its beginning."""
        return replace(self, status=status, after=0)

    def address(self) -> str:
        """The query that asks the same."""
        parts = {"status": self.status, "after": str(self.after or "")}
        return "?" + urlencode({name: value for name, value in parts.items() if value})


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and the addresses of its first page and of the next one; empty where there is none."""

    rows: list[Row]
    first: str
    next: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A state that the list can be narrowed to, and how many are in it, where that is counted."""

    label: str | Promise
    address: str
    count: int | None
    is_current: bool


def page_of(rows: QuerySet[Row], asked: Asked) -> Page[Row]:
    if asked.after:
        rows = rows.filter(pk__lt=asked.after)
    found = list(rows.order_by("-pk")[: LENGTH + 1])
    shown = found[:LENGTH]
    following = replace(asked, after=shown[-1].pk).address() if len(found) > LENGTH else ""
    return Page(shown, asked.of(asked.status).address() if asked.after else "", following)


def chips_of(asked: Asked, labels: Mapping[str, str | Promise], counts: Mapping[str, int] | None = None) -> list[Chip]:
    """`labels` by state; what is counted nowhere has no number."""
    return [
        Chip(label, asked.of(status).address(), (counts or {}).get(status), asked.status == status)
        for status, label in labels.items()
    ]
