"""What an address asks, as far as a database can answer it: no text and no number that it cannot hold."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from django.http import QueryDict

_LARGEST_ID: Final = 2**63 - 1
_LONGEST_ID: Final = len(str(_LARGEST_ID))
# The one character that no text of PostgreSQL has, and the halves of characters, which no UTF-8 has.
_UNKNOWN: Final = re.compile(r"[\0\ud800-\udfff]")


def text_of(query: QueryDict, name: str) -> str:
    """What it says under the name, without the characters that no database has; empty where it says nothing."""
    return _UNKNOWN.sub("", query.get(name, ""))


def place_after(text: str) -> int | None:
    """The number of the row after which a page begins; None: what is written is no such number."""
    # Python refuses to read numbers of thousands of digits.
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID):
        return None
    number = int(text)
    return number if number <= _LARGEST_ID else None


def row_after(text: str) -> tuple[Any, int] | None:
    """The same of a list in another order, told as JSON: what that row is sorted by, and its number."""
    try:
        value, pk = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    is_known = not (isinstance(value, str) and _UNKNOWN.search(value))
    return (value, pk) if is_known and type(pk) is int and 0 < pk <= _LARGEST_ID else None
