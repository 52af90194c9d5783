"""Who takes the steps of a call: by threads that wait, or by tasks that are awaited."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable
from typing import Any, Callable, Optional, TypeVar

import httpx

from chancery_client.errors import LONGEST_ANSWER, too_long
from chancery_client.exchange import Alone, Ask, Call, Send, Sleep, Step, Steps

T = TypeVar("T")


class Driver:
    """Takes steps one after the other; whoever calls it waits."""

    def __init__(self, http: httpx.Client, sleep: Callable[[float], object] = time.sleep) -> None:
        self.http = http
        self.sleep = sleep

    def run(self, steps: Steps[T]) -> T:
        """Take all steps. Raises what they raise."""
        result: Any = None
        error: Optional[Exception] = None
        try:
            while True:
                step = steps.throw(error) if error is not None else steps.send(result)
                result = error = None
                try:
                    result = self._take(step)
                except Exception as caught:
                    error = caught
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close()

    def _take(self, step: Step) -> Any:
        if isinstance(step, Send):
            return self._send(step.call)
        if isinstance(step, Sleep):
            return self.sleep(step.seconds)
        if isinstance(step, Alone):
            with step.locks.of_threads:
                return self.run(step.steps())
        return self._ask(step)

    def _ask(self, step: Ask) -> Any:
        result = step.function(*step.arguments)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError("A coroutine function needs an AsyncChanceryClient.")
        return result

    def _send(self, call: Call) -> httpx.Response:
        response = self.http.send(build_request(self.http, call), stream=True)
        if call.streamed and response.is_success:
            return response
        answer = _Answer(response)
        try:
            for piece in response.iter_bytes():
                answer.add(piece)
                if answer.is_cut:
                    break
        finally:
            response.close()
        return answer.whole()


class AsyncDriver:
    """Takes steps one after the other, in a task of asyncio."""

    def __init__(self, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self.http = http
        self.sleep = sleep

    async def run(self, steps: Steps[T]) -> T:
        """Take all steps. Raises what they raise."""
        result: Any = None
        error: Optional[Exception] = None
        try:
            while True:
                step = steps.throw(error) if error is not None else steps.send(result)
                result = error = None
                try:
                    result = await self._take(step)
                except Exception as caught:
                    error = caught
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            steps.close()

    async def _take(self, step: Step) -> Any:
        if isinstance(step, Send):
            return await self._send(step.call)
        if isinstance(step, Sleep):
            return await self.sleep(step.seconds)
        if isinstance(step, Alone):
            # Whoever is cancelled stops waiting; what was begun is ended, for it cannot be done twice.
            return await asyncio.shield(asyncio.ensure_future(self._run_alone(step)))
        result = step.function(*step.arguments)
        return await result if inspect.isawaitable(result) else result

    async def _run_alone(self, step: Alone) -> Any:
        async with step.locks.of_tasks:
            return await self.run(step.steps())

    async def _send(self, call: Call) -> httpx.Response:
        response = await self.http.send(build_request(self.http, call), stream=True)
        if call.streamed and response.is_success:
            return response
        answer = _Answer(response)
        try:
            async for piece in response.aiter_bytes():
                answer.add(piece)
                if answer.is_cut:
                    break
        finally:
            await response.aclose()
        return answer.whole()


class _Answer:
    """What is read of an answer, as far as there is room: who answers may be hostile, and never end."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._pieces: list[bytes] = []
        self._length = 0
        self.is_cut = False

    def add(self, piece: bytes) -> None:
        """Raises AnswerTooLong. Of an error that is too long, the status says enough."""
        self._length += len(piece)
        if self._length <= LONGEST_ANSWER:
            self._pieces.append(piece)
        elif self._response.is_success:
            raise too_long(self._response.status_code, self._response.headers.get("X-Trace-Id"))
        else:
            self._pieces.clear()
            self.is_cut = True

    def whole(self) -> httpx.Response:
        """The same answer with its content, which is decoded already."""
        response = self._response
        headers = httpx.Headers(response.headers)
        for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
            headers.pop(name, None)
        extensions = {name: each for name, each in response.extensions.items() if name != "network_stream"}
        content = b"".join(self._pieces)
        return httpx.Response(
            response.status_code, headers=headers, content=content, request=response.request, extensions=extensions
        )


def build_request(http: httpx.Client | httpx.AsyncClient, call: Call) -> httpx.Request:
    """The request of a call, for this client."""
    return http.build_request(
        call.verb,
        call.url,
        params=call.query or None,
        content=call.body,
        headers=dict(call.headers),
        timeout=call.timeout,
    )
