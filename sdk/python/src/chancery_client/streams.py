"""Answers of many lines, one JSON object each, that are read while they come and never held as a whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Iterator
from types import TracebackType
from typing import Any, Callable, Optional

import httpx

from chancery_client.errors import LONGEST_ANSWER, ConnectionFailed, Problem, UnexpectedAnswer, too_long

_BROKEN = "The answer broke off"


class Lines:
    """The objects of an answer, in order. Read to the end, or close: `with client.audit.export() as lines: …`."""

    def __init__(self, open_answer: Callable[[], httpx.Response]) -> None:
        self._open_answer = open_answer
        self._answer: Optional[httpx.Response] = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._answer = self._open_answer()
        try:
            splitter = LineSplitter()
            for chunk in self._answer.iter_bytes():
                yield from map(read_line, splitter.feed(chunk))
            yield from map(read_line, splitter.end())
        except httpx.RequestError as error:
            raise ConnectionFailed(f"{_BROKEN}: {error}") from error
        finally:
            self.close()

    def close(self) -> None:
        """Read no further."""
        if self._answer is not None:
            self._answer.close()

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class AsyncLines:
    """The objects of an answer, in order. Read to the end, or close: `async with client.audit.export() as lines: …`."""

    def __init__(self, open_answer: Callable[[], Awaitable[httpx.Response]]) -> None:
        self._open_answer = open_answer
        self._answer: Optional[httpx.Response] = None

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        self._answer = await self._open_answer()
        try:
            splitter = LineSplitter()
            async for chunk in self._answer.aiter_bytes():
                for line in splitter.feed(chunk):
                    yield read_line(line)
            for line in splitter.end():
                yield read_line(line)
        except httpx.RequestError as error:
            raise ConnectionFailed(f"{_BROKEN}: {error}") from error
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Read no further."""
        if self._answer is not None:
            await self._answer.aclose()

    async def __aenter__(self) -> AsyncLines:
        return self

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.aclose()


class LineSplitter:
    """Lines of what comes in pieces. They end at a line feed and nowhere else: JSON may hold U+2028."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that are whole now. Raises AnswerTooLong: one does not end."""
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join([*self._pieces, whole[0]])
            self._pieces.clear()
            self._length = 0
        self._pieces.append(rest)
        self._length += len(rest)
        if self._length > LONGEST_ANSWER:
            raise too_long(200)
        return [line for line in whole if line.strip()]

    def end(self) -> list[bytes]:
        """What stands behind the last line feed."""
        last = b"".join(self._pieces)
        return [last] if last.strip() else []


def read_line(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises UnexpectedAnswer: it is none."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnexpectedAnswer(Problem(200, title="A line of the answer is not a JSON object"))
    return found
