"""What an address asks of a list of roles or templates, and the page that answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from cas.models import Role, Template
from web.asked import row_after, text_of

Row = TypeVar("Row", Role, Template)

LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """An address of the list. What is no answer to its questions is left out."""

    text: str = ""
    ca: str = ""
    retired: bool = False
    after: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Asked:
        return cls(
            text=text_of(query, "q").strip()[:200],
            ca=text_of(query, "ca"),
            retired=query.get("status") == "retired",
            after=query.get("after", ""),
        )

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.ca)

    def in_use(self) -> str:
        """The address of the same list of what is in use."""
        return replace(self, retired=False, after="").address()

    def put_away(self) -> str:
        """The same of what is retired."""
        return replace(self, retired=True, after="").address()

    def first(self) -> str:
        return replace(self, after="").address()

    def address(self) -> str:
        """The query that asks the same."""
        return "?" + urlencode(list(self._parts()))

    def _parts(self) -> Iterator[tuple[str, str]]:
        plain = {"q": self.text, "ca": self.ca, "status": "retired" if self.retired else "", "after": self.after}
        return ((name, value) for name, value in plain.items() if value)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, how many there are in all, and the address of the next page."""

    rows: Sequence[Row]
    total: int
    next: str


def found_of(rows: QuerySet[Row], asked: Asked, *, column: str) -> QuerySet[Row]:
    """Those that it means, in the order of the column, which is what they are called by."""
    rows = rows.filter(retired_at__isnull=not asked.retired)
    if asked.ca:
        rows = rows.filter(ca__slug=asked.ca)
    if asked.text:
        words = (Q(**{f"{name}__icontains": asked.text}) for name in dict.fromkeys((column, "name", "description")))
        rows = rows.filter(_any(*words))
    return rows.order_by(column, "pk")


def page_of(rows: QuerySet[Row], asked: Asked, *, column: str) -> Page[Row]:
    """Of the rows that were found."""
    total = rows.count()
    after = _position(asked.after)
    if after is not None:
        value, pk = after
        rows = rows.filter(Q(**{f"{column}__gt": value}) | Q(**{column: value, "pk__gt": pk}))
    found = list(rows[: LENGTH + 1])
    following = ""
    if len(found) > LENGTH:
        last = found[LENGTH - 1]
        following = replace(asked, after=json.dumps([getattr(last, column), last.pk])).address()
    return Page(found[:LENGTH], total, following)


def _any(first: Q, *others: Q) -> Q:
    for other in others:
        first |= other
    return first


def _position(after: str) -> tuple[str, int] | None:
    """After which row the page begins; None: the first."""
    row = row_after(after)
    return row if row is not None and isinstance(row[0], str) else None
