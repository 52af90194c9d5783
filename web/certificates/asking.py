"""What an address asks of the list of certificates: which, in which order, from where on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from audit.admin.html import EXPIRING_WITHIN, Status, word
from certificates.filters import parse_filter, parse_search
from certificates.orders import CertificateFilter
from certificates.search import Order, Position
from web.asked import row_after, text_of
from web.certificates.columns import COLUMNS, USUAL
from web.listing import Chip

LENGTHS: Final = (25, 50, 100)
SORTS: Final = {
    "newest": (Order.NEWEST, _("Newest first")),
    "oldest": (Order.OLDEST, _("Oldest first")),
    "expires": (Order.FIRST_TO_EXPIRE, _("First to expire")),
    "expires-last": (Order.LAST_TO_EXPIRE, _("Last to expire")),
    "name": (Order.NAME, _("Name")),
    "name-backwards": (Order.NAME_BACKWARDS, _("Name, backwards")),
}
_USUAL_SORT: Final = "newest"
# What a chip means in the language of filters.
_DAYS: Final = EXPIRING_WITHIN.days
_KEY_WAITS: Final = "key-waits"
CHIPS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    Status.ACTIVE: (("status", "issued"), ("expires_gt", f"{_DAYS}d")),
    Status.EXPIRING: (("status", "issued"), ("expires_lt", f"{_DAYS}d")),
    Status.REVOKED: (("status", "revoked"),),
    Status.EXPIRED: (("status", "expired"),),
    Status.HELD: (("status", "held"),),
    # No state, but a question of its own, which is not counted with them.
    _KEY_WAITS: (("key_custody", "waiting"),),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """An address of the list. What is no answer to its questions is left out, but for the filter, which is judged."""

    text: str = ""
    status: str = ""
    ca: str = ""
    template: str = ""
    sort: str = _USUAL_SORT
    length: int = LENGTHS[0]
    columns: tuple[str, ...] = USUAL
    after: str = ""

    @classmethod
    def of(cls, address: str) -> Asked:
        """What an address asks that was written down."""
        return cls.read(QueryDict(address.removeprefix("?")))

    @classmethod
    def read(cls, query: QueryDict) -> Asked:
        length, columns = query.get("length", ""), query.getlist("column")
        return cls(
            text=text_of(query, "q").strip(),
            status=query.get("status", "") if query.get("status") in list(CHIPS) else "",
            ca=text_of(query, "ca"),
            template=text_of(query, "template"),
            sort=query.get("sort", "") if query.get("sort") in SORTS else _USUAL_SORT,
            length=int(length) if length in map(str, LENGTHS) else LENGTHS[0],
            columns=tuple(key for key in COLUMNS if key in columns) or USUAL,
            after=query.get("after", ""),
        )

    @property
    def order(self) -> Order:
        return SORTS[self.sort][0]

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.status or self.ca or self.template)

    def wanted(self, at: datetime) -> CertificateFilter:
        """The filter that it means. Raises Invalid with everything that is wrong with it."""
        terms = parse_search(self.text, at=at).terms + parse_filter("", at=at, words=self._words()).terms
        return CertificateFilter(at=at, terms=terms)

    def position(self) -> Position | None:
        """After which row its page begins; None: the first."""
        row = row_after(self.after)
        if row is None:
            return None
        value, pk = row
        try:
            if self.order.column == "not_after":
                value = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return None
        expected = {"id": int, "not_after": datetime, "common_name": str}[self.order.column]
        return Position(value, pk) if isinstance(value, expected) else None

    def beyond(self, last: Position) -> str:
        """The address of the page after this row."""
        value = last.value.isoformat() if isinstance(last.value, datetime) else last.value
        return replace(self, after=json.dumps([value, last.pk])).address()

    def with_status(self, status: str) -> str:
        return replace(self, status=status, after="").address()

    def kept(self) -> str:
        """The same from the first page on: what is saved, and what every act leads back to."""
        return replace(self, after="").address()

    def cleared(self) -> str:
        """The whole register, shown in the same way."""
        return replace(self, text="", status="", ca="", template="", after="").address()

    def told(self) -> str:
        """What it asks, in words, for who meets it again under a name."""
        status = _label(self.status) if self.status else ""
        named = [(_("Status"), status), (_("Authority"), self.ca), (_("Template"), self.template)]
        if self.sort != _USUAL_SORT:
            named.append((_("Order"), str(SORTS[self.sort][1])))
        if self.columns != USUAL:
            named.append((_("Columns"), ", ".join(str(COLUMNS[key].label) for key in self.columns)))
        parts = [self.text, *(f"{label}: {value}" for label, value in named if value)]
        return " · ".join(filter(None, parts)) or str(_("All"))

    def address(self) -> str:
        """The query that asks the same, without what is usual."""
        return "?" + urlencode(list(self._parts()))

    def hidden(self) -> list[tuple[str, str]]:
        """Everything but what the form of the list asks for itself."""
        return [(name, value) for name, value in self._parts() if name == "status"]

    def _parts(self) -> Iterator[tuple[str, str]]:
        plain = {"q": self.text, "status": self.status, "ca": self.ca, "template": self.template, "after": self.after}
        yield from ((name, value) for name, value in plain.items() if value)
        if self.sort != _USUAL_SORT:
            yield "sort", self.sort
        if self.length != LENGTHS[0]:
            yield "length", str(self.length)
        if self.columns != USUAL:
            yield from (("column", key) for key in self.columns)

    def _words(self) -> Iterator[tuple[str, str]]:
        if self.status:
            yield from CHIPS[self.status]
        if self.ca:
            yield "ca", self.ca
        if self.template:
            yield "template", self.template


def chips(asked: Asked, counts: dict[str, int]) -> list[Chip]:
    """`counts` is by status, of the whole register; empty where nobody has counted it."""
    everything = sum(counts.values()) if counts else None
    found = [Chip(_("All"), asked.with_status(""), everything, not asked.status)]
    return found + [
        Chip(_label(status), asked.with_status(status), counts.get(status), asked.status == status) for status in CHIPS
    ]


def _label(status: str) -> str:
    return str(_("Key waits")) if status == _KEY_WAITS else word(status)
