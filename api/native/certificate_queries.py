"""Which certificates a list is asked for: by the language of filters, by its fields one at a time, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import prefetch_related_objects
from django.utils import timezone
from rest_framework.serializers import Field

from api.common.fields import Choice, Id, Text, Texts
from api.common.inputs import Query
from api.common.paging import OffsetPageQuery, Page, PageQuery, make_cursor, read_start
from certificates.filters import LONGEST, WORDS, parse_filter
from certificates.models import Certificate
from certificates.search import Order, Position, count_found, search_certificates
from kernel.actor import Actor

_SORTS: Final[Mapping[str, Order]] = {
    "-created_at": Order.NEWEST,
    "created_at": Order.OLDEST,
    "not_after": Order.FIRST_TO_EXPIRE,
    "-not_after": Order.LAST_TO_EXPIRE,
    "common_name": Order.NAME,
    "-common_name": Order.NAME_BACKWARDS,
}
_USUAL_SORT: Final = "-created_at"
_REPEATED: Final = "tag"
_ABOUT: Final = (
    "Terms `field:value`, joined by commas, all of which must be true: `status:issued,cn:*.acme.com,expires_lt:30d`."
)


def _filter() -> Text:
    return Text(required=False, allow_blank=True, max_length=LONGEST, help_text=_ABOUT)


class FilterOffsetQuery(OffsetPageQuery):
    """A page of what a filter lets through."""

    filter = _filter()


class FilterQuery(PageQuery):
    """The same in an order, and with a parameter for each field of the language; a tag may be given several times."""

    several = frozenset({_REPEATED})

    filter = _filter()
    sort = Choice(_SORTS, default=_USUAL_SORT, help_text="What has an index; with `-` the other way round.")

    def get_fields(self) -> dict[str, Field[Any, Any, Any, Any]]:
        words = {word: Text(required=False, max_length=LONGEST) for word in WORDS}
        return super().get_fields() | words | {_REPEATED: Texts(required=False, most=50)}


class SerialQuery(Query):
    """Whose serial number it is."""

    ca = Id(required=False, help_text="The CA, where several have used the number.")


def find_page(actor: Actor, values: Mapping[str, Any], *, exactly: bool) -> Page[Certificate]:
    """The page that the values of one of these queries ask for; `exactly` counts beyond 10,000 too.

    Raises Malformed (the cursor), Invalid (the filter, with everything that is wrong), Conflict (a serial number with
    two readings, both of which exist).
    """
    order = _SORTS[values.get("sort", _USUAL_SORT)]
    name = f"certificates.{order}"
    wanted = parse_filter(values.get("filter", ""), at=timezone.now(), words=_words(values))
    found = search_certificates(
        wanted,
        visible_to=actor,
        after=_read_position(read_start(values, name=name), order),
        offset=values.get("offset", 0),
        limit=values["limit"],
        order=order,
    )
    public = [row for row in found.rows if row.source == Certificate.Source.ACME]
    prefetch_related_objects(public, "acme_order__account")
    total = count_found(wanted, visible_to=actor, exactly=exactly)
    cursor = make_cursor(_written(found.next), name=name) if found.next else None
    return Page(found.rows, cursor, total.value, total.is_estimate)


def _words(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for word in WORDS:
        if word in values:
            given = values[word]
            yield from ((word, each) for each in (given if isinstance(given, list) else [given]))


def _written(last: Position) -> list[Any]:
    return [last.value.isoformat() if isinstance(last.value, datetime) else last.value, last.pk]


def _read_position(start: Any, order: Order) -> Position | None:
    if start is None:
        return None
    value, pk = start
    return Position(datetime.fromisoformat(value) if order.column == "not_after" else value, pk)
