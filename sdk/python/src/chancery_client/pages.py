"""Lists that are fetched page after page while they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from typing import Any, Callable, Generic, Optional, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list; `total` is how many there are in all (`total_is_estimate`: at least)."""

    items: list[T]
    next_cursor: Optional[str]
    total: int
    total_is_estimate: bool = False


def read_page(document: Any, read_item: Callable[[Any], T]) -> Page[T]:
    """The page that the server sent. Raises ValueError: it is none."""
    if not isinstance(document, dict) or not isinstance(document.get("data"), list):
        raise ValueError("not a page of a list")
    about = document.get("pagination") or {}
    items = [read_item(each) for each in document["data"]]
    return Page(
        items,
        about.get("next_cursor"),
        about.get("total", len(items)),
        bool(about.get("total_is_estimate", False)),
    )


class Pages(Generic[T]):
    """All items of a list, from its first page to its last: `for item in …`, `.pages()`, `.total`."""

    def __init__(self, fetch: Callable[[Optional[str]], Page[T]]) -> None:
        self._fetch = fetch
        self._first: Optional[Page[T]] = None

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Page by page, each fetched when it is asked for."""
        page = self._take_first()
        yield page
        while page.next_cursor is not None:
            page = self._fetch(page.next_cursor)
            yield page

    @property
    def total(self) -> int:
        """How many there are in all; fetches the first page."""
        if self._first is None:
            self._first = self._fetch(None)
        return self._first.total

    def _take_first(self) -> Page[T]:
        """The first page, anew for everyone who reads it, unless it was only counted."""
        first, self._first = self._first, None
        return first or self._fetch(None)


class AsyncPages(Generic[T]):
    """All items of a list, from its first page to its last: `async for item in …`, `.pages()`, `await ….total`."""

    def __init__(self, fetch: Callable[[Optional[str]], Awaitable[Page[T]]]) -> None:
        self._fetch = fetch
        self._first: Optional[Page[T]] = None

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page by page, each fetched when it is asked for."""
        first, self._first = self._first, None
        page = first or await self._fetch(None)
        yield page
        while page.next_cursor is not None:
            page = await self._fetch(page.next_cursor)
            yield page

    @property
    async def total(self) -> int:
        """How many there are in all; fetches the first page."""
        if self._first is None:
            self._first = await self._fetch(None)
        return self._first.total
