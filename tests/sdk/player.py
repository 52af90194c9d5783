"""The Python player of the scenario: sdk/scenario/README.md says what is played. It needs the SDK, and `SCENARIO`.

`python player.py` plays it with `ChanceryClient`, `python player.py async` with `AsyncChanceryClient`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import chancery_client
from chancery_client import AsyncChanceryClient, ChanceryClient, Secret

_VALUE = re.compile(r"\$\{(\w+)\}")


class Failure(Exception):
    """Something is not as a step says."""


class Player:
    """One play: its clients, and what was kept."""

    def __init__(self, play: Mapping[str, Any], client: type) -> None:
        self.url: str = play["url"]
        self.keys: Mapping[str, str] = play["keys"]
        self.values: dict[str, Any] = dict(play["values"])
        self.client = client
        self.clients: dict[tuple[str, int | None], Any] = {}

    async def play(self, steps: Sequence[Mapping[str, Any]]) -> None:
        for step in steps:
            try:
                await self._play(step)
            except Exception as error:
                raise Failure(f"{step['name']} ({step['call']}): {error!r}") from error
        for client in self.clients.values():
            await _awaited(client.aclose() if hasattr(client, "aclose") else client.close())

    async def _play(self, step: Mapping[str, Any]) -> None:
        if not step.get("wrong"):
            return await self._step(step)
        try:
            await self._step(step)
        except Failure:
            return None
        raise Failure("what is wrong was not noticed")

    async def _step(self, step: Mapping[str, Any]) -> None:
        self._ask_proxy({"faults": step.get("faults", [])})
        found, failure = None, None
        try:
            found = await self._call(step)
        except chancery_client.ChanceryError as error:
            failure = error
        _require_failure(step.get("fails"), failure)
        self._compare(step.get("expect", {}), failure or found)
        for name, path in step.get("keep", {}).items():
            self.values[name] = _at(failure or found, path)
        seen = self._ask_proxy(None)
        self._compare({"left": []} | step.get("seen", {}), seen)

    async def _call(self, step: Mapping[str, Any]) -> Any:
        resource, method = step["call"].split(".")
        client = self._client(step.get("as", "officer"), step.get("retries"))
        arguments = self._filled({**step.get("query", {}), **step.get("with", {})})
        if "key" in step:
            arguments["idempotency_key"] = self._filled(step["key"])
        path = self._filled(step.get("path", []))
        return await _read(getattr(getattr(client, resource), method)(*path, **arguments))

    def _client(self, who: str, retries: int | None) -> Any:
        if (who, retries) not in self.clients:
            options = {} if retries is None else {"retries": retries}
            self.clients[who, retries] = self.client(base_url=self.url, api_key=self.keys[who], **options)
        return self.clients[who, retries]

    def _filled(self, value: Any) -> Any:
        """The same, with what was kept in the place of its names."""
        if isinstance(value, dict):
            if value.keys() == {"$at"}:
                return datetime.fromisoformat(value["$at"].replace("Z", "+00:00"))
            return {name: self._filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if not isinstance(value, str):
            return value
        if whole := _VALUE.fullmatch(value):
            return self.values[whole[1]]
        return _VALUE.sub(lambda match: str(self.values[match[1]]), value)

    def _compare(self, expected: Mapping[str, Any], found: Any) -> None:
        for path, value in expected.items():
            wanted, actual = self._filled(value), _at(found, path)
            if not _is_as_expected(wanted, actual):
                raise Failure(f"{path or 'the answer'} is {actual!r}, and not {wanted!r}")

    def _ask_proxy(self, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/__faults", data=data, timeout=240) as answer:  # noqa: S310
            return json.load(answer)


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _read(answer: Any) -> Any:
    """The answer, with lists and streams read to their end."""
    answer = await _awaited(answer)
    if hasattr(answer, "__aiter__"):
        return {"items": [_parsed(each) async for each in answer]}
    is_plain = isinstance(answer, str | bytes | Mapping | list)
    if hasattr(answer, "__iter__") and not is_plain:
        return {"items": [_parsed(each) for each in answer]}
    return answer


def _parsed(item: Any) -> Any:
    return json.loads(item) if isinstance(item, str | bytes) else item


def _require_failure(wanted: str | None, failure: Exception | None) -> None:
    if (wanted is None) != (failure is None):
        raise Failure(f"it ended with {failure!r}, and not with {wanted}") from failure
    if wanted is not None and not isinstance(failure, getattr(chancery_client, wanted)):
        raise Failure(f"it failed with {failure!r}, and not with {wanted}") from failure


def _at(value: Any, path: str) -> Any:
    """What stands at this path; None where nothing does."""
    for name in path.split(".") if path else []:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence):
            place = int(name)
            value = value[place] if -len(value) <= place < len(value) else None
        else:
            value = getattr(value, name, None)
    return value


def _is_as_expected(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, dict) and len(wanted) == 1:
        (word, argument), *_ = wanted.items()
        if word in _MATCHERS:
            return bool(_MATCHERS[word](argument, actual))
    return bool(wanted == actual)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _is_secret(beginning: str, actual: Any) -> bool:
    if not isinstance(actual, Secret):
        return False
    shown = [str(actual), repr(actual), f"{actual}", repr([actual]), json.dumps(actual, default=str)]
    return _text(actual.reveal()).startswith(beginning) and not any(beginning in text for text in shown)


_MATCHERS = {
    "$begins": lambda text, actual: _text(actual).startswith(text),
    "$ends": lambda text, actual: _text(actual).endswith(text),
    "$holds": lambda item, actual: item in (_text(actual) if isinstance(actual, str | bytes) else actual),
    "$bytes": lambda digits, actual: isinstance(actual, bytes) and actual.startswith(bytes.fromhex(digits)),
    "$count": lambda number, actual: len(actual) == number,
    "$some": lambda _true, actual: actual is not None and actual not in ("", b"", [], {}),
    "$not": lambda other, actual: actual != other,
    "$includes": lambda members, actual: members.items() <= actual.items(),
    "$time": lambda _true, actual: isinstance(actual, datetime) and actual.tzinfo is not None,
    "$secret": _is_secret,
}


def main(arguments: Sequence[str]) -> int:
    play = json.loads(os.environ["SCENARIO"])
    steps = json.loads(Path(play["scenario"]).read_text())["steps"]
    client: type = AsyncChanceryClient if "async" in arguments else ChanceryClient
    try:
        asyncio.run(Player(play, client).play(steps))
    except Failure as failure:
        print(failure, file=sys.stderr)  # noqa: T201
        return 1
    print(f"played {len(steps)} steps")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
