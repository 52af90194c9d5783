"""As much of a list as was asked for."""

from __future__ import annotations

from typing import TypeVar

from chancery_client import Pages
from chancery_client.cli.output import is_terminal, note

T = TypeVar("T")
_LARGEST_PAGE = 1000


def page_size(limit: int, everything: bool) -> int:
    """How many rows to ask for at once."""
    return _LARGEST_PAGE if everything else min(limit, _LARGEST_PAGE)


def take(pages: Pages[T], limit: int | None) -> tuple[list[T], int]:
    """The first rows, all where there is no limit; and how many there are in all, as far as the server counts."""
    rows: list[T] = []
    total = 0
    for page in pages.pages():
        rows += page.items
        total = max(total, page.total)
        if limit is not None and len(rows) >= limit:
            break
    return rows[:limit], max(total, len(rows))


def tell_cut(shown: int, total: int) -> None:
    """That there are more, or none, to whoever reads it."""
    if not shown and is_terminal():
        note("Nothing there fits what was asked for.")
    if shown < total:
        note(f"These are {shown} of {total}: see more with --limit or --all.")
