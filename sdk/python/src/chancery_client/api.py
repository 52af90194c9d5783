"""What every resource is made of: calls of the API, and what is read from their answers."""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional, TypeVar

import httpx

from chancery_client._version import USER_AGENT
from chancery_client.drivers import AsyncDriver, Driver
from chancery_client.errors import NotYetIssued, Problem, UnexpectedAnswer
from chancery_client.exchange import Call, Credential, Steps, converse, read_json
from chancery_client.model import Model
from chancery_client.pages import AsyncPages, Page, Pages, read_page
from chancery_client.retries import Retries
from chancery_client.streams import AsyncLines, Lines
from chancery_client.wire import UNSET, Maybe, encode_body, encode_query, fill_path

M = TypeVar("M", bound=Model)

_MOUNT = "/api/v2"
# Files come as what they are, and problems as JSON.
_ANYTHING = "*/*"
_KEY = re.compile(r"[!-+\--~]{1,255}")


@dataclass(frozen=True)
class Settings:
    """How calls are made, and by whom. `slow_timeout` is for downloads, batches and what else takes its time."""

    base_url: str
    credential: Credential
    retries: Retries
    timeout: float
    slow_timeout: float
    clock: Callable[[], float] = time.time

    def call(
        self,
        verb: str,
        path: str,
        *parameters: Any,
        query: Optional[Mapping[str, Any]] = None,
        body: Optional[Mapping[str, Any]] = None,
        key: Maybe[Optional[str]] = UNSET,
        accept: str = "application/json",
        slow: bool = False,
        streamed: bool = False,
        may_be_gone: bool = False,
    ) -> Call:
        """A call of the API.

        `key` is UNSET where the server remembers none, and None where one is to be made up. Raises ValueError: an
        argument cannot be sent.
        """
        headers = {"Accept": accept, "User-Agent": USER_AGENT}
        content = encode_body(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        if key is not UNSET:
            headers["Idempotency-Key"] = _checked_key(key)
        return Call(
            verb,
            self.base_url + _MOUNT + fill_path(path, parameters),
            query=tuple(encode_query(query or {})),
            body=content,
            headers=headers,
            timeout=self.slow_timeout if slow else self.timeout,
            streamed=streamed,
            is_repeatable=verb != "POST" or key is not UNSET,
            may_be_gone=may_be_gone,
        )

    def steps(self, call: Call) -> Steps[httpx.Response]:
        """The steps from the call to its answer."""
        return converse(call, self.credential, self.retries, self.clock)


class Resource:
    """A part of the API. Its calls wait for their answers."""

    def __init__(self, settings: Settings, driver: Driver) -> None:
        self._settings = settings
        self._driver = driver

    def _answer(self, *call: Any, **options: Any) -> httpx.Response:
        return self._driver.run(self._settings.steps(self._settings.call(*call, **options)))

    def _one(self, model: type[M], *call: Any, pending: Sequence[type[Model]] = (), **options: Any) -> M:
        return read_one(self._answer(*call, **options), model, pending)

    def _pages(self, model: type[M], *call: Any, query: Mapping[str, Any]) -> Pages[M]:
        def fetch(cursor: Optional[str]) -> Page[M]:
            return read_list(self._answer(*call, query={**query, "cursor": cursor}), model)

        return Pages(fetch)

    def _bytes(self, *call: Any, **options: Any) -> bytes:
        return self._answer(*call, slow=True, accept=_ANYTHING, **options).content

    def _text(self, *call: Any, **options: Any) -> str:
        return self._answer(*call, accept=_ANYTHING, **options).text

    def _lines(self, *call: Any, **options: Any) -> Lines:
        return Lines(lambda: self._answer(*call, slow=True, streamed=True, accept=_ANYTHING, **options))

    def _nothing(self, *call: Any, **options: Any) -> None:
        self._answer(*call, may_be_gone=call[0] == "DELETE", **options)


class AsyncResource:
    """A part of the API. Its calls are awaited."""

    def __init__(self, settings: Settings, driver: AsyncDriver) -> None:
        self._settings = settings
        self._driver = driver

    async def _answer(self, *call: Any, **options: Any) -> httpx.Response:
        return await self._driver.run(self._settings.steps(self._settings.call(*call, **options)))

    async def _one(self, model: type[M], *call: Any, pending: Sequence[type[Model]] = (), **options: Any) -> M:
        return read_one(await self._answer(*call, **options), model, pending)

    def _pages(self, model: type[M], *call: Any, query: Mapping[str, Any]) -> AsyncPages[M]:
        async def fetch(cursor: Optional[str]) -> Page[M]:
            return read_list(await self._answer(*call, query={**query, "cursor": cursor}), model)

        return AsyncPages(fetch)

    async def _bytes(self, *call: Any, **options: Any) -> bytes:
        return (await self._answer(*call, slow=True, accept=_ANYTHING, **options)).content

    async def _text(self, *call: Any, **options: Any) -> str:
        return (await self._answer(*call, accept=_ANYTHING, **options)).text

    def _lines(self, *call: Any, **options: Any) -> AsyncLines:
        return AsyncLines(lambda: self._answer(*call, slow=True, streamed=True, accept=_ANYTHING, **options))

    async def _nothing(self, *call: Any, **options: Any) -> None:
        await self._answer(*call, may_be_gone=call[0] == "DELETE", **options)


def read_one(response: httpx.Response, model: type[M], pending: Sequence[type[Model]]) -> M:
    """What was answered. Raises NotYetIssued: it was filed instead; UnexpectedAnswer: it is none of these."""
    if response.status_code == 202 and pending:
        raise NotYetIssued(_read(response, pending), response.headers.get("Location"))
    found: M = _read(response, (model,))
    return found


def read_list(response: httpx.Response, model: type[M]) -> Page[M]:
    """A page of what was asked for. Raises UnexpectedAnswer: it is none."""
    try:
        return read_page(read_json(response), model.from_wire)
    except ValueError as error:
        raise _unexpected(response, error) from None


def _read(response: httpx.Response, models: Sequence[type[Model]]) -> Any:
    """The first of the models that the answer is one of."""
    document = read_json(response)
    *others, last = models
    for model in others:
        with contextlib.suppress(ValueError):
            return model.from_wire(document)
    try:
        return last.from_wire(document)
    except ValueError as error:
        raise _unexpected(response, error) from None


def _unexpected(response: httpx.Response, reason: ValueError) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        Problem(
            response.status_code,
            title="The server answered something unexpected",
            detail=str(reason),
            trace_id=response.headers.get("X-Trace-Id"),
        )
    )


def _checked_key(key: Optional[str]) -> str:
    if key is None:
        return str(uuid.uuid4())
    if not _KEY.fullmatch(key):
        raise ValueError("An idempotency key is 1 to 255 visible ASCII characters without a comma.")
    return key
