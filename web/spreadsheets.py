"""What is written for spreadsheets and for programs: lists as CSV, in one language, every row that the list has."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import override

from audit.services import in_pieces

CONTENT_TYPE: Final = "text/csv; charset=utf-8; header=present"
_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
_CHUNK: Final = 500
# What an address asks of a page alone; the file has all pages.
_OF_A_PAGE: Final = ("after", "before", "page")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list as a file. Under each title stands an attribute of the row, or what a function makes of the row."""

    name: str
    columns: Mapping[str, str | Callable[[Any], object]]

    def of(self, rows: Iterable[Any]) -> StreamingHttpResponse:
        """The answer that is these rows; those of a query are read as they are sent."""
        found = rows.iterator(chunk_size=_CHUNK) if isinstance(rows, QuerySet) else rows
        cells = [attrgetter(each) if isinstance(each, str) else each for each in self.columns.values()]
        lines = csv_lines(self.columns, (_texts(row, cells) for row in found))
        return as_file(lines, f"{self.name}-{timezone.now():%Y-%m-%d}.csv", CONTENT_TYPE)


def wants_csv(query: QueryDict, part: str = "") -> bool:
    """Whether the address of a page asks for its list; for this one of them, where it has several."""
    return query.get("format") == "csv" and query.get("list", "") == part


def address_of_csv(query: QueryDict, part: str = "") -> str:
    """The query that asks for the file of what this one shows, on all its pages."""
    asked = query.copy()
    for name in _OF_A_PAGE:
        asked.pop(name, None)
    asked["format"] = "csv"
    if part:
        asked["list"] = part
    return "?" + asked.urlencode()


def csv_lines(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[bytes]:
    """The titles, then the rows, each with its line break."""
    line = StringIO(newline="")
    writer = csv.writer(line)
    for cells in chain([titles], rows):
        writer.writerow(map(defused, cells))
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()


def as_file(lines: Iterable[bytes], name: str, content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(in_pieces(lines), content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def defused(text: str) -> str:
    """The text of a cell, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def _texts(row: Any, cells: Iterable[Callable[[Any], object]]) -> list[str]:
    # Programs read it, whoever has asked for it.
    with override("en"):
        return [_text(cell(row)) for cell in cells]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat()
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
