"""The shared cache: with a client that is made once, and that asks a silent server only now and then.

Django makes a client for each call, which takes longer than Redis. And every request asks the cache several times: one
that hangs would cost each of them its whole patience, several times over.

Values are JSON, or plain bytes. Django would pickle them, and a pickle runs what it says where it is read: whoever may
write to Redis would command the processes that have the keys.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Silent
from redis.retry import Retry

log = logging.getLogger(__name__)

# How long nobody asks after there was no answer.
PAUSE_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 1.0
# No JSON begins with it.
_BYTES: Final = b"\0"
_NOTHING: Final = object()


class Serializer:
    """What may be in a cache: bytes, and what JSON gives back as it was. Numbers are bare, so that Redis can count."""

    def dumps(self, value: Any) -> int | bytes:
        """Raises TypeError or ValueError where something else would come back."""
        if type(value) is int:
            return value
        if isinstance(value, bytes):
            return _BYTES + value
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        if json.loads(text) != value:
            raise TypeError("a cache keeps JSON: lists for tuples, and texts for the names of facts")
        return text.encode()

    def loads(self, data: int | bytes) -> Any:
        """Raises ValueError or RecursionError where it is nothing that `dumps` has made."""
        if isinstance(data, int):
            return data
        return data[1:] if data.startswith(_BYTES) else json.loads(data.decode())


# Its interface has no name at run time.
_serializer: Final[Any] = Serializer()


class _Breaker:
    """Whether a server is asked. Of all threads of a process one tries after each pause; the others go on without."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silent_until: float | None = None

    def require_answering(self) -> None:
        """Raises ConnectionError of redis."""
        with self._lock:
            if self._silent_until is None:
                return
            now = time.monotonic()
            if now < self._silent_until:
                raise Unreachable("the cache did not answer a moment ago")
            self._silent_until = now + PAUSE_SECONDS

    def note(self, *, answered: bool) -> None:
        with self._lock:
            self._silent_until = None if answered else time.monotonic() + PAUSE_SECONDS


# Threads have caches of their own; what one has found out of a server holds for all.
_breakers: Final[defaultdict[str, _Breaker]] = defaultdict(_Breaker)


class _Client(Redis):
    breaker: _Breaker

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Raises RedisError, at once where the server did not answer within the last seconds."""
        self.breaker.require_answering()
        try:
            answer = super().execute_command(*arguments, **options)
        except (Unreachable, Silent):
            self.breaker.note(answered=False)
            raise
        self.breaker.note(answered=True)
        return answer


class _KeptClient(RedisCacheClient):
    def __init__(self, servers: Any, **options: Any) -> None:
        patience = {"socket_connect_timeout": _PATIENCE_SECONDS, "socket_timeout": _PATIENCE_SECONDS}
        super().__init__(servers, _serializer, **(patience | {"retry": Retry(NoBackoff(), 0)} | options))
        # It holds nothing of its own: each command takes a connection out of the pool and puts it back.
        pool = self._get_connection_pool(write=True)  # type: ignore[attr-defined]
        self._kept: Any = _Client(connection_pool=pool)
        self._kept.breaker = _breakers[str(servers)]

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._kept

    def get(self, key: Any, default: Any) -> Any:
        return self._read(key, self._kept.get(key), default)

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        wanted = list(keys)
        found = zip(wanted, self._kept.mget(wanted), strict=True)
        values = {key: self._read(key, data, _NOTHING) for key, data in found}
        return {key: value for key, value in values.items() if value is not _NOTHING}

    def _read(self, key: Any, data: bytes | None, default: Any) -> Any:
        """What nobody can read is as if it were not there: another version wrote it, or another program."""
        if data is None:
            return default
        try:
            return _serializer.loads(data)
        except (ValueError, RecursionError):
            log.warning("what the cache has under %s cannot be read", key)
            return default


class KeptRedisCache(RedisCache):
    """For one server: reads and writes go to the same."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _KeptClient


class MemoryCache(LocMemCache):
    """Of one process; it keeps what the shared one keeps, and refuses what that refuses."""

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return super().add(key, _serializer.dumps(value), timeout, version)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        data = super().get(key, _NOTHING, version)
        return default if data is _NOTHING else _serializer.loads(data)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        super().set(key, _serializer.dumps(value), timeout, version)
