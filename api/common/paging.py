"""Lists in pages, newest first: by a cursor that neither inserts nor deletes can shift, in v1 also by offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet

from api.common.errors import Malformed
from api.common.fields import Text
from api.common.inputs import Number, Query
from kernel.errors import field_error
from kernel.text import _

M = TypeVar("M", bound=Model)

USUAL_LIMIT: Final = 50
LARGEST_LIMIT: Final = 1000
# Counting further than this costs more than the number is worth.
COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows of a list, how to get the next, and how many there are in all (`is_estimate`: at least)."""

    rows: Sequence[M]
    next_cursor: str | None
    total: int
    is_estimate: bool = False


class PageQuery(Query):
    """Which part of a list: at most `limit` rows after the cursor."""

    limit = Number(min_value=1, max_value=LARGEST_LIMIT, default=USUAL_LIMIT)
    cursor = Text(max_length=1000, required=False)


class OffsetPageQuery(PageQuery):
    """The same, or from an offset: stable only while nothing is added or removed."""

    offset = Number(min_value=0, max_value=10**9, required=False)


def read_start(values: Mapping[str, Any], *, name: str) -> Any:
    """What a cursor of the list with this name says that a page begins after; None: it begins at the first row.

    Raises Malformed: a cursor that is not one of ours for this list, or both cursor and offset.
    """
    if "cursor" not in values:
        return None
    if "offset" in values:
        text = _("A list is read by cursor or by offset, not by both.")
        raise Malformed(text, errors=[field_error("offset", "contradiction", text)])
    try:
        return _signer(name).unsign_object(values["cursor"])
    except signing.BadSignature as error:
        text = _("This is not a cursor of this list.")
        raise Malformed(text, errors=[field_error("cursor", "invalid", text)]) from error


def make_cursor(last: Any, *, name: str) -> str:
    """A cursor for the rows after the one that `last` (JSON) tells of, in the list with this name."""
    return _signer(name).sign_object(last)


def read_page(rows: QuerySet[M], values: Mapping[str, Any], *, exactly: bool) -> Page[M]:
    """The page of `rows` that the values of a page query ask for; `exactly` counts beyond 10,000 too.

    Raises Malformed: a cursor that is not one of ours for this list, or both cursor and offset.
    """
    name, limit = rows.model._meta.label, values["limit"]
    last = read_start(values, name=name)
    part = rows.order_by("-pk") if last is None else rows.order_by("-pk").filter(pk__lt=last)
    start = values.get("offset", 0)
    found = list(part[start : start + limit + 1])
    more = len(found) > limit
    total, is_estimate = _count(rows, exactly=exactly)
    cursor = make_cursor(found[limit - 1].pk, name=name) if more else None
    return Page(found[:limit], cursor, total, is_estimate)


def _count(rows: QuerySet[M], *, exactly: bool) -> tuple[int, bool]:
    if exactly:
        return rows.count(), False
    counted = rows.order_by()[: COUNTED + 1].count()
    return min(counted, COUNTED), counted > COUNTED


def _signer(name: str) -> signing.Signer:
    return signing.Signer(salt=f"api.cursor.{name}", sep=".")
